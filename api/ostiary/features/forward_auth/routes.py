"""Forward authentication: a proxy asks whether a request may pass, and who sends it.

The answer is the same for every method, at one path and at every path below it. Some proxies ask with the method and
the path of the original request.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

from flask import Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter

from ostiary.core.problems import INSUFFICIENT_ROLE, INSUFFICIENT_SCOPE
from ostiary.features.forward_auth.rules import ROLES, SCOPES, SUBJECT, identity
from ostiary.features.forward_auth.schemas import AuthorizeQuery
from ostiary.web.blueprint import Blueprint, answers, no_content
from ostiary.web.guards import demand, principal, requires

forward_auth = Blueprint("forward_auth", __name__)

PATH = "/authorize"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The methods that proxies can use. Each is an operation of the contract. HEAD comes with GET."""
TAGS = ["operations"]

_TEXT = {"type": "string", "maxLength": 8192, "pattern": "^[ -~]*$"}
_HEADERS = {
    SUBJECT: {
        "description": "The id of the user, as in the `sub` claim of access tokens.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    ROLES: {
        "description": "The roles of the user, separated by spaces. Empty for API keys.",
        "required": True,
        "schema": _TEXT,
        "example": "admin helpdesk",
    },
    SCOPES: {
        "description": "The scopes of the access token or API key, separated by spaces.",
        "required": True,
        "schema": _TEXT,
        "example": "me:read me:write",
    },
}


@forward_auth.query(AuthorizeQuery())
def _asked(query: dict[str, str]) -> dict[str, str]:
    return query


_read_query = cast("Callable[[], dict[str, str]]", _asked)
"""Return the query parameters, which the decorator passes."""


def _operation(method: str) -> Callable[..., Response]:
    """Return the view of one method."""

    def authorize(below: str | None = None) -> Response:
        bearer = principal()
        if below is None and request.environ.get("QUERY_STRING"):
            asked = _read_query()
            demand(bearer, asked.get("scope", "").split(), asked.get("role", "").split())
        answer = no_content()
        answer.headers.extend(identity(bearer))
        return answer

    verb = method.lower()
    authorize.__name__ = f"authorize_{verb}"
    authorize.__doc__ = f"""Authorize a proxied {method} request.

    A proxy calls this operation before it forwards a request, and sends the Authorization header of that request. 204
    lets the request pass. The response headers identify the sender. The proxy must overwrite any such headers that the
    client sent. A proxy can call GET, POST, PUT, PATCH, DELETE or OPTIONS, at `/authorize` and at every path below it.
    Below `/authorize`, the query belongs to the original request and is ignored.
    """
    authorize._apidoc = deepcopy(_asked._apidoc)  # type: ignore[attr-defined]
    view: Any = forward_auth.response(204, headers=_HEADERS, description="The request may pass.")(authorize)
    view = forward_auth.doc(operationId=f"authorize{method.capitalize()}")(view)
    view = answers(INSUFFICIENT_SCOPE, INSUFFICIENT_ROLE)(view)
    view = requires()(view)
    view.provide_automatic_options = False  # OPTIONS is asked about like every other method
    return view  # type: ignore[no-any-return]


class _Rest(PathConverter):
    """The rest of a path: any number of segments, including none and empty ones."""

    regex = ".*?"
    part_isolating = False


def _below(view: Callable[..., Response], method: str) -> Callable[[BlueprintSetupState], None]:
    """Return a decorator that also serves `view` at every path below PATH.

    An OpenAPI template cannot match several segments, so the contract describes only PATH (see `path_of`).
    """

    def register(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["path"] = _Rest
        state.add_url_rule(f"{PATH}/<path:below>", f"{view.__name__}_below", view, methods=[method])

    return register


for _method in METHODS:
    _view = _operation(_method)
    forward_auth.route(PATH, methods=[_method], tags=TAGS)(_view)
    forward_auth.record(_below(_view, _method))
