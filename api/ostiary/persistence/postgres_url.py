"""Parse the URL of a PostgreSQL database, in the forms that hosting services and other programs use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from ostiary.persistence import postgres_tls

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
MAX_SECONDS = 3600
WRITABLE = ("any", "primary", "read-write", "prefer-standby")
"""Values of target_session_attrs under which a connection may write."""


class BadUrl(Exception):
    """The URL cannot be used. The text names the parameter and the remedy, but no password."""


@dataclass(frozen=True)
class PostgresUrl:
    """The content of a URL. hosts: hosts with ports, tried in turn; if empty, the driver's default is used."""

    hosts: tuple[tuple[str, int], ...]
    arguments: Mapping[str, Any] = field(repr=False)
    """Arguments for asyncpg.connect, without hosts and timeouts."""
    dialect: Mapping[str, Any]
    """Arguments for SQLAlchemy's dialect."""
    connect_seconds: float | None
    """The time limit for opening a connection; None if the URL has none."""
    command_seconds: float | None
    """The time limit for an answer; None if the URL has none."""


_IGNORED: dict[str, tuple[str, ...]] = {
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("utf8", "utf-8", "unicode", "auto"),
    "gssencmode": ("disable", "prefer"),
    "load_balance_hosts": ("disable",),
    "pgbouncer": ("false",),
    "replication": ("false", "off", "no", "0"),
    "requiressl": ("0",),
    "sslcertmode": ("allow",),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
"""Parameters with the values that ask for what happens anyway."""
_POOL = "leave it out, and set OSTIARY_DATABASE_POOL_SIZE"
_WAIT = "leave it out, and set OSTIARY_DATABASE_TIMEOUT"
_SCHEMA = "write options=-csearch_path%3DNAME"
_TCP = "leave it out: Ostiary notices a server that does not answer without it"
_REMEDIES = {
    "channel_binding": "the driver has no channel binding: leave it out, and write sslmode=verify-full",
    "client_encoding": "the client's encoding is always UTF8: leave it out",
    "connection_limit": _POOL,
    "pool_size": _POOL,
    "max_overflow": _POOL,
    "pool_timeout": _WAIT,
    "socket_timeout": _WAIT,
    "statement_timeout": _WAIT,
    "lock_timeout": _WAIT,
    "schema": _SCHEMA,
    "currentSchema": _SCHEMA,
    "search_path": _SCHEMA,
    "pgbouncer": "leave it out; for a pooler see docs/configuration.md and OSTIARY_DATABASE_LISTEN_URL",
    "hostaddr": "write the address in place of the host's name",
    "keepalives": _TCP,
    "keepalives_idle": _TCP,
    "keepalives_interval": _TCP,
    "keepalives_count": _TCP,
    "tcp_user_timeout": _TCP,
    "async_fallback": "leave it out",
}
_UNSUPPORTED = "not supported: leave it out; a setting of the server goes into options=-cNAME%3DVALUE"
_SIZES = ("statement_cache_size", "max_cached_statement_lifetime", "max_cacheable_statement_size")
_TEXTS = ("passfile", "krbsrvname", "gsslib", "service", "servicefile")


def is_postgres(url: str) -> bool:
    """Return whether the URL has a scheme of PostgreSQL."""
    return url.partition("://")[0].lower() in SCHEMES


def parse(url: str) -> PostgresUrl:
    """Parse the URL of a PostgreSQL database; raises BadUrl."""
    found = re.fullmatch(r"[^:/]+://([^/?#]*)(?:/([^?#]*))?(?:\?([^#]*))?", url)
    if found is None:
        raise BadUrl("not a URL; write # in a password as %23")
    authority, path, query = (part or "" for part in found.groups())
    if "@" in path:  # probably a password with a slash
        raise BadUrl(_NO_HOST)
    login, at, place = authority.rpartition("@")
    given: dict[str, str] = {}
    hosts: list[str] = []
    for name, value in parse_qsl(query):  # leaves out empty parameters
        if name == "host":
            hosts.append(value)
        given[name] = value
    if at:
        user, _, password = login.partition(":")
        given = {"user": unquote(user), "password": unquote(password)} | given
    if "requiressl" in given and given["requiressl"] == "1":
        given.setdefault("sslmode", "require")
        del given["requiressl"]
    given.pop("host", None)
    place = ",".join(hosts) or place
    arguments = {name: value for name in ("user", "password") if (value := given.pop(name, ""))}
    database = given.pop("dbname", "") or given.pop("database", "") or unquote(path)
    if database:
        arguments["database"] = database
    return _build(_hosts(place, given.pop("port", "")), arguments, given)


def _build(hosts: tuple[tuple[str, int], ...], arguments: dict[str, Any], given: dict[str, str]) -> PostgresUrl:
    connect = _seconds(given, "connect_timeout") or _seconds(given, "timeout")
    command = _seconds(given, "command_timeout")
    try:
        arguments |= postgres_tls.take(given, may_be_tcp=not all(host.startswith("/") for host, _ in hosts))
    except postgres_tls.BadTls as error:
        raise BadUrl(str(error)) from None
    server = {name: given.pop(name) for name in ("application_name", "options") if name in given}
    given.pop("fallback_application_name", None)
    if server:
        arguments["server_settings"] = server
    arguments |= {name: _number(given, name) for name in _SIZES if name in given}
    arguments |= {name: given.pop(name) for name in _TEXTS if name in given}
    cache = "prepared_statement_cache_size"
    dialect = {cache: _number(given, cache)} if cache in given else {}
    wanted = given.pop("target_session_attrs", "primary" if len(hosts) > 1 else "any")
    if wanted not in WRITABLE:
        raise BadUrl(f"target_session_attrs={wanted}: Ostiary writes: use read-write, primary or any")
    arguments["target_session_attrs"] = wanted
    for name, value in given.items():
        if value.lower() not in _IGNORED.get(name, ()):
            raise BadUrl(f"{name}: {_REMEDIES.get(name, _UNSUPPORTED)}")
    return PostgresUrl(hosts, arguments, dialect, connect, command)


def _hosts(place: str, ports: str) -> tuple[tuple[str, int], ...]:
    """Return the hosts in `place`, a list with commas and optional ports. ports: the ports in the query."""
    places = place.split(",") if place else []
    listed = ports.split(",") if ports else [""]
    if len(listed) == 1:
        listed *= len(places)
    if len(listed) != len(places):
        raise BadUrl("port: give one port, or one for each host")
    return tuple(_host(one, port) for one, port in zip(places, listed, strict=True))


def _host(place: str, port: str) -> tuple[str, int]:
    if place.startswith("/"):  # in the query: colons belong to the folder's name
        return place, _port(port)
    if place.upper().startswith("%2F"):
        folder, _, own = place.partition(":")
        return unquote(folder), _port(own or port)
    found = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^:\[\]/@]*))(?::([^:]*))?", place)
    if found is None or not (found[1] or found[2]):
        if place.count(":") > 1 and "[" not in place and "@" not in place:
            raise BadUrl("the host: write an IPv6 address in brackets")
        raise BadUrl(_NO_HOST)
    return unquote(found[1] or found[2]), _port(found[3] or port)


_NO_HOST = "invalid host or port; in a password write @ : / ? # and % as %40 %3A %2F %3F %23 and %25"


def _port(text: str) -> int:
    if not text:
        return 5432
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise BadUrl(_NO_HOST)
    return int(text)


def _number(given: dict[str, str], name: str) -> int:
    text = given.pop(name)
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise BadUrl(f"{name}: not a whole number from 0 to 999999")
    return int(text)


def _seconds(given: dict[str, str], name: str) -> float | None:
    """Remove a number of seconds from `given` and return it; None if it is 0 or missing."""
    text = given.pop(name, "0")
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or float(text) > MAX_SECONDS:
        raise BadUrl(f"{name}: not a number of seconds from 0 to {MAX_SECONDS}")
    return float(text) or None
