"""Settings: one frozen object, read from OSTIARY_* environment variables, every fault reported at once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from environs import Env, EnvError, validate
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from api.core.addresses import is_loopback
from api.core.passwords import Argon2Parameters

PREFIX = "OSTIARY_"
OF_THE_TESTS = PREFIX + "TEST_"
"""What begins so is for the tests, which hand it on to the servers that they start."""
DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")
SHORTEST_SECRET = 32


class BadSettings(Exception):
    """Some settings are wrong; `faults` names each with its remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _setting(doc: str, parser: str, default: Any, *, production: str = "", check: Any = None) -> Any:
    """Describe a field: what it means, how environs reads it, its default, and the production profile's own default."""
    return field(default=default, metadata={"doc": doc, "parser": parser, "production": production, "check": check})


def _at_least(lowest: int) -> Any:
    return validate.Range(min=lowest)


@dataclass(frozen=True)
class Settings:
    """Everything that an operator can set. Durations are in seconds, sizes in the unit that the name says."""

    profile: Literal["development", "production"] = _setting(
        "`development` (works at once) or `production` (refuses unsafe or missing settings)",
        "str",
        "development",
        check=validate.OneOf(["development", "production"]),
    )
    host: str = _setting("Address to listen on", "str", "127.0.0.1")
    port: int = _setting("Port to listen on; 0 takes a free one", "int", 8000, check=validate.Range(0, 65535))
    workers: int = _setting(
        "Worker processes; 0 means one in development, one for each processor core in production",
        "int",
        0,
        check=validate.Range(0, 256),
    )
    data_dir: Path = _setting(
        "Where the SQLite file and the generated secret live in development", "path", Path("ostiary-data")
    )
    database_url: str = _setting(
        "`sqlite+aiosqlite:///file` or `postgresql+asyncpg://user:password@host/name`; empty means a file in the "
        "data directory",
        "str",
        "",
        production="required",
    )
    database_pool_size: int = _setting("PostgreSQL connections for each worker process", "int", 10, check=_at_least(1))
    database_timeout: int = _setting(
        "Seconds to wait for a connection, a lock or an answer of the database", "int", 30, check=_at_least(1)
    )
    secret_key: str = _setting(
        "Seals the signing keys in the database; at least 32 characters; empty means one made once and kept in the "
        "data directory",
        "str",
        "",
        production="required",
    )
    issuer: str = _setting(
        "`iss` of access tokens: the https address under which clients reach this server; empty means "
        "`http://HOST:PORT`",
        "str",
        "",
        production="required",
    )
    audience: str = _setting("`aud` of access tokens; empty means the issuer", "str", "")
    access_token_seconds: int = _setting(
        "Lifetime of an access token, in seconds", "int", 900, check=validate.Range(1, 86400)
    )
    refresh_token_idle_seconds: int = _setting(
        "Seconds after which an unused refresh token ends", "int", 14 * 86400, check=_at_least(1)
    )
    session_seconds: int = _setting(
        "Seconds after log-in at which a session ends, however often it was refreshed",
        "int",
        90 * 86400,
        check=_at_least(1),
    )
    refresh_grace_seconds: int = _setting(
        "Seconds after its use during which a refresh token, sent again, gets the same successor",
        "int",
        10,
        check=validate.Range(0, 60),
    )
    fresh_login_seconds: int = _setting(
        "Seconds after log-in during which operations that cannot be undone are allowed without logging in again",
        "int",
        600,
        check=_at_least(1),
    )
    idempotency_seconds: int = _setting(
        "Seconds for which a request repeated under its Idempotency-Key gets the first answer again",
        "int",
        86400,
        check=validate.Range(1, 30 * 86400),
    )
    revocation_strict: bool = _setting(
        "Ask the database on each request whether the access token was revoked, instead of the worker's own memory of "
        "the revocations, which is kept up to date",
        "bool",
        False,
    )
    argon2_memory_kib: int = _setting("Memory of one password hash, in KiB", "int", 19456, check=_at_least(8))
    argon2_time_cost: int = _setting("Passes of one password hash over its memory", "int", 2, check=_at_least(1))
    argon2_parallelism: int = _setting("Lanes of one password hash", "int", 1, check=_at_least(1))
    hash_threads: int = _setting(
        "Threads for password hashing in each worker process; 0 means the processor cores divided by the workers",
        "int",
        0,
        check=validate.Range(0, 256),
    )
    hash_queue: int = _setting(
        "Password hashes that may wait in each worker process; beyond it the answer is 503 with Retry-After",
        "int",
        256,
        check=_at_least(1),
    )
    max_body_bytes: int = _setting("The largest request body, in bytes", "int", 65536, check=_at_least(1024))
    drain_seconds: int = _setting(
        "Seconds that requests in flight get to finish at shutdown", "int", 30, check=_at_least(1)
    )
    trusted_proxies: str = _setting(
        "Addresses, separated by commas, of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
        "str",
        "",
    )
    contract_checks: Literal["auto", "off", "log", "raise"] = _setting(
        "Compare each answer with the contract: `off`, `log` a mismatch, `raise` (fail the request), or `auto`: log in "
        "development, off in production",
        "str",
        "auto",
        check=validate.OneOf(["auto", "off", "log", "raise"]),
    )
    sandbox: bool = _setting(
        "Add operations under `/sandbox` that reset the state, move the clock and force errors, for the tests of a "
        "client; anybody may call them",
        "bool",
        False,
    )
    log_level: str = _setting(
        "`debug`, `info`, `warning` or `error`",
        "str",
        "info",
        check=validate.OneOf(["debug", "info", "warning", "error"]),
    )
    log_format: Literal["auto", "console", "json"] = _setting(
        "`console`, `json`, or `auto`: console in development, json in production",
        "str",
        "auto",
        check=validate.OneOf(["auto", "console", "json"]),
    )

    @property
    def is_production(self) -> bool:
        """Whether the profile is production."""
        return self.profile == "production"

    @property
    def has_example_administrator(self) -> bool:
        """Whether Swagger UI may act as an example administrator: in development, reached from this machine alone."""
        return not self.is_production and is_loopback(self.host) and not self.trusted_proxies

    @property
    def argon2(self) -> Argon2Parameters:
        """The cost of a password hash."""
        return Argon2Parameters(self.argon2_memory_kib, self.argon2_time_cost, self.argon2_parallelism)

    @property
    def effective_workers(self) -> int:
        """The number of worker processes."""
        return self.workers or ((os.cpu_count() or 1) if self.is_production else 1)

    @property
    def effective_hash_threads(self) -> int:
        """The number of hashing threads of a worker process; more than cores would only be in each other's way."""
        return self.hash_threads or max(1, (os.cpu_count() or 1) // self.effective_workers)

    @property
    def effective_database_url(self) -> str:
        """The database's URL, with the default filled in."""
        file = str(self.data_dir.absolute() / "ostiary.db")
        return self.database_url or URL.create("sqlite+aiosqlite", database=file).render_as_string()

    @property
    def effective_issuer(self) -> str:
        """The issuer, with the default filled in."""
        return self.issuer or f"http://{self.host}:{self.port}"

    @property
    def effective_contract_checks(self) -> Literal["off", "log", "raise"]:
        """What to do about an answer that is not as the contract says."""
        if self.contract_checks == "auto":
            return "off" if self.is_production else "log"
        return self.contract_checks

    @property
    def effective_log_format(self) -> Literal["console", "json"]:
        """The form of log lines."""
        if self.log_format == "auto":
            return "json" if self.is_production else "console"
        return self.log_format


def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings in `environment` (the process's own by default); `overrides` come from the command line.

    Raises BadSettings with every fault: values that do not parse, unknown OSTIARY_* names, bad combinations. A value
    that does not parse counts as its default in combinations.
    """
    given = dict(os.environ if environment is None else environment)
    env = Env(eager=False, prefix=PREFIX)
    values: dict[str, Any] = {}
    saved = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(given)
        for one in fields(Settings):
            checks = [one.metadata["check"]] if one.metadata["check"] else []
            values[one.name] = getattr(env, one.metadata["parser"])(one.name.upper(), one.default, validate=checks)
        unparsed = _parse_faults(env)
    finally:
        os.environ.clear()
        os.environ.update(saved)
    known = {PREFIX + one.name.upper() for one in fields(Settings)}
    faults = [f"{name}: {told}" for name, told in unparsed.items()]
    faults += [f"{name}: there is no such setting" for name in sorted(given) if _is_unknown(name, known)]
    parsed = {name: value for name, value in values.items() if PREFIX + name.upper() not in unparsed}
    settings = Settings(**parsed | {name: value for name, value in overrides.items() if value is not None})
    faults += [fault for rule in RULES for fault in rule(settings) if fault.partition(":")[0] not in unparsed]
    if faults:
        raise BadSettings(faults)
    return settings


def _parse_faults(env: Env) -> dict[str, str]:
    try:
        env.seal()
    except EnvError as error:
        messages = getattr(error, "error_messages", {})
        return {name: " ".join(map(str, told)) for name, told in messages.items()}
    return {}


def _is_unknown(name: str, known: set[str]) -> bool:
    return name.startswith(PREFIX) and not name.startswith(OF_THE_TESTS) and name not in known


def _database_faults(settings: Settings) -> list[str]:
    try:
        url = make_url(settings.effective_database_url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        return [f"OSTIARY_DATABASE_URL: not a URL; it begins with {' or '.join(DRIVERS)}"]
    if url.drivername not in DRIVERS:
        return [f"OSTIARY_DATABASE_URL: {url.drivername} is not supported; use {' or '.join(DRIVERS)}"]
    if url.get_backend_name() == "sqlite" and (not url.database or ":memory:" in url.database or url.query):
        return ["OSTIARY_DATABASE_URL: SQLite needs a file, and no parameters: several processes share it"]
    return []


def _secret_faults(settings: Settings) -> list[str]:
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        return [
            f"OSTIARY_SECRET_KEY: shorter than {SHORTEST_SECRET} characters; make one with: openssl rand -base64 32"
        ]
    return []


def _lifetime_faults(settings: Settings) -> list[str]:
    if settings.access_token_seconds > settings.session_seconds:
        return ["OSTIARY_ACCESS_TOKEN_SECONDS: longer than OSTIARY_SESSION_SECONDS"]
    return []


def _argon2_faults(settings: Settings) -> list[str]:
    if settings.argon2_memory_kib < 8 * settings.argon2_parallelism:
        return ["OSTIARY_ARGON2_MEMORY_KIB: argon2 needs at least 8 KiB for each lane (OSTIARY_ARGON2_PARALLELISM)"]
    return []


def _sandbox_faults(settings: Settings) -> list[str]:
    if settings.sandbox and settings.effective_workers != 1:
        return ["OSTIARY_SANDBOX: needs one worker process (OSTIARY_WORKERS=1), in whose memory the sandbox lives"]
    return []


def _production_faults(settings: Settings) -> list[str]:
    if not settings.is_production:
        return []
    faults = [
        f"{PREFIX}{name.upper()}: required in the production profile"
        for name in ("secret_key", "issuer", "database_url")
        if not getattr(settings, name)
    ]
    if settings.sandbox:
        faults.append("OSTIARY_SANDBOX: anybody could delete every user; never in the production profile")
    if settings.issuer and not _is_issuer(settings.issuer):
        faults.append("OSTIARY_ISSUER: in production an https address without query or fragment (RFC 8414 section 2)")
    if not settings.argon2.meets_owasp:
        faults.append("OSTIARY_ARGON2_*: weaker than OWASP's minimum, for example 19456 KiB and 2 passes")
    return faults


def _is_issuer(address: str) -> bool:
    try:
        issuer = urlsplit(address)
    except ValueError:
        return False
    here = issuer.scheme == "http" and issuer.hostname in ("localhost", "127.0.0.1", "::1")
    return (issuer.scheme == "https" or here) and bool(issuer.hostname) and not set(address) & {"?", "#"}


RULES: tuple[Callable[[Settings], list[str]], ...] = (
    _database_faults,
    _secret_faults,
    _lifetime_faults,
    _argon2_faults,
    _sandbox_faults,
    _production_faults,
)
"""Each returns the faults of one combination of settings."""


def table() -> str:
    """Return the settings as a Markdown table, as in docs/configuration.md."""
    lines = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for one in fields(Settings):
        default = f"`{one.default}`" if str(one.default) else "empty"
        if one.metadata["production"]:
            default += f"; in production {one.metadata['production']}"
        lines.append(f"| `{PREFIX}{one.name.upper()}` | {one.metadata['doc']} | {default} |")
    return "\n".join(lines) + "\n"
