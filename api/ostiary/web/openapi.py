"""The contract: an OpenAPI 3.1 document, assembled from the schemas and notes of the features."""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import flask_smorest
from flask import Flask, current_app
from werkzeug.routing import Rule

from ostiary import __version__
from ostiary.core.problems import CATALOGUE, MAX_URI
from ostiary.web import path_parameters
from ostiary.web.cached_response import CachedResponse
from ostiary.web.client_guard import BASIC
from ostiary.web.path_parameters import path_of
from ostiary.web.problem_format import OAUTH_PATHS, documented_problems, problem_schema
from ostiary.web.problem_responses import name_unions
from ostiary.web.schema_bounds import bound_formats, without_null_parameters

_CONTRACT = "ostiary.contract"

MAX_CHALLENGE = 1024
"""Maximum length of a WWW-Authenticate header."""
MAX_ETAG = 64
"""Maximum length of Ostiary's entity-tags, including the quotes."""

DESCRIPTION = """\
Ostiary registers users, logs them in, and identifies the callers of your services.

To try it, call `POST /register` and `POST /login`. Click **Authorize**, enter the returned `access_token`, and call
`GET /protected`. `POST /logout` ends the session and all its tokens at once.

Every error is returned as `application/problem+json` (RFC 9457) with a stable `code`. `GET /problems/{code}` explains
the code and what to do about it. Under `/oauth`, errors are `application/json`. They have the same members, plus
OAuth's `error` and `error_description` (RFC 6749).
"""


@dataclass(frozen=True)
class Contract:
    """The document as a value, as the bytes that are exported and committed, and as a cached response."""

    document: dict[str, Any]
    text: bytes
    held: CachedResponse

    def operation(self, rule: str, method: str) -> dict[str, Any] | None:
        """Return the operation of a route; `rule` is as Flask writes it: `/problems/<code>`."""
        found: dict[str, Any] | None = self.document["paths"].get(path_of(rule), {}).get(method.lower())
        return found


class ContractIncomplete(Exception):
    """A route is not in the contract, or the contract has an operation that no route serves."""


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's extension, without its own error handler, error schema and pagination header."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        pass

    def _register_pagination_header(self) -> None:
        pass


def make_api(app: Flask, security_schemes: Mapping[str, dict[str, Any]]) -> Api:
    """Set up the contract of `app`. security_schemes: OpenAPI Security Scheme Objects by name."""
    app.config.update(
        API_TITLE="Ostiary",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={
            "info": {
                "summary": "An authentication and authorization API with a proven contract.",
                "description": DESCRIPTION,
                "contact": {"name": "The maintainers of Ostiary"},
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": app.config["APPLICATION_ROOT"], "description": "This server."}],
        },
    )
    api = Api(app)
    for name, scheme in security_schemes.items():
        api.spec.components.security_scheme(name, scheme)
    api.spec.components.header(
        "Location",
        {
            "description": "The address of the created resource (RFC 9110 section 10.2.2).",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_URI, "format": "uri-reference"},
            "example": "/me/api-keys/0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22",
        },
    )
    api.spec.components.header(
        "WWW-Authenticate",
        {
            "description": "How to authenticate, and why this attempt failed (RFC 6750 section 3).",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_CHALLENGE, "pattern": "^Bearer "},
            "example": 'Bearer realm="ostiary"',
        },
    )
    api.spec.components.header(
        "WWW-Authenticate-Basic",
        {
            "description": "How a service client authenticates (RFC 7617).",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_CHALLENGE, "pattern": "^Basic "},
            "example": BASIC,
        },
    )
    api.spec.components.header(
        "Retry-After",
        {
            "description": "The number of seconds to wait before a retry (RFC 9110 section 10.2.3).",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
            "example": 2,
        },
    )
    api.spec.components.header(
        "Idempotent-Replayed",
        {
            "description": "`true` if this is the stored response to an earlier request with the same Idempotency-Key.",
            "schema": {"type": "string", "enum": ["true"]},
        },
    )
    api.spec.components.header(
        "ETag",
        {
            "description": "The entity-tag of this representation (RFC 9110 section 8.8.3). Each content coding "
            "has its own.",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_ETAG, "pattern": '^"[!#-~]+"$'},
            "example": '"5f2c7d0b9a3e4c1f8d6b7a09e1c2d3f4"',
        },
    )
    api.spec.components.header(
        "VersionETag",
        {
            "description": "The entity-tag of this version (RFC 9110 section 8.8.3), for If-Match and If-None-Match.",
            "required": True,
            "schema": {"type": "string", "maxLength": MAX_ETAG, "pattern": '^"[!#-~]+"$'},
            "example": '"9b2d4c1f0a7e4b3c8d5f6e7a1b0c9d8e"',
        },
    )
    api.spec.components.header(
        "Vary",
        {
            "description": (
                "The content coding depends on Accept-Encoding (RFC 9110 section 12.5.5). Origin is added if "
                "OSTIARY_CORS_ORIGINS lists origins."
            ),
            "required": True,
            "schema": {"type": "string", "enum": ["Accept-Encoding", "Accept-Encoding, Origin"]},
        },
    )
    return api


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method (in capitals), path and definition of every operation of `document`, in its order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def problem_codes(operation: dict[str, Any]) -> set[str]:
    """Return the codes of all problems that an operation documents."""
    return {code for status, answer in operation["responses"].items() for code in documented_problems(status, answer)}


