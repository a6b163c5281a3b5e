"""Swagger UI's files, from the installed package; nothing is loaded from elsewhere."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version

VERSION = version("flask-swagger-ui")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything from this server alone, and no inline script or style."""

_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

PAGE = f"""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ostiary</title>
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css?v={VERSION}">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js?v={VERSION}"></script>
    <script src="docs/initializer.js?v={VERSION}"></script>
  </body>
</html>
"""

INITIALIZER = """\
window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""

ASSETS = sorted([*_TYPES, "initializer.js"])


@dataclass(frozen=True)
class Asset:
    """A file and its media type."""

    content: bytes
    media_type: str


@cache
def asset(name: str) -> Asset | None:
    """Return one of Swagger UI's files, or None if the page has no such file."""
    if name == "initializer.js":
        return Asset(INITIALIZER.encode(), "text/javascript")
    if name not in _TYPES:
        return None
    return Asset((resources.files("flask_swagger_ui") / "dist" / name).read_bytes(), _TYPES[name])
