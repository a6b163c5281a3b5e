"""The contract: an OpenAPI 3.1 document assembled from the features' schemas and notes."""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import flask_smorest
from flask import Flask, current_app

from api import __version__
from api.core.problems import CATALOGUE, ProblemType
from api.web.client_guard import BASIC, CLIENT_SCHEME
from api.web.guards import API_KEY_SCHEME, BEARER_SCHEME
from api.web.held import Held

_CONTRACT = "ostiary.contract"

DESCRIPTION = """\
Ostiary registers people, logs them in and tells your services who calls.

A first round: `POST /register`, `POST /login`, then **Authorize** with the `access_token` of the answer and
`GET /protected`; `POST /logout` ends the session and with it every token of it, at once.

Every error is `application/problem+json` (RFC 9457) with a stable `code`; `GET /problems/{code}` tells what it means
and what to do about it.
"""


@dataclass(frozen=True)
class Contract:
    """The document, as a value and as the bytes that are exported and committed, and held for serving."""

    document: dict[str, Any]
    text: bytes
    held: Held

    def operation(self, rule: str, method: str) -> dict[str, Any] | None:
        """Return the operation of a route; `rule` is as Flask writes it: `/problems/<code>`."""
        found: dict[str, Any] | None = self.document["paths"].get(path_of(rule), {}).get(method.lower())
        return found


class ContractIncomplete(Exception):
    """A route is not in the contract, or the contract has an operation that no route serves."""


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's extension without what it would add by itself: error handler, error schema, pagination header."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        pass

    def _register_pagination_header(self) -> None:
        pass


def make_api(app: Flask) -> Api:
    """Attach the contract's assembly to `app`."""
    app.config.update(
        API_TITLE="Ostiary",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={
            "info": {
                "summary": "Authentication and authorization whose contract is proved.",
                "description": DESCRIPTION,
                "contact": {"name": "The maintainers of Ostiary"},
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "This server."}],
        },
    )
    api = Api(app)
    api.spec.components.security_scheme(
        BEARER_SCHEME,
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token that POST /login and POST /refresh answer with (RFC 6750, RFC 9068).",
        },
    )
    api.spec.components.security_scheme(
        API_KEY_SCHEME,
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ost_…",
            "description": "An API key that POST /me/api-keys has answered with, sent in place of an access token.",
        },
    )
    api.spec.components.header(
        "Location",
        {
            "description": "The address of what was made (RFC 9110 section 10.2.2).",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
            "example": "/me/api-keys/0199f6a2-8c21-7d43-b6f0-3e5a9c7d1e22",
        },
    )
    api.spec.components.header(
        "WWW-Authenticate",
        {
            "description": "How to authenticate, and why the present try failed (RFC 6750 section 3).",
            "required": True,
            "schema": {"type": "string", "pattern": "^Bearer "},
            "example": 'Bearer realm="ostiary"',
        },
    )
    api.spec.components.security_scheme(
        CLIENT_SCHEME,
        {
            "type": "http",
            "scheme": "basic",
            "description": "The id and secret of a service client, each form-urlencoded first (RFC 6749 section "
            "2.3.1). `ostiary clients create NAME` makes one on the server.",
        },
    )
    api.spec.components.header(
        "WWW-Authenticate-Basic",
        {
            "description": "How a service client authenticates (RFC 7617).",
            "required": True,
            "schema": {"type": "string", "pattern": "^Basic "},
            "example": BASIC,
        },
    )
    api.spec.components.header(
        "Retry-After",
        {
            "description": "Seconds to wait before the next try (RFC 9110 section 10.2.3).",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
            "example": 2,
        },
    )
    api.spec.components.header(
        "Idempotent-Replayed",
        {
            "description": "`true`, if this is the answer to an earlier request with the same Idempotency-Key.",
            "schema": {"type": "string", "enum": ["true"]},
        },
    )
    api.spec.components.header(
        "ETag",
        {
            "description": "Names these very bytes (RFC 9110 section 8.8.3); each content coding has its own.",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
            "example": '"5f2c7d0b9a3e4c1f8d6b7a09e1c2d3f4"',
        },
    )
    api.spec.components.header(
        "VersionETag",
        {
            "description": "Names this version (RFC 9110 section 8.8.3), for If-Match and If-None-Match.",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
            "example": '"9b2d4c1f0a7e4b3c8d5f6e7a1b0c9d8e"',
        },
    )
    api.spec.components.header(
        "Location",
        {
            "description": "Where what was created is, as a path on this server (RFC 9110 section 10.2.2).",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
            "example": "/users/0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",
        },
    )
    api.spec.components.header(
        "Vary",
        {
            "description": "Accept-Encoding decides on the content coding (RFC 9110 section 12.5.5).",
            "required": True,
            "schema": {"type": "string", "enum": ["Accept-Encoding"]},
        },
    )
    api.spec.components.header(
        "Content-Encoding",
        {
            "description": "gzip, if Accept-Encoding allows it (RFC 9110 section 8.4).",
            "schema": {"type": "string", "enum": ["gzip"]},
        },
    )
    return api


