"""The composition root: settings -> services -> Flask. It loops over the features."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from ostiary import settings as settings_module
from ostiary.core import logging, private_files
from ostiary.core.hash_pool import HashPool
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.feature import Context, Feature
from ostiary.features import FEATURES
from ostiary.persistence.migrate import ELSEWHERE, NoDatabase, migrate
from ostiary.persistence.postgres_pooling import check_notifications
from ostiary.persistence.postgres_url import is_postgres
from ostiary.server.asgi import AsgiApp
from ostiary.server.flask_app import LoopFlask
from ostiary.settings import Settings
from ostiary.web import conformance, cors, front_page, guards, headers, openapi, problem_handler, provide
from ostiary.web.admission import Admission

log = structlog.stdlib.get_logger(__name__)


def make_flask(context: Context) -> LoopFlask:
    """Build the Flask application around the services of `context`. Raises UnguardedView, ContractIncomplete."""
    settings = context.settings
    app = LoopFlask("ostiary", static_folder=None, template_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["APPLICATION_ROOT"] = settings.prefix or "/"
    app.trusted_proxies = settings.proxies
    provide.install(app, context)
    provide.install_ids(app, context.randomness)
    problem_handler.install(app)
    schemes = {name: one for feature in context.features for name, one in feature.security_schemes.items()}
    api = openapi.make_api(app, schemes)
    for feature in context.features:
        feature.install(app, context)
        for blueprint in feature.blueprints:
            api.register_blueprint(blueprint)
    context.build_all()
    guards.check(app)
    contract = openapi.install(app, api, [change for feature in context.features for change in feature.contract])
    conformance.install(app, contract, settings.effective_contract_checks)
    if not settings.is_production:
        front_page.install(app)
    cors.install(app, settings.allowed_origins)
    headers.install(app)
    return app


def create_app(settings: Settings | None = None, *, features: Iterable[Feature] = FEATURES) -> LoopFlask:
    """Build the application for a WSGI server; see ostiary.wsgi.

    settings: read from the environment by default. features: those of Ostiary by default; add your own with
    `features=(*FEATURES, mine)`. Prepares the database. Raises BadSettings, UnsafeFile, NewerDatabase, UnfitDatabase.
    """
    features = tuple(features)
    settings = prepare(settings or settings_module.read(), features=features)
    return make_flask(Context(settings, features, has_examples=False))


def create_asgi(settings: Settings | None = None, *, features: Iterable[Feature] = FEATURES) -> AsgiApp:
    """Build the application for an ASGI server; see ostiary.asgi.

    settings: those that `prepare` has completed, for a server that listens on their host. Outside production it has an
    example administrator and an example client. None: the settings are read from the environment, and the database is
    prepared on the server's loop when its lifespan starts. Such a server may be reachable by anyone, so it has no
    examples. features: as in `create_app`. Raises BadSettings, UnsafeFile and UnusableDirectory. Everything else that
    `prepare` raises makes the lifespan fail.
    """
    is_prepared = settings is not None
    settings = settings or _prepare_files(settings_module.read(), creates=True)
    context = Context(settings, features, has_examples=is_prepared)
    flask = make_flask(context)

    async def start() -> None:
        if not is_prepared:
            await _prepare_database(settings, context.features, creates=True)
        await context.start()

    return AsgiApp(
        flask,
        max_body=settings.max_body_bytes,
        refuse=cors.early(Admission(flask, context.get(HashPool)).refuse, settings.allowed_origins),
        start=start,
        stop=context.stop,
    )


def run(settings: Settings, work: Callable[[Context], Awaitable[Any]]) -> Any:
    """Run `work` with services of its own, as the command line does, and return its result.

    settings: those that `prepare` has completed.
    """

    async def run_and_stop() -> Any:
        context = Context(settings, FEATURES)
        try:
            return await work(context)
        finally:
            await context.stop()

    return asyncio.run(run_and_stop())


def prepare(settings: Settings, *, creates: bool = True, features: Iterable[Feature] = FEATURES) -> Settings:
    """Create what is missing before the first start: directory, secret, database schema. Return complete settings.

    Several processes can do this at the same time. creates: False for a command that needs the database of a server; an
    older schema is still migrated. Raises BadSettings, NoDatabase, NewerDatabase, UnfitDatabase, UnsafeFile,
    UnusableDirectory, and the problem `database_unavailable`.
    """
    settings = _prepare_files(settings, creates=creates)
    asyncio.run(_prepare_database(settings, features, creates=creates))
    return settings


def _prepare_files(settings: Settings, *, creates: bool) -> Settings:
    logging.configure(settings.log_level, settings.effective_log_format)
    if not settings.database_url or not settings.secret_key:
        try:
            settings = _with_data_directory(settings, creates=creates)
        except OSError as error:
            raise private_files.UnusableDirectory(
                f"the data directory {settings.data_dir.absolute()} cannot be used: {error.strerror} "
                f"({error.filename}); let this user write to it, or set OSTIARY_DATA_DIR to another folder"
            ) from error
    if settings.sandbox:
        log.warning("the sandbox is on: anyone who can reach this server can delete every user and move its clock")
    if not settings.argon2.meets_owasp:
        log.warning("password hashes are weaker than OWASP's minimum; the production profile refuses such settings")
    return settings


def _with_data_directory(settings: Settings, *, creates: bool) -> Settings:
    """Return the settings with the secret in the data directory. If `creates`, create both when they are missing."""
    secret = settings.data_dir / "secret.key"
    if creates:
        private_files.make_directory(settings.data_dir)
    elif not settings.data_dir.exists() or not (settings.secret_key or secret.exists()):
        missing = "database" if not settings.database_url else "secret.key of the server"
        raise NoDatabase(f"there is no {missing} in {settings.data_dir.absolute()}: {ELSEWHERE}")
    private_files.check_directory(settings.data_dir)
    return settings if settings.secret_key else replace(settings, secret_key=_kept_secret(secret))


async def _prepare_database(settings: Settings, features: Iterable[Feature], *, creates: bool) -> None:
    """Migrate the database to this version's schema. With a pooler, migrations connect to the database directly."""
    url, timeout = settings.effective_database_url, float(settings.database_timeout)
    if is_postgres(url):
        await check_notifications(url, settings.database_listen_url, timeout)
    branches = [feature.migrations for feature in features if feature.migrations is not None]
    applied = await migrate(settings.database_listen_url or url, timeout, creates=creates, branches=branches)
    if applied:
        log.info("database migrated", revision=applied[-1], steps=len(applied))


def _kept_secret(path: Path, randomness: Randomness | None = None) -> str:
    """Return the secret in `path`, and create it first if it is missing. All processes get the same secret."""
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w") as file:
            file.write((randomness or SystemRandomness()).token() + "\n")
            file.flush()
            os.fsync(file.fileno())  # the database will depend on it
        try:
            private_files.give_to_owner_of(path.parent, Path(temporary))
            os.link(temporary, path)
            log.info("a secret key was created", file=str(path))
        except FileExistsError:
            pass
        finally:
            Path(temporary).unlink()
    private_files.check_secret(path)
    secret = path.read_text().strip()
    if len(secret) < settings_module.MIN_SECRET_LENGTH:
        raise settings_module.BadSettings(
            [f"OSTIARY_SECRET_KEY: {path} holds no secret: restore the file, or set the variable"]
        )
    return secret