def check(app: Flask, document: dict[str, Any]) -> None:
    """Raise ContractIncomplete unless the routes of `app` are the operations of `document`, no more and no less."""
    routes = {
        f"{method} {path_of(rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - _automatic(rule)
    }
    documented = {f"{method} {path}" for method, path, _ in operations(document)}
    if routes != documented:
        undocumented, unserved = sorted(routes - documented), sorted(documented - routes)
        raise ContractIncomplete(f"not in the contract: {undocumented}; in the contract without a route: {unserved}")


def _automatic(rule: Rule) -> set[str]:
    """Return the methods of a route that are Flask's own: HEAD, and OPTIONS unless its view serves that itself."""
    return {"HEAD", "OPTIONS"} if getattr(rule, "provide_automatic_options", True) else {"HEAD"}


def install(app: Flask, api: Api, extend: Iterable[Callable[[dict[str, Any]], None]] = ()) -> Contract:
    """Assemble the contract and store it in `app`, once all blueprints are registered. Arguments: see `assemble`."""
    found = assemble(app, api, extend)
    path_parameters.install(app, found.document)
    app.extensions[_CONTRACT] = found
    return found


def assemble(app: Flask, api: Api, extend: Iterable[Callable[[dict[str, Any]], None]]) -> Contract:
    """Return the contract of all blueprints that are registered.

    extend: functions that change the document, in this order, before it is sorted. Raises ContractIncomplete.
    """
    document: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    _without_unknown_schemes(document)
    codes, oauth_codes = _codes(document)
    for code in sorted(codes):
        kind = CATALOGUE[code]
        schema = problem_schema(kind, is_under_oauth=code in oauth_codes)
        document["components"]["schemas"][kind.schema_name] = schema
    for key, name in api.ma_plugin.converter.refs.items():
        document["components"]["schemas"][name]["description"] = inspect.getdoc(key[0])
    check(app, document)
    for change in extend:
        change(document)
    name_unions(document)
    without_null_parameters(document)
    bound_formats(document)
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    document["tags"] = [tag for tag in document["tags"] if tag["name"] in used]
    components = document["components"]
    for unused in ("responses", "parameters"):
        components.pop(unused, None)
    for section in components.keys() - {"securitySchemes"}:  # which Swagger UI shows in this order: bearerAuth first
        components[section] = dict(sorted(components[section].items()))
    document["components"] = dict(sorted(components.items()))
    first = ("openapi", "info", "servers", "tags", "paths", "components")
    document = {name: document[name] for name in first} | document
    exported = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    return Contract(document, exported, CachedResponse(exported, "application/json", {"Cache-Control": "no-cache"}))


def _without_unknown_schemes(document: dict[str, Any]) -> None:
    """Remove the authentication methods of disabled features."""
    known = document["components"].get("securitySchemes", {}).keys()
    for _, _, operation in operations(document):
        operation["security"] = [one for one in operation["security"] if one.keys() <= known]


def _codes(document: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the codes of all problems of `document`, and the codes that operations under /oauth return."""
    found = [(path, problem_codes(operation)) for _, path, operation in operations(document)]
    everywhere = {code for _, codes in found for code in codes}
    return everywhere, {code for path, codes in found if path.startswith(OAUTH_PATHS) for code in codes}


def contract() -> Contract:
    """Return the contract of the current app."""
    found: Contract = current_app.extensions[_CONTRACT]
    return found
