"""TLS to PostgreSQL from the parameters of a URL: sslmode= of libpq, ssl= of SQLAlchemy, asyncpg and JDBC."""

import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SWITCHES = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}
"""Values of ssl= with their sslmode; `true` has the same meaning as in libpq."""
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_TEXTS = ("sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version", "sslnegotiation")
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
SYSTEM = "system"
"""The value of sslrootcert for the certification authorities of the operating system."""


class BadTls(Exception):
    """The parameters cannot be used. The text names one of them and the remedy."""


def take(given: dict[str, str], *, may_be_tcp: bool) -> dict[str, Any]:
    """Remove the TLS parameters from `given` and return them as arguments of asyncpg.connect; raises BadTls.

    may_be_tcp: False if all hosts are Unix sockets, for which the driver does not support TLS.
    """
    mode = _mode(given.pop("sslmode", ""), given.pop("ssl", ""))
    tls = {name: given.pop(name) for name in (*_FILES, *_TEXTS) if name in given}
    if not may_be_tcp:
        return {}
    _check_texts(tls, mode)
    if tls.get("sslrootcert") == SYSTEM:
        return {"ssl": _trusting_the_system(tls, mode or "verify-full"), **_negotiation(tls)}
    _check_files(tls, mode)
    if mode:
        tls["sslmode"] = mode
    # The driver accepts these only in a URL. It reads the files again for each connection, so they can be renewed.
    return {"dsn": f"postgresql://?{urlencode(tls)}"} if tls else {}


def _mode(sslmode: str, given: str) -> str:
    switch = _SWITCHES.get(given.lower(), given)
    for name, value in (("sslmode", sslmode), ("ssl", switch)):
        if value and value not in MODES:
            raise BadTls(f"{name}={value}: use {', '.join(MODES[:-1])} or {MODES[-1]}")
    if sslmode and switch and sslmode != switch:
        raise BadTls(f"ssl={given} and sslmode={sslmode} contradict each other: keep one of the two")
    return sslmode or switch


def _check_texts(tls: dict[str, str], mode: str) -> None:
    for name in ("ssl_min_protocol_version", "ssl_max_protocol_version"):
        if tls.get(name, "TLSv1.2") not in _VERSIONS:
            raise BadTls(f"{name}={tls[name]}: use one of {', '.join(_VERSIONS)}")
    if tls.get("sslnegotiation", "postgres") not in {"postgres", "direct"}:
        raise BadTls(f"sslnegotiation={tls['sslnegotiation']}: use postgres or direct")
    if tls.get("sslnegotiation") == "direct" and mode not in MODES[3:]:
        raise BadTls("sslnegotiation=direct: needs sslmode=require, verify-ca or verify-full")


def _check_files(tls: dict[str, str], mode: str) -> None:
    for name in _FILES:
        if name in tls:
            _check_readable(name, tls[name])
    _load(tls, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    if mode not in {"verify-ca", "verify-full"} or "sslrootcert" in tls or os.environ.get("PGSSLROOTCERT"):
        return
    if not Path("~/.postgresql/root.crt").expanduser().is_file():
        raise BadTls(
            f"sslmode={mode}: needs the certificate of the server's certification authority: sslrootcert=FILE, or "
            "sslrootcert=system for those of the operating system"
        )


def _check_readable(name: str, file: str) -> None:
    try:
        with Path(file).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadTls(
            f"{name}: the file {file} cannot be read ({reason}): name another, or fix its permissions"
        ) from None


def _load(tls: dict[str, str], context: ssl.SSLContext) -> None:
    """Load the files into `context`; raises BadTls if their content is invalid."""
    for name in ("sslrootcert", "sslcrl"):
        if tls.get(name, SYSTEM) != SYSTEM:
            try:
                context.load_verify_locations(cafile=tls[name])
            except (ssl.SSLError, OSError):
                raise BadTls(f"{name}: the file {tls[name]} does not hold PEM of this kind") from None
    if "sslkey" in tls and "sslcert" not in tls:
        raise BadTls("sslkey: needs sslcert=FILE, the certificate of this key")
    if "sslcert" in tls:
        try:
            context.load_cert_chain(tls["sslcert"], tls.get("sslkey"), lambda: tls.get("sslpassword", ""))
        except (ssl.SSLError, OSError):
            remedy = "write both in PEM, and the password of the key as sslpassword"
            raise BadTls(f"sslcert, sslkey: the files are not a certificate and its key: {remedy}") from None


def _trusting_the_system(tls: dict[str, str], mode: str) -> ssl.SSLContext:
    if mode != "verify-full":  # anyone can get a certificate for their own host
        raise BadTls(f"sslrootcert=system: needs sslmode=verify-full, not {mode}")
    for name in ("sslcert", "sslkey", "sslcrl"):
        if name in tls:
            _check_readable(name, tls[name])
    context = ssl.create_default_context()
    _load(tls, context)
    if "sslcrl" in tls:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    context.minimum_version = ssl.TLSVersion[tls.get("ssl_min_protocol_version", "TLSv1.2").replace(".", "_")]
    if "ssl_max_protocol_version" in tls:
        context.maximum_version = ssl.TLSVersion[tls["ssl_max_protocol_version"].replace(".", "_")]
    context.set_alpn_protocols(["postgresql"])
    return context


def _negotiation(tls: dict[str, str]) -> dict[str, Any]:
    return {"direct_tls": True} if tls.get("sslnegotiation") == "direct" else {}