def problem_schema(kind: ProblemType) -> dict[str, Any]:
    """Return the schema of one problem type (RFC 9457 section 3.1)."""
    text = {"type": "string", "minLength": 1}
    properties: dict[str, dict[str, Any]] = {
        "type": {**text, "format": "uri-reference", "description": "Leads to a description of this kind of problem."},
        "title": {**text, "description": "What happened, the same words each time."},
        "status": {"type": "integer", "enum": [kind.status], "description": "The HTTP status."},
        "detail": {**text, "description": "What happened this time."},
        "code": {"type": "string", "enum": [kind.code], "description": "Tells the kind of problem to a program."},
        **kind.members,
    }
    example = kind(**kind.example).body()
    return {
        "type": "object",
        "title": kind.schema_name,
        "description": kind.title + ".",
        "required": list(properties),
        "properties": {name: {**schema, "example": example[name]} for name, schema in properties.items()},
    }


def path_of(rule: str) -> str:
    """Return the contract's path for a rule of Flask's: `/problems/<code>` is `/problems/{code}`."""
    return re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method (in capitals), path and definition of every operation of `document`, in its order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def problem_codes(operation: dict[str, Any]) -> set[str]:
    """Return the code of every problem that an operation documents."""
    return {
        code
        for answer in operation["responses"].values()
        for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }


def check(app: Flask, document: dict[str, Any]) -> None:
    """Raise ContractIncomplete unless the routes of `app` are the operations of `document`, no more and no less."""
    routes = {
        f"{method} {path_of(rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {f"{method} {path}" for method, path, _ in operations(document)}
    if routes != documented:
        undocumented, unserved = sorted(routes - documented), sorted(documented - routes)
        raise ContractIncomplete(f"not in the contract: {undocumented}; in the contract without a route: {unserved}")


def install(app: Flask, api: Api, extend: Iterable[Callable[[dict[str, Any]], None]] = ()) -> Contract:
    """Finish the contract once all blueprints are registered, and keep it in `app`.

    extend: change the document, one after the other, before it is put in order. Raises ContractIncomplete.
    """
    text = json.dumps(api.spec.to_dict())
    for code in sorted(CATALOGUE):
        kind = CATALOGUE[code]
        if f'"#/components/schemas/{kind.schema_name}"' in text:
            api.spec.components.schema(kind.schema_name, problem_schema(kind))
    document: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    for key, name in api.ma_plugin.converter.refs.items():
        document["components"]["schemas"][name]["description"] = inspect.getdoc(key[0])
    check(app, document)
    for change in extend:
        change(document)
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    document["tags"] = [tag for tag in document["tags"] if tag["name"] in used]
    components = document["components"]
    for unused in ("responses", "parameters"):
        components.pop(unused, None)
    for section in components:
        components[section] = dict(sorted(components[section].items()))
    document["components"] = dict(sorted(components.items()))
    first = ("openapi", "info", "servers", "tags", "paths", "components")
    document = {name: document[name] for name in first} | document
    exported = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    contract = Contract(document, exported, Held(exported, "application/json", {"Cache-Control": "no-cache"}))
    app.extensions[_CONTRACT] = contract
    return contract


def contract() -> Contract:
    """Return the contract of the current app."""
    found: Contract = current_app.extensions[_CONTRACT]
    return found
