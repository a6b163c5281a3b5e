"""The composition root: settings -> services -> Flask. The one file that knows every feature."""

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.util.concurrency import in_greenlet

from api import settings as settings_module
from api.core import logging
from api.core.randomness import Randomness, SystemRandomness
from api.features.accounts import routes as accounts
from api.features.accounts.example import ExampleAdministrator
from api.features.admin import routes as admin
from api.features.api_keys import routes as api_keys
from api.features.audit import routes as audit_trail
from api.features.audit.reading import AuditTrail
from api.features.audit.schemas import list_types
from api.features.clients.example import ExampleClient
from api.features.keys import routes as keys
from api.features.oauth import routes as oauth
from api.features.oauth.metadata import Metadata
from api.features.operations import routes as operations
from api.features.operations.swagger_ui import Page
from api.features.protected import routes as protected
from api.features.roles import routes as roles
from api.features.sandbox import forcing
from api.features.sandbox import routes as sandbox
from api.features.sessions import routes as sessions
from api.persistence.migrate import migrate
from api.server.asgi import AsgiApp
from api.server.flask_app import LoopFlask
from api.services import Services, make_services
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
