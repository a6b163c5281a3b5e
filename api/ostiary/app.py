"""The composition root: settings -> services -> Flask. The one file that knows every feature."""

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.util.concurrency import in_greenlet

from ostiary import settings as settings_module
from ostiary.core import logging, private_files
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.features.accounts import routes as accounts
from ostiary.features.accounts.example import ExampleAdministrator
from ostiary.features.admin import routes as admin
from ostiary.features.api_keys import routes as api_keys
from ostiary.features.audit import routes as audit_trail
from ostiary.features.audit.reading import AuditTrail
from ostiary.features.audit.schemas import list_types
from ostiary.features.clients.example import ExampleClient
from ostiary.features.forward_auth import routes as forward_auth
from ostiary.features.keys import routes as keys
from ostiary.features.oauth import routes as oauth
from ostiary.features.oauth.metadata import Metadata
from ostiary.features.operations import routes as operations
from ostiary.features.operations.swagger_ui import Page
from ostiary.features.protected import routes as protected
from ostiary.features.roles import routes as roles
from ostiary.features.sandbox import forcing
from ostiary.features.sandbox import routes as sandbox
from ostiary.features.sessions import routes as sessions
from ostiary.persistence.migrate import ELSEWHERE, NoDatabase, migrate
from ostiary.persistence.postgres_pooling import check_notifications
from ostiary.persistence.postgres_url import is_postgres
from ostiary.server.asgi import AsgiApp
from ostiary.server.flask_app import LoopFlask
from ostiary.services import Services, make_services
from ostiary.settings import Settings
from ostiary.web import (
    admission,
    client_guard,
    conformance,
    cors,
    front_page,
    guards,
    headers,
    idempotency,
    openapi,
    problem_handler,
    provide,
)
from ostiary.web.admission import Admission

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
    forward_auth.forward_auth,
    operations.operations,
)
"""The features' operations, in the order of the contract."""


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
    app = LoopFlask("ostiary", static_folder=None, template_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["APPLICATION_ROOT"] = settings.prefix or "/"
    app.trusted_proxies = settings.proxies
    page = Page(
        filled=not settings.is_production,
        administrator=administrator.credentials if administrator else None,
        client=client.credentials if client else None,
    )
    provide.install(app, services.accounts, services.logins, services.sessions, services.session_management)
    provide.install(app, services.keys, services.api_keys, services.oauth, Metadata(settings.effective_issuer))
    provide.install(app, services.operations, AuditTrail(services.database), page)
    provide.install(app, services.profile, services.administration, services.role_management)
    provide.install_ids(app, randomness or SystemRandomness())
    guards.install(app, guards.Guard(services.sessions, services.api_key_bearers, services.step_up, in_greenlet))
    idempotency.install(app, services.idempotency)
    client_guard.install(app, services.clients)
    admission.install(app, services.hash_pool)
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
    if not settings.is_production:
        front_page.install(app)
    cors.install(app, settings.allowed_origins)
    headers.install(app)
    return app


def create_app(settings: Settings | None = None) -> LoopFlask:
    """Build the application for a WSGI server; see ostiary.wsgi.

    Reads the settings from the environment and prepares the database. Raises BadSettings, UnsafeFile, NewerDatabase,
    UnfitDatabase.
    """
    settings = prepare(settings or settings_module.read())
    return make_flask(settings, make_services(settings))


def create_asgi(settings: Settings | None = None) -> AsgiApp:
    """Build the application for an ASGI server; see ostiary.asgi.

    settings: those that `prepare` has completed, for a server that listens on their host; it has an example
    administrator and client, unless it is in production. None: they are read from the environment, and the database is
    prepared on the server's loop when its lifespan starts; there are no examples, since anybody may reach that server.
    Raises BadSettings, UnsafeFile and UnusableDirectory; the lifespan fails with what else `prepare` raises.
    """
    is_prepared = settings is not None
    settings = settings or _prepare_files(settings_module.read(), creates=True)
    services = make_services(settings, may_have_examples=is_prepared)
    present = is_prepared and settings.has_example_administrator
    administrator, client = (services.example_administrator, services.example_client) if present else (None, None)
    flask = make_flask(settings, services, administrator=administrator, client=client)

    async def start() -> None:
        if not is_prepared:
            await _prepare_database(settings, creates=True)
        await services.start()

    return AsgiApp(
        flask,
        max_body=settings.max_body_bytes,
        refuse=cors.early(Admission(flask, services.hash_pool).refuse, settings.allowed_origins),
        start=start,
        stop=services.stop,
    )


def prepare(settings: Settings, *, creates: bool = True) -> Settings:
    """Make what is missing before the first start: directory, secret, database schema. Return complete settings.

    Any number of processes may do so at once. creates: False for a command that works on what a server has created; an
    older schema is brought to this version's all the same. Raises BadSettings, NoDatabase, NewerDatabase,
    UnfitDatabase, UnsafeFile, UnusableDirectory, and the problem `database_unavailable`.
    """
    settings = _prepare_files(settings, creates=creates)
    asyncio.run(_prepare_database(settings, creates=creates))
    return settings


def _prepare_files(settings: Settings, *, creates: bool) -> Settings:
    logging.configure(settings.log_level, settings.effective_log_format)
    if not settings.database_url or not settings.secret_key:
        try:
            settings = _with_data_directory(settings, creates=creates)
        except OSError as error:
            raise private_files.UnusableDirectory(
                f"the data directory {settings.data_dir.absolute()} cannot be used: {error.strerror} "
                f"({error.filename}); let this user write to it, or set OSTIARY_DATA_DIR to a folder where that is so"
            ) from error
    if settings.sandbox:
        log.warning("the sandbox is on: anybody who reaches this server may delete every user and move its clock")
    if not settings.argon2.meets_owasp:
        log.warning("password hashes are weaker than OWASP's minimum; the production profile refuses that")
    return settings


def _with_data_directory(settings: Settings, *, creates: bool) -> Settings:
    """Return the settings with the secret that is kept in the data directory, both made first if `creates`."""
    secret = settings.data_dir / "secret.key"
    if creates:
        private_files.make_directory(settings.data_dir)
    elif not settings.data_dir.exists() or not (settings.secret_key or secret.exists()):
        missing = "database" if not settings.database_url else "secret.key of the server"
        raise NoDatabase(f"there is no {missing} in {settings.data_dir.absolute()}: {ELSEWHERE}")
    private_files.check_directory(settings.data_dir)
    return settings if settings.secret_key else replace(settings, secret_key=_kept_secret(secret))


async def _prepare_database(settings: Settings, *, creates: bool) -> None:
    """Bring the database to this version's schema; migrations take the direct way past a pooler, where there is one."""
    url, timeout = settings.effective_database_url, float(settings.database_timeout)
    if is_postgres(url):
        await check_notifications(url, settings.database_listen_url, timeout)
    applied = await migrate(settings.database_listen_url or url, timeout, creates=creates)
    if applied:
        log.info("database migrated", revision=applied[-1], steps=len(applied))


def _kept_secret(path: Path, randomness: Randomness | None = None) -> str:
    """Return the secret in `path`, making it first if need be; of several processes, all get the same."""
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w") as file:
            file.write((randomness or SystemRandomness()).token() + "\n")
            file.flush()
            os.fsync(file.fileno())  # the database is about to depend on it
        try:
            private_files.give_to_owner_of(path.parent, Path(temporary))
            os.link(temporary, path)
            log.info("a secret key was made", file=str(path))
        except FileExistsError:
            pass
        finally:
            Path(temporary).unlink()
    private_files.check_secret(path)
    secret = path.read_text().strip()
    if len(secret) < settings_module.MIN_SECRET_LENGTH:
        raise settings_module.BadSettings(
            [f"OSTIARY_SECRET_KEY: {path} holds no secret; restore the file, or set the variable"]
        )
    return secret
