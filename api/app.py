"""The composition root: Settings -> services -> Flask. The one file that knows everyone."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.util.concurrency import in_greenlet

from api import settings as settings_module
from api.core import logging
from api.core.access_tokens import AccessTokens
from api.core.clock import Clock, MovableClock, SystemClock
from api.core.hash_pool import HashPool
from api.core.passwords import Passwords
from api.core.randomness import Randomness, SystemRandomness
from api.core.step_up import StepUp
from api.features.accounts import routes as accounts
from api.features.accounts.example import ExampleAdministrator
from api.features.accounts.profile import Profile
from api.features.accounts.service import Accounts
from api.features.accounts.store import note_changed_roles
from api.features.admin import routes as admin
from api.features.admin.service import Administration
from api.features.api_keys import routes as api_keys
from api.features.api_keys.bearers import ApiKeyBearers
from api.features.api_keys.service import ApiKeys
from api.features.audit import routes as audit_trail
from api.features.audit.reading import AuditTrail
from api.features.audit.schemas import list_types
from api.features.audit.service import Audit
from api.features.clients.example import ExampleClient
from api.features.clients.service import Clients
from api.features.idempotency.service import Idempotency
from api.features.keys import routes as keys
from api.features.keys.rotation import KeyRotation
from api.features.keys.service import Keys
from api.features.oauth import routes as oauth
from api.features.oauth.metadata import Metadata
from api.features.oauth.service import OAuth
from api.features.operations import routes as operations
from api.features.operations.service import Operations
from api.features.operations.swagger_ui import Page
from api.features.protected import routes as protected
from api.features.revocation.service import Revocations
from api.features.roles import routes as roles
from api.features.roles.management import RoleManagement
from api.features.roles.service import only_built_in
from api.features.sandbox import forcing
from api.features.sandbox import routes as sandbox
from api.features.sandbox.service import Sandbox
from api.features.sessions import routes as sessions
from api.features.sessions.management import SessionManagement
from api.features.sessions.rotation import Rotation
from api.features.sessions.service import Sessions
from api.features.sessions.tidying import SessionTidying
from api.persistence.database import Database
from api.persistence.migrate import migrate
from api.persistence.tidying import Tidying
from api.server.asgi import AsgiApp
from api.server.flask_app import LoopFlask
from api.settings import Settings
from api.web import client_guard, conformance, guards, headers, idempotency, openapi, problem_handler, provide

log = structlog.stdlib.get_logger(__name__)

BLUEPRINTS = (
    accounts.registration,
    sessions.sessions,
    protected.protected,
    accounts.me,
    api_keys.api_keys,
    admin.admin,
    roles.roles,
    audit_trail.audit,
    keys.keys,
    oauth.oauth,
    operations.operations,
)
"""The features' operations, in the order of the contract."""


