"""Settings -> services: everything that a running server is made of, below the web."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ostiary.core import common_passwords, name_tables
from ostiary.core.access_tokens import AccessTokens
from ostiary.core.clock import Clock, MovableClock, SystemClock
from ostiary.core.hash_pool import HashPool
from ostiary.core.passwords import Passwords
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.core.startup import Startup
from ostiary.core.step_up import StepUp
from ostiary.features.accounts.example import ExampleAdministrator
from ostiary.features.accounts.profile import Profile
from ostiary.features.accounts.service import Accounts
from ostiary.features.accounts.store import note_changed_roles
from ostiary.features.actors.service import Actors
from ostiary.features.admin.service import Administration
from ostiary.features.api_keys.bearers import ApiKeyBearers
from ostiary.features.api_keys.service import ApiKeys
from ostiary.features.audit.service import Audit
from ostiary.features.clients.example import ExampleClient
from ostiary.features.clients.service import Clients
from ostiary.features.idempotency.service import Idempotency
from ostiary.features.keys.rotation import KeyRotation
from ostiary.features.keys.service import Keys
from ostiary.features.oauth.service import OAuth
from ostiary.features.operations.service import Operations
from ostiary.features.revocation.service import Revocations
from ostiary.features.roles.management import RoleManagement
from ostiary.features.roles.service import only_built_in
from ostiary.features.sandbox.service import Sandbox
from ostiary.features.sessions.cleanup import SessionCleanup
from ostiary.features.sessions.issuing import TokenIssuer
from ostiary.features.sessions.login import Logins
from ostiary.features.sessions.management import SessionManagement
from ostiary.features.sessions.rotation import Rotation
from ostiary.features.sessions.service import Sessions
from ostiary.persistence.cleanup import Cleanup
from ostiary.persistence.database import Database
from ostiary.persistence.postgres_address import PostgresAddress
from ostiary.settings import Settings


@dataclass(frozen=True)
class Services:
    """The services of one process, none of which knows Flask."""

    database: Database
    hash_pool: HashPool
    passwords: Passwords
    keys: Keys
    key_rotation: KeyRotation
    revocations: Revocations
    audit: Audit
    actors: Actors
    accounts: Accounts
    profile: Profile
    logins: Logins
    sessions: Sessions
    session_management: SessionManagement
    api_keys: ApiKeys
    api_key_bearers: ApiKeyBearers
    administration: Administration
    role_management: RoleManagement
    step_up: StepUp
    clients: Clients
    oauth: OAuth
    operations: Operations
    idempotency: Idempotency
    cleanup: Cleanup
    sandbox: Sandbox | None
    example_administrator: ExampleAdministrator
    example_client: ExampleClient
    startup: Startup

    async def start(self) -> None:
        """Read the signing keys and the revocations, make what the first request would wait for, settle the examples'
        identities, begin the cleanup.

        While the database cannot be reached, the services work without it, and this goes on in the background. Raises
        KeysUnreadable.
        """
        common_passwords.load()
        name_tables.load()
        await self.passwords.warm_up()
        await self.startup.begin(self._load)

    async def _load(self) -> None:
        await self.keys.ring()
        await self.accounts.hash_costs.refresh()
        await self.revocations.start()
        await self.example_administrator.settle()
        await self.example_client.settle()
        self.cleanup.start()

    async def stop(self) -> None:
        """Finish what was begun and close everything."""
        await self.startup.stop()
        await self.accounts.hash_costs.stop()
        self.hash_pool.close()
        self.clients.close()
        await self.cleanup.stop()
        await self.sessions.last_seen.stop()
        await self.api_key_bearers.last_used.stop()
        await self.revocations.stop()
        await self.database.close()


def make_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    may_have_examples: bool = True,
) -> Services:
    """Build the services; nothing is opened or started yet. `settings` must have a secret (see `prepare`).

    may_have_examples: whether the settings decide about the example administrator and client; else there are none.
    """
    has_examples = may_have_examples and settings.has_example_administrator
    movable_clock = MovableClock(clock or SystemClock()) if settings.sandbox else None
    clock = movable_clock or clock or SystemClock()
    randomness = randomness or SystemRandomness()
    timeout = float(settings.database_timeout)
    listen = PostgresAddress(settings.database_listen_url, timeout) if settings.database_listen_url else None
    audit = Audit(settings.secret_key, clock, randomness)
    database = Database(
        settings.effective_database_url,
        settings.database_pool_size,
        timeout,
        recorder=audit,
        by_transaction=listen is not None,
    )
    hash_pool = HashPool(settings.effective_hash_threads, settings.hash_queue, float(settings.hash_wait_seconds))
    passwords = Passwords(settings.argon2, hash_pool, settings.secret_key)
    revocations = Revocations(
        database,
        clock,
        randomness,
        lifetime=settings.access_token_seconds,
        strict=settings.revocation_strict,
        listen=listen,
    )
    api_key_bearers = ApiKeyBearers(database, revocations, clock, remember=settings.access_token_seconds)
    actors = Actors(database, revocations, api_key_bearers)
    accounts = Accounts(
        database,
        passwords,
        revocations,
        clock,
        randomness,
        refuse_common_passwords=settings.is_production,
        service_names=settings.service_names,
    )
    keys = Keys(database, revocations, settings.secret_key, clock, randomness)
    key_rotation = KeyRotation(
        database,
        revocations,
        settings.secret_key,
        clock,
        randomness,
        token_seconds=settings.access_token_seconds,
    )
    example_administrator = ExampleAdministrator(database, accounts, settings.secret_key, present=has_examples)
    clients = Clients(database, clock, randomness)
    startup = Startup()
    issuer = settings.effective_issuer
    access_tokens = AccessTokens(issuer, settings.audience or issuer, settings.access_token_seconds, clock)
    rotation = Rotation(
        clock, randomness, idle=settings.refresh_token_idle_seconds, grace=settings.refresh_grace_seconds
    )
    token_issuer = TokenIssuer(keys, access_tokens, rotation, clock, randomness, lifetime=settings.session_seconds)
    sessions = Sessions(database, actors, accounts, keys, access_tokens, rotation, token_issuer, revocations, clock)
    session_cleanup = SessionCleanup(clock)
    jobs = [
        session_cleanup.expired_logins,
        session_cleanup.expired_tokens,
        session_cleanup.expired_sessions,
        session_cleanup.ended_sessions,
    ]
    session_management = SessionManagement(database, actors, accounts, sessions, revocations, clock)

    async def after_reset() -> None:
        await database.write(only_built_in)
        await revocations.revoke_everyone()
        await example_administrator.restore()

    return Services(
        database=database,
        hash_pool=hash_pool,
        passwords=passwords,
        keys=keys,
        key_rotation=key_rotation,
        revocations=revocations,
        audit=audit,
        actors=actors,
        accounts=accounts,
        profile=Profile(actors, accounts),
        logins=Logins(database, accounts, token_issuer, clock, randomness),
        sessions=sessions,
        session_management=session_management,
        api_keys=ApiKeys(database, actors, api_key_bearers, clock, randomness),
        api_key_bearers=api_key_bearers,
        administration=Administration(database, actors, accounts, session_management, clock),
        role_management=RoleManagement(database, actors, clock, note_changed_roles),
        step_up=StepUp(clock, fresh=settings.fresh_login_seconds, session=settings.session_seconds),
        clients=clients,
        oauth=OAuth(sessions, accounts, issuer),
        operations=Operations(database, startup),
        idempotency=Idempotency(database, settings.secret_key, clock, randomness, settings.idempotency_seconds),
        cleanup=Cleanup(database, randomness, jobs),
        sandbox=Sandbox(database, movable_clock, after_reset) if movable_clock else None,
        example_administrator=example_administrator,
        example_client=ExampleClient(clients, settings.secret_key, present=has_examples),
        startup=startup,
    )


def run_with_services(settings: Settings, work: Callable[[Services], Awaitable[Any]]) -> Any:
    """Run `work` with services of its own, as the command line does; `settings` have been through `prepare`."""

    async def within() -> Any:
        services = make_services(settings)
        try:
            return await work(services)
        finally:
            await services.stop()

    return asyncio.run(within())
