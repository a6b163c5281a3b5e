"""Settings: one frozen object, read from the OSTIARY_* environment variables. All faults are reported together."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from environs import Env, EnvError, validate
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ostiary import environment as variables
from ostiary.core import origins, proxies
from ostiary.core.addresses import ANY_ADDRESS, in_url, is_loopback
from ostiary.core.passwords import Argon2Parameters
from ostiary.core.proxies import TrustedProxies
from ostiary.core.secret_strength import is_weak
from ostiary.environment import FILE, PREFIX
from ostiary.persistence import postgres_url
from ostiary.persistence.postgres_url import BadUrl, is_postgres

SQLITE = "sqlite+aiosqlite"
SCHEMES = (SQLITE, "postgresql")
"""The schemes of database URLs, in the recommended spelling."""
MIN_SECRET_LENGTH = 32


class BadSettings(Exception):
    """Some settings are invalid. `faults` names each of them with its remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _setting(doc: str, parser: str, default: Any, **more: Any) -> Any:
    """Describe a field: its meaning, the environs parser, and the default.

    more: `production`: the default in the production profile. `check`: a validator. `secret`: whether a file can hold
    the value; the variable with the suffix `_FILE` then names that file.
    """
    metadata = {"doc": doc, "parser": parser, "production": "", "check": None, "secret": False}
    return field(default=default, metadata=metadata | more)


MAX_LIFETIME_SECONDS = 36525 * 86400
"""A hundred years: in practice for ever, and still a date that every component can represent."""