@dataclass(frozen=True)
class Services:
    """Everything that a running server is made of, below the web."""

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
    accounts_service = Accounts(
        database,
        passwords,
        revocations,
        audit,
        clock,
        randomness,
        refuse_common_passwords=settings.is_production,
    )
    keys_service = Keys(database, revocations, audit, settings.secret_key, clock, randomness)
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
        database, accounts_service, settings.secret_key, present=settings.has_example_administrator
    )
    clients = Clients(database, audit, clock, randomness)
    issuer = settings.effective_issuer
    sessions_service = Sessions(
        database,
        accounts_service,
        keys_service,
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
    session_management = SessionManagement(database, accounts_service, sessions_service, revocations, audit, clock)

    async def after_reset() -> None:
        await database.write(only_built_in)
        await revocations.revoke_everyone()
        await example_administrator.restore()

    return Services(
        database,
        hash_pool,
        passwords,
        keys_service,
        key_rotation,
        revocations,
        audit,
        accounts_service,
        Profile(database, audit),
        sessions_service,
        session_management,
        ApiKeys(database, api_key_bearers, revocations, audit, clock, randomness),
        api_key_bearers,
        Administration(database, accounts_service, session_management, revocations, audit, clock),
        RoleManagement(database, revocations, audit, clock, note_changed_roles),
        StepUp(clock, fresh=settings.fresh_login_seconds, session=settings.session_seconds),
        clients,
        OAuth(sessions_service, accounts_service, issuer),
        Operations(database),
        Idempotency(database, settings.secret_key, clock, randomness, settings.idempotency_seconds),
        Tidying(database, randomness, chores),
        Sandbox(database, movable_clock, after_reset) if movable_clock else None,
        example_administrator,
        ExampleClient(clients, settings.secret_key, present=settings.has_example_administrator),
    )


def make_flask(
    settings: Settings,
    services: Services,
    *,
    randomness: Randomness | None = None,
    administrator: ExampleAdministrator | None = None,
    client: ExampleClient | None = None,
) -> LoopFlask:
    """Build the Flask application around `services`.

    administrator, client: whom Swagger UI's examples act as where an operation needs the role, or is for other
    services; None: nobody.
    """
    app = LoopFlask("api", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # `//login` is not found, rather than redirected
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    page = Page(
        filled=not settings.is_production,
        administrator=administrator.credentials if administrator else None,
        client=client.credentials if client else None,
    )
    provide.install(app, services.accounts, services.sessions, services.session_management, services.keys)
    provide.install(app, services.api_keys, services.oauth, Metadata(settings.effective_issuer))
    provide.install(app, services.operations, AuditTrail(services.database), page)
    provide.install(app, services.profile, services.administration, services.role_management)
    provide.install_ids(app, randomness or SystemRandomness())
    guards.install(app, guards.Guard(services.sessions, services.api_key_bearers, services.step_up, in_greenlet))
    idempotency.install(app, services.idempotency)
    client_guard.install(app, services.clients)
    problem_handler.install(app)
    api = openapi.make_api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    if services.sandbox is not None:
        provide.install(app, services.sandbox)
        api.register_blueprint(sandbox.sandbox)
    guards.check(app)
    contract = openapi.install(app, api, [list_types, forcing.extend] if services.sandbox else [list_types])
    if services.sandbox is not None:
        forcing.install(app, contract, services.sandbox)
    conformance.install(app, contract, settings.effective_contract_checks)
    headers.install(app)
    return app


def create_app(settings: Settings | None = None) -> LoopFlask:
    """Build the application for a WSGI server (`flask --app api.app run`, `gunicorn 'api.app:create_app()'`).

    Reads the settings from the environment and prepares the database. Raises BadSettings, NewerDatabase.
    """
    settings = prepare(settings or settings_module.read())
    return make_flask(settings, make_services(settings))


def create_asgi(settings: Settings) -> AsgiApp:
    """Build the application for an ASGI server that listens on the host of `settings`, which `prepare` has completed.

    Only such a server has an example administrator and client: who else runs the application may let anybody reach it.
    """
    services = make_services(settings)
    present = settings.has_example_administrator
    administrator, client = (services.example_administrator, services.example_client) if present else (None, None)
    return AsgiApp(
        make_flask(settings, services, administrator=administrator, client=client),
        max_body=settings.max_body_bytes,
        start=services.start,
        stop=services.stop,
    )


def prepare(settings: Settings) -> Settings:
    """Make what is missing before the first start: directory, secret, database schema. Return complete settings.

    Any number of processes may do so at once. Raises BadSettings, NewerDatabase, and the problem
    `database_unavailable`.
    """
    logging.configure(settings.log_level, settings.effective_log_format)
    if not settings.database_url or not settings.secret_key:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not settings.secret_key:
        settings = replace(settings, secret_key=_kept_secret(settings.data_dir / "secret.key"))
    if settings.sandbox:
        log.warning("the sandbox is on: anybody who reaches this server may delete every user and move its clock")
    if not settings.argon2.meets_owasp:
        log.warning("password hashes are weaker than OWASP's minimum; the production profile refuses that")
    for revision in asyncio.run(migrate(settings.effective_database_url, float(settings.database_timeout))):
        log.info("database migrated", revision=revision)
    return settings


def _kept_secret(path: Path, randomness: Randomness | None = None) -> str:
    """Return the secret in `path`, making it first if need be; of several processes, all get the same."""
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w") as file:
            file.write((randomness or SystemRandomness()).token() + "\n")
            file.flush()
            os.fsync(file.fileno())  # the database is about to depend on it
        try:
            os.link(temporary, path)
            log.info("a secret key was made", file=str(path))
        except FileExistsError:
            pass
        finally:
            Path(temporary).unlink()
    secret = path.read_text().strip()
    if len(secret) < settings_module.SHORTEST_SECRET:
        raise settings_module.BadSettings(
            [f"OSTIARY_SECRET_KEY: {path} holds no secret; restore the file, or set the variable"]
        )
    return secret


def run_with_services(settings: Settings, work: Callable[[Services], Awaitable[Any]]) -> Any:
    """Run `work` with services of its own, as the command line does; `settings` have been through `prepare`."""

    async def within() -> Any:
        services = make_services(settings)
        try:
            return await work(services)
        finally:
            await services.stop()

    return asyncio.run(within())
