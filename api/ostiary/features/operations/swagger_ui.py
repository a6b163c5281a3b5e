"""Swagger UI's files, from the installed package and this one. Nothing is loaded from other servers."""

import json
from functools import cache
from importlib import resources
from importlib.metadata import version

from ostiary.core.addresses import is_loopback, without_port
from ostiary.web.cached_response import CachedResponse

VERSION = version("flask-swagger-ui")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only this server, no inline scripts or styles. Swagger UI's icons are data: URLs, images that it shows blob: URLs."""

_ISOLATED = {"Cross-Origin-Resource-Policy": "same-origin"}
_OF_THE_PACKAGE = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
INITIALIZER = "initializer.js"
ASSETS = sorted([*_OF_THE_PACKAGE, INITIALIZER])

_PAGE = f"""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ostiary</title>
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png?v={VERSION}">
    <link rel="stylesheet" href="docs/swagger-ui.css?v={VERSION}">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js?v={VERSION}"></script>
    <script src="docs/{INITIALIZER}"></script>
  </body>
</html>
"""


class Page:
    """Swagger UI as one application serves it.

    filled: whether the page's own script fills in live tokens (the development profile). administrator: the user name
    and password of the example administrator for operations that need that role; client: id and secret of the example
    client for those that are for other services; None if there is none.
    """

    def __init__(
        self, *, filled: bool, administrator: tuple[str, str] | None = None, client: tuple[str, str] | None = None
    ) -> None:
        self.html = CachedResponse(
            _PAGE.encode(),
            "text/html; charset=utf-8",
            {
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
                **_ISOLATED,
            },
        )
        self._initializer = _initializer(filled=filled, administrator=None, client=None)
        self._with_identities: CachedResponse | None = None
        if administrator or client:
            self._with_identities = _initializer(filled=filled, administrator=administrator, client=client)

    def asset(self, name: str, host: str) -> CachedResponse | None:
        """Return one of the page's files, None if it has no such file; `host` is the request's Host header field.

        Only requests with a loopback host name get the example administrator and client. Requests for other names may
        come by DNS rebinding, or through a proxy or a tunnel.
        """
        if name == INITIALIZER:
            if self._with_identities is not None and is_loopback(without_port(host)):
                return self._with_identities
            return self._initializer
        return _of_the_package(name) if name in _OF_THE_PACKAGE else None


def _initializer(
    *, filled: bool, administrator: tuple[str, str] | None, client: tuple[str, str] | None
) -> CachedResponse:
    here = resources.files(__package__)
    script = (here / INITIALIZER).read_text("utf-8")
    if filled:
        person = administrator and {"username": administrator[0], "password": administrator[1]}
        service = client and {"id": client[0], "secret": client[1]}
        known = f"const ADMINISTRATOR = {json.dumps(person)};\nconst CLIENT = {json.dumps(service)};\n"
        script = f"{known}\n{(here / 'examples.js').read_text('utf-8')}\n{script}"
    kept = "no-store" if administrator or client else "no-cache"  # passwords must not be cached
    return CachedResponse(script.encode(), "text/javascript; charset=utf-8", {"Cache-Control": kept, **_ISOLATED})


@cache
def _of_the_package(name: str) -> CachedResponse:
    content = (resources.files("flask_swagger_ui") / "dist" / name).read_bytes()
    return CachedResponse(content, _OF_THE_PACKAGE[name], {"Cache-Control": "public, max-age=86400", **_ISOLATED})
