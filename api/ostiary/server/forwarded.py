"""Where a request comes from: the same address and scheme under every server, ASGI or WSGI."""

from typing import Any

from ostiary.core.fields import trimmed
from ostiary.core.proxies import TrustedProxies, address_of


def apply(environ: dict[str, Any], proxies: TrustedProxies) -> None:
    """Make REMOTE_ADDR of a WSGI environ the client's address in canonical form, empty if there is none.

    If the peer is one of `proxies`, the client is the one that it forwards for (X-Forwarded-For), and `wsgi.url_scheme`
    is the last value of X-Forwarded-Proto, if that is `http` or `https`. No other peer is believed.
    """
    peer = address_of(environ.get("REMOTE_ADDR") or "")
    if proxies and (peer or not environ.get("REMOTE_ADDR")) and proxies.trusts(peer):
        scheme = trimmed(environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2]).lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        peer = proxies.client_of(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
    environ["REMOTE_ADDR"] = peer
