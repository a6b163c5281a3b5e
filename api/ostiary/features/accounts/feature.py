"""Users: registration, and the permissions of an account."""

from flask import Flask

from ostiary.core.hash_pool import HashPool
from ostiary.core.passwords import Passwords
from ostiary.feature import Context, Feature
from ostiary.features.accounts.commands import users
from ostiary.features.accounts.routes import registration
from ostiary.features.accounts.service import Accounts
from ostiary.features.accounts.store import note_changed_roles
from ostiary.features.revocation.service import Revocations
from ostiary.web import admission


def _hash_pool(context: Context) -> HashPool:
    settings = context.settings
    return HashPool(settings.effective_hash_threads, settings.hash_queue, float(settings.hash_wait_seconds))


def _passwords(context: Context) -> Passwords:
    return Passwords(context.settings.argon2, context.get(HashPool), context.settings.secret_key)


def _accounts(context: Context) -> Accounts:
    return Accounts(
        context.database,
        context.get(Passwords),
        context.get(Revocations),
        context.clock,
        context.randomness,
        refuse_common_passwords=context.settings.is_production,
        service_names=context.settings.service_names,
    )


def _install(app: Flask, context: Context) -> None:
    admission.install(app, context.get(HashPool))


FEATURE = Feature(
    name="accounts",
    services={HashPool: _hash_pool, Passwords: _passwords, Accounts: _accounts},
    blueprints=(registration,),
    install=_install,
    commands=(users,),
    before_role_deletion=note_changed_roles,
)
