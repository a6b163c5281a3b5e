"""Set the client's address and scheme of a request in the same way under every ASGI or WSGI server."""

from typing import Any

from ostiary.core.fields import trimmed
from ostiary.core.proxies import TrustedProxies, address_of


def apply(environ: dict[str, Any], proxies: TrustedProxies) -> None:
    """Set REMOTE_ADDR of a WSGI environ to the client's address in canonical form, empty if there is none.

    If the peer is one of `proxies`, the client's address comes from X-Forwarded-For, and `wsgi.url_scheme` is the last
    value of X-Forwarded-Proto if that is `http` or `https`. The header fields of other peers are ignored.
    """
    peer = address_of(environ.get("REMOTE_ADDR") or "")
    if proxies and (peer or not environ.get("REMOTE_ADDR")) and proxies.trusts(peer):
        scheme = trimmed(environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2]).lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        peer = proxies.client_of(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
    environ["REMOTE_ADDR"] = peer
