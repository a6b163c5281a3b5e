"""Settings -> services: everything that a running server is made of, below the web."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from api.core.access_tokens import AccessTokens
from api.core.clock import Clock, MovableClock, SystemClock
from api.core.hash_pool import HashPool
from api.core.passwords import Passwords
from api.core.randomness import Randomness, SystemRandomness
from api.core.step_up import StepUp
from api.features.accounts.example import ExampleAdministrator
from api.features.accounts.profile import Profile
from api.features.accounts.service import Accounts
from api.features.accounts.store import note_changed_roles
from api.features.admin.service import Administration
from api.features.api_keys.bearers import ApiKeyBearers
from api.features.api_keys.service import ApiKeys
from api.features.audit.service import Audit
from api.features.clients.example import ExampleClient
from api.features.clients.service import Clients
from api.features.idempotency.service import Idempotency
from api.features.keys.rotation import KeyRotation
from api.features.keys.service import Keys
from api.features.oauth.service import OAuth
from api.features.operations.service import Operations
from api.features.revocation.service import Revocations
from api.features.roles.management import RoleManagement
from api.features.roles.service import only_built_in
from api.features.sandbox.service import Sandbox
from api.features.sessions.management import SessionManagement
from api.features.sessions.rotation import Rotation
from api.features.sessions.service import Sessions
from api.features.sessions.tidying import SessionTidying
from api.persistence.database import Database
from api.persistence.tidying import Tidying
from api.settings import Settings


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
    accounts: Accounts
    profile: Profile
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
    tidying: Tidying
    sandbox: Sandbox | None
    example_administrator: ExampleAdministrator
    example_client: ExampleClient

    async def start(self) -> None:
        """Read the signing keys and the revocations, make what the first request would wait for, settle the examples'
        identities, begin to tidy.

        Raises KeysUnreadable and the problem `database_unavailable`.
        """
        await self.keys.ring()
        await self.revocations.start()
        await self.passwords.warm_up()
        await self.example_administrator.settle()
        await self.example_client.settle()
        self.tidying.start()

    async def stop(self) -> None:
        """Finish what was begun and close everything."""
        self.hash_pool.close()
        self.clients.close()
        await self.tidying.stop()
        await self.sessions.last_seen.stop()
        await self.api_key_bearers.last_used.stop()
        await self.revocations.stop()
        await self.database.close()


def make_services(settings: Settings, *, clock: Clock | None = None, randomness: Randomness | None = None) -> Services:
    """Build the services; nothing is opened or started yet. `settings` must have a secret (see `prepare`)."""
    movable_clock = MovableClock(clock or SystemClock()) if settings.sandbox else None
    clock = movable_clock or clock or SystemClock()
    randomness = randomness or SystemRandomness()
    database = Database(settings.effective_database_url, settings.database_pool_size, float(settings.database_timeout))
    hash_pool = HashPool(settings.effective_hash_threads, settings.hash_queue)
    passwords = Passwords(settings.argon2, hash_pool)
    audit = Audit(database, settings.secret_key, clock, randomness)
    revocations = Revocations(
        database,
        clock,
        randomness,
        lifetime=settings.access_token_seconds,
        strict=settings.revocation_strict,
        timeout=float(settings.database_timeout),
    )
    accounts = Accounts(
        database,
        passwords,
        revocations,
        audit,
        clock,
        randomness,
        refuse_common_passwords=settings.is_production,
    )
    keys = Keys(database, revocations, audit, settings.secret_key, clock, randomness)
    key_rotation = KeyRotation(
        database,
        revocations,
        audit,
        settings.secret_key,
        clock,
        randomness,
        token_seconds=settings.access_token_seconds,
    )
    example_administrator = ExampleAdministrator(
        database, accounts, settings.secret_key, present=settings.has_example_administrator
    )
    clients = Clients(database, audit, clock, randomness)
    issuer = settings.effective_issuer
    sessions = Sessions(
        database,
        accounts,
        keys,
        AccessTokens(issuer, settings.audience or issuer, settings.access_token_seconds, clock),
        Rotation(clock, randomness, idle=settings.refresh_token_idle_seconds, grace=settings.refresh_grace_seconds),
        revocations,
        audit,
        clock,
        randomness,
        lifetime=settings.session_seconds,
    )
    session_tidying = SessionTidying(clock)
    chores = [session_tidying.expired_tokens, session_tidying.expired_sessions, session_tidying.ended_sessions]
    api_key_bearers = ApiKeyBearers(database, revocations, clock, remember=settings.access_token_seconds)
    session_management = SessionManagement(database, accounts, sessions, revocations, audit, clock)

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
        accounts=accounts,
        profile=Profile(database, audit),
        sessions=sessions,
        session_management=session_management,
        api_keys=ApiKeys(database, api_key_bearers, revocations, audit, clock, randomness),
        api_key_bearers=api_key_bearers,
        administration=Administration(database, accounts, session_management, revocations, audit, clock),
        role_management=RoleManagement(database, revocations, audit, clock, note_changed_roles),
        step_up=StepUp(clock, fresh=settings.fresh_login_seconds, session=settings.session_seconds),
        clients=clients,
        oauth=OAuth(sessions, accounts, issuer),
        operations=Operations(database),
        idempotency=Idempotency(database, settings.secret_key, clock, randomness, settings.idempotency_seconds),
        tidying=Tidying(database, randomness, chores),
        sandbox=Sandbox(database, movable_clock, after_reset) if movable_clock else None,
        example_administrator=example_administrator,
        example_client=ExampleClient(clients, settings.secret_key, present=settings.has_example_administrator),
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