@dataclass(frozen=True)
class Settings:
    """Everything that an operator can set. Durations are in seconds; the name of a size includes its unit."""

    profile: Literal["development", "production"] = _setting(
        "`development` (works without configuration) or `production` (refuses unsafe or missing settings)",
        "str",
        "development",
        check=validate.OneOf(["development", "production"]),
    )
    host: str = _setting("Address to listen on", "str", "127.0.0.1")
    port: int = _setting("Port to listen on; 0 picks a free port", "int", 8000, check=validate.Range(0, 65535))
    workers: int = _setting(
        "Number of worker processes; 0 means one in development and one per processor core in production",
        "int",
        0,
        check=validate.Range(0, 256),
    )
    data_dir: Path = _setting(
        "Directory of the SQLite file and the generated secret in development", "path", Path("ostiary-data")
    )
    database_url: str = _setting(
        "`sqlite+aiosqlite:///file` or `postgresql://user:password@host/name`; empty means a file in the data "
        "directory",
        "str",
        "",
        production="required",
        secret=True,
    )
    database_listen_url: str = _setting(
        "Needed only if OSTIARY_DATABASE_URL leads to a pooler in transaction mode: the URL of the same PostgreSQL "
        "database without the pooler, for revocation notifications and migrations",
        "str",
        "",
        secret=True,
    )
    database_pool_size: int = _setting(
        "PostgreSQL connections per worker process", "int", 10, check=validate.Range(1, 1000)
    )
    database_timeout: int = _setting(
        "Seconds to wait for a database connection, a lock or an answer",
        "int",
        30,
        check=validate.Range(1, 3600),
    )
    secret_key: str = _setting(
        "Secret that encrypts the signing keys in the database, at least 32 characters; if it is empty, Ostiary "
        "generates one and keeps it in the data directory",
        "str",
        "",
        production="required",
        secret=True,
    )
    issuer: str = _setting(
        "`iss` of access tokens: the https URL at which clients reach this server; empty means `http://HOST:PORT`",
        "str",
        "",
        production="required",
    )
    audience: str = _setting("`aud` of access tokens; empty means the issuer", "str", "")
    access_token_seconds: int = _setting(
        "Lifetime of an access token, in seconds", "int", 900, check=validate.Range(1, 86400)
    )
    refresh_token_idle_seconds: int = _setting(
        "Seconds after which an unused refresh token expires",
        "int",
        14 * 86400,
        check=validate.Range(1, MAX_LIFETIME_SECONDS),
    )
    session_seconds: int = _setting(
        "Seconds from login to the end of a session; refreshing does not extend it",
        "int",
        90 * 86400,
        check=validate.Range(1, MAX_LIFETIME_SECONDS),
    )
    refresh_grace_seconds: int = _setting(
        "Seconds after a refresh token is used during which it can be sent again and gets the same successor",
        "int",
        10,
        check=validate.Range(0, 60),
    )
    fresh_login_seconds: int = _setting(
        "Seconds after login during which operations that cannot be undone are allowed without another login",
        "int",
        600,
        check=validate.Range(1, MAX_LIFETIME_SECONDS),
    )
    idempotency_seconds: int = _setting(
        "Seconds during which a repeated request with the same Idempotency-Key gets the first answer again",
        "int",
        86400,
        check=validate.Range(1, 30 * 86400),
    )
    revocation_strict: bool = _setting(
        "On each request, check in the database whether the access token was revoked. By default the worker checks its "
        "own memory, which is kept up to date",
        "bool",
        False,
    )
    argon2_memory_kib: int = _setting(
        "Memory per password hash, in KiB", "int", 19456, check=validate.Range(8, 16 * 1024 * 1024)
    )
    argon2_time_cost: int = _setting(
        "Passes over the memory per password hash", "int", 2, check=validate.Range(1, 1000)
    )
    argon2_parallelism: int = _setting("Lanes per password hash", "int", 1, check=validate.Range(1, 256))
    hash_threads: int = _setting(
        "Threads for password hashing per worker process; 0 divides the processor cores among the workers",
        "int",
        0,
        check=validate.Range(0, 256),
    )
    hash_queue: int = _setting(
        "Maximum number of password hashes that wait in a worker process; further requests get 503 with Retry-After",
        "int",
        256,
        check=validate.Range(1, 1_000_000),
    )
    hash_wait_seconds: int = _setting(
        "Maximum number of seconds that a password waits to be hashed; a request that would wait longer gets 503 with "
        "Retry-After",
        "int",
        2,
        check=validate.Range(1, 60),
    )
    max_body_bytes: int = _setting(
        "Maximum size of a request body, in bytes", "int", 65536, check=validate.Range(1024, 64 * 1024 * 1024)
    )
    keep_alive_seconds: int = _setting(
        "Seconds for which an idle connection is kept; set it higher than in the proxy in front, so that the proxy "
        "closes first",
        "int",
        130,
        check=validate.Range(1, 86400),
    )
    max_connections: int = _setting(
        "Maximum number of connections per worker process; 0 derives the number from the limit of open files",
        "int",
        0,
        check=validate.Range(0, 1_000_000),
    )
    max_connections_per_address: int = _setting(
        "Maximum number of connections per worker process from one IPv4 address or IPv6 /64 network, except trusted "
        "proxies; 0 means half of all connections",
        "int",
        0,
        check=validate.Range(0, 1_000_000),
    )
    drain_seconds: int = _setting(
        "Seconds that requests in flight get to finish at shutdown. The shutdown takes at most 5 seconds more; keep "
        "the sum below the time after which the orchestrator kills: 10 for Docker, 30 for Kubernetes, 90 for systemd",
        "int",
        5,
        check=validate.Range(1, 3600),
    )
    trusted_proxies: str = _setting(
        "Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, separated by "
        "commas; `unix` trusts all that connect to a Unix socket; `*` trusts everybody, in development only",
        "str",
        "",
    )
    cors_origins: str = _setting(
        "Origins of pages that may call this server from a browser, separated by commas or spaces and written as "
        "browsers send them: `https://app.example`; empty means none. Every origin can read public keys and metadata",
        "str",
        "",
    )
    contract_checks: Literal["auto", "off", "log", "raise"] = _setting(
        "Compare each answer with the contract: `off`, `log` (log a mismatch), `raise` (fail the request), or `auto` "
        "(`log` in development, `off` in production)",
        "str",
        "auto",
        check=validate.OneOf(["auto", "off", "log", "raise"]),
    )
    sandbox: bool = _setting(
        "Add operations under `/sandbox` that reset the state, move the clock and force errors, for testing clients; "
        "anyone can call them",
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
        "`console`, `json`, or `auto` (`console` in development, `json` in production)",
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
        """Whether Swagger UI has an example administrator: in development, on a loopback address, without proxies."""
        return not self.is_production and is_loopback(self.host) and not self.trusted_proxies

    @property
    def proxies(self) -> TrustedProxies:
        """The trusted proxies."""
        return proxies.parse(self.trusted_proxies)[0]

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins of pages that may call from a browser."""
        return origins.parse(self.cors_origins)[0]

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
        """The number of hashing threads of a worker process. More threads than cores would slow each other down."""
        return self.hash_threads or max(1, (os.cpu_count() or 1) // self.effective_workers)

    @property
    def effective_database_url(self) -> str:
        """The database's URL, with the default filled in."""
        file = str(self.data_dir.absolute() / "ostiary.db")
        return self.database_url or URL.create("sqlite+aiosqlite", database=file).render_as_string()

    @property
    def effective_issuer(self) -> str:
        """The issuer, with the default filled in."""
        host = ANY_ADDRESS.get(self.host, self.host)  # clients cannot connect to a wildcard address
        return self.issuer or f"http://{in_url(host)}:{self.port}"

    @property
    def prefix(self) -> str:
        """The path prefix of all operations, as in the issuer `https://id.example/auth`; empty if there is none."""
        return urlsplit(self.effective_issuer).path.rstrip("/")

    @property
    def service_names(self) -> tuple[str, ...]:
        """The names by which users know this service: `ostiary`, the issuer's host, and the labels of that host."""
        host = urlsplit(self.effective_issuer).hostname or ""
        return ("ostiary", host, *host.split(".")[:-1])

    @property
    def effective_contract_checks(self) -> Literal["off", "log", "raise"]:
        """What to do about an answer that does not match the contract."""
        if self.contract_checks == "auto":
            return "off" if self.is_production else "log"
        return self.contract_checks

    @property
    def effective_log_format(self) -> Literal["console", "json"]:
        """The format of log lines."""
        if self.log_format == "auto":
            return "json" if self.is_production else "console"
        return self.log_format


def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings in `environment` (the process's own by default); `overrides` come from the command line.

    Raises BadSettings with every fault: values that do not parse, unknown OSTIARY_* names, bad combinations. The checks
    of combinations use the default in place of a value that does not parse.
    """
    every = {PREFIX + one.name.upper(): one for one in fields(Settings)}
    secrets = [variable for variable, one in every.items() if one.metadata["secret"]]
    given = variables.read(os.environ if environment is None else environment, every, secrets)
    parsed, unparsed = _parse(given.values)
    unparsed = {name: told for name in every if (told := given.faults.get(name) or unparsed.get(name))}
    faults = [f"{name}: {told}" for name, told in unparsed.items()]
    faults += [f"{name}: there is no such setting" for name in sorted(given.unknown)]
    parsed = {name: value for name, value in parsed.items() if PREFIX + name.upper() not in unparsed}
    parsed |= {name: value for name, value in overrides.items() if value is not None}
    if "host" in parsed:  # brackets, as in a URL, are accepted
        parsed["host"] = parsed["host"].removeprefix("[").removesuffix("]")
    settings = Settings(**parsed)
    faults += [fault for rule in RULES for fault in rule(settings) if fault.partition(":")[0] not in unparsed]
    if faults:
        raise BadSettings(faults)
    return settings


def _parse(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings by name, and faults by variable. environs reads only the environment of the process."""
    env = Env(eager=False, prefix=PREFIX)
    values: dict[str, Any] = {}
    saved = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update({name: _in_small_letters(name, value) for name, value in given.items()})
        for one in fields(Settings):
            checks = [one.metadata["check"]] if one.metadata["check"] else []
            values[one.name] = getattr(env, one.metadata["parser"])(one.name.upper(), one.default, validate=checks)
        return values, _parse_faults(env)
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _in_small_letters(variable: str, value: str) -> str:
    """Return `value` in lower case if the setting is a choice, such as the log level; otherwise unchanged."""
    choices = {
        PREFIX + one.name.upper() for one in fields(Settings) if isinstance(one.metadata["check"], validate.OneOf)
    }
    return value.lower() if variable in choices else value


def _parse_faults(env: Env) -> dict[str, str]:
    try:
        env.seal()
    except EnvError as error:
        messages = getattr(error, "error_messages", {})
        return {name: " ".join(map(str, told)) for name, told in messages.items()}
    return {}


def _database_faults(settings: Settings) -> list[str]:
    try:
        fault = _url_fault(settings.effective_database_url)
    except UnicodeEncodeError:
        return ["OSTIARY_DATA_DIR: this locale cannot encode the name of the folder: set LC_ALL=C.UTF-8"]
    faults = [f"OSTIARY_DATABASE_URL: {fault}"] if fault else []
    if settings.database_listen_url:
        fault = _url_fault(settings.database_listen_url)
        if not fault and not (is_postgres(settings.database_url) and is_postgres(settings.database_listen_url)):
            fault = "only for PostgreSQL: OSTIARY_DATABASE_URL must be the URL of a PostgreSQL database, too"
        faults += [f"OSTIARY_DATABASE_LISTEN_URL: {fault}"] if fault else []
    return faults


def _url_fault(url: str) -> str:
    """Return what is wrong with the URL of a database, with the remedy; empty if nothing is."""
    try:
        if is_postgres(url):
            postgres_url.parse(url)
            return ""
        found = make_url(url)
    except BadUrl as error:
        return str(error)
    except (ArgumentError, ValueError):  # ValueError: a port that is not a number
        return f"not a URL; it must begin with {' or '.join(SCHEMES)}"
    if found.drivername != SQLITE:
        return f"{found.drivername} is not supported; use {' or '.join(SCHEMES)}"
    if not found.database or ":memory:" in found.database or found.query:
        return "SQLite needs a file without parameters, because several processes share it"
    return ""


def _secret_faults(settings: Settings) -> list[str]:
    if settings.secret_key and len(settings.secret_key) < MIN_SECRET_LENGTH:
        return [
            f"OSTIARY_SECRET_KEY: shorter than {MIN_SECRET_LENGTH} characters; create one with: openssl rand -base64 32"
        ]
    return []


def _issuer_faults(settings: Settings) -> list[str]:
    try:
        urlsplit(settings.effective_issuer)
    except ValueError:
        return ["OSTIARY_ISSUER: not a URL such as https://id.example"]
    return []


def _lifetime_faults(settings: Settings) -> list[str]:
    if settings.access_token_seconds > settings.session_seconds:
        return ["OSTIARY_ACCESS_TOKEN_SECONDS: longer than OSTIARY_SESSION_SECONDS"]
    return []


def _proxy_faults(settings: Settings) -> list[str]:
    return [f"OSTIARY_TRUSTED_PROXIES: {fault}" for fault in proxies.parse(settings.trusted_proxies)[1]]


def _origin_faults(settings: Settings) -> list[str]:
    return [f"OSTIARY_CORS_ORIGINS: {fault}" for fault in origins.parse(settings.cors_origins)[1]]


def _argon2_faults(settings: Settings) -> list[str]:
    if settings.argon2_memory_kib < 8 * settings.argon2_parallelism:
        return ["OSTIARY_ARGON2_MEMORY_KIB: argon2 needs at least 8 KiB for each lane (OSTIARY_ARGON2_PARALLELISM)"]
    return []


def _sandbox_faults(settings: Settings) -> list[str]:
    if settings.sandbox and settings.effective_workers != 1:
        return ["OSTIARY_SANDBOX: needs one worker process (OSTIARY_WORKERS=1), because its state is in memory"]
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
        faults.append("OSTIARY_SANDBOX: not allowed in the production profile: anyone could delete every user")
    if settings.issuer and not _is_issuer(settings.issuer) and not _issuer_faults(settings):
        faults.append("OSTIARY_ISSUER: in production, use an https URL without query or fragment (RFC 8414 section 2)")
    if settings.proxies.everybody or any(network.prefixlen == 0 for network in settings.proxies.networks):
        faults.append(
            "OSTIARY_TRUSTED_PROXIES: trusting everybody is not allowed in production; list the proxies' addresses"
        )
    if len(settings.secret_key) >= MIN_SECRET_LENGTH and is_weak(settings.secret_key):
        faults.append("OSTIARY_SECRET_KEY: not random, so it can be guessed; create one with: openssl rand -base64 32")
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
    _issuer_faults,
    _lifetime_faults,
    _proxy_faults,
    _origin_faults,
    _argon2_faults,
    _sandbox_faults,
    _production_faults,
)
"""Each returns the faults of one combination of settings."""


def table() -> str:
    """Return the settings as a Markdown table, as in docs/configuration.md."""
    lines = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for one in fields(Settings):
        variable = PREFIX + one.name.upper()
        default = f"`{one.default}`" if str(one.default) else "empty"
        if one.metadata["production"]:
            default += f"; in production {one.metadata['production']}"
        also = f"; `{variable}{FILE}` can name a file that holds it" if one.metadata["secret"] else ""
        lines.append(f"| `{variable}` | {one.metadata['doc']}{also} | {default} |")
    return "\n".join(lines) + "\n"
