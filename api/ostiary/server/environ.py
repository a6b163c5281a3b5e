"""Convert an ASGI scope to a WSGI environ (PEP 3333)."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from ostiary.server.paths import MAX_PATH


@lru_cache(maxsize=512)
def _variable(name: bytes) -> str | None:
    # X_Role and X-Role would become the same variable. A proxy that removes one of them may pass the other.
    if b"_" in name:
        return None
    variable = name.decode("latin-1").upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, raw in headers:
        variable = _variable(name)
        if variable is None:
            continue
        value = raw.decode("latin-1")
        if variable in variables:
            separator = "; " if variable == "HTTP_COOKIE" else ","
            value = f"{variables[variable]}{separator}{value}"
        variables[variable] = value
    return variables


def environ_of(scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the environ for one request whose body has been read."""
    host, port = scope.get("server") or ("localhost", 80)
    sent = scope["raw_path"]
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", "").encode().decode("latin-1"),
        "PATH_INFO": (unquote_to_bytes(sent) if len(sent) <= MAX_PATH else sent).decode("latin-1"),
        "REQUEST_URI": sent.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": scope["client"][0] if scope.get("client") else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **_headers(scope["headers"]),
    }
