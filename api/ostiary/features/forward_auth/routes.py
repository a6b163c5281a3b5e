"""The question of a proxy: may this request pass, and who sends it (forward authentication)?

The same answer at one path for every method, and at every path below it: some proxies ask with the method and the path
of the request that they have received.
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
"""Those that a proxy may hand on; each is an operation of the contract. HEAD comes with GET."""
TAGS = ["operations"]

_TEXT = {"type": "string", "maxLength": 8192, "pattern": "^[ -~]*$"}
_HEADERS = {
    SUBJECT: {
        "description": "The id of the user, as the claim `sub` of an access token.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    ROLES: {
        "description": "The roles of the user, separated by spaces; empty with an API key.",
        "required": True,
        "schema": _TEXT,
        "example": "admin helpdesk",
    },
    SCOPES: {
        "description": "The scopes of the credential, separated by spaces.",
        "required": True,
        "schema": _TEXT,
        "example": "me:read me:write",
    },
}


@forward_auth.query(AuthorizeQuery())
def _asked(query: dict[str, str]) -> dict[str, str]:
    return query


_read_query = cast("Callable[[], dict[str, str]]", _asked)
"""Return what a request asks for; the decorator passes the query."""


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
    authorize.__doc__ = f"""Let a proxy ask about a {method} request.

    For a proxy that asks before it passes a request on, with the Authorization of that request: 204 lets the request
    pass. The headers of the answer say who sends it; a proxy must put them in place of those that the client has sent.
    A proxy may ask with any of these methods, at `/authorize` and at every path below it. Below it the query is that of
    the request and is not looked at.
    """
    authorize._apidoc = deepcopy(_asked._apidoc)  # type: ignore[attr-defined]
    view: Any = forward_auth.response(204, headers=_HEADERS, description="The request may pass.")(authorize)
    view = forward_auth.doc(operationId=f"authorize{method.capitalize()}")(view)
    view = answers(INSUFFICIENT_SCOPE, INSUFFICIENT_ROLE)(view)
    view = requires()(view)
    view.provide_automatic_options = False  # OPTIONS is asked about like every other method
    return view  # type: ignore[no-any-return]


class _Rest(PathConverter):
    """The rest of a path: any number of segments, none and empty ones included."""

    regex = ".*?"
    part_isolating = False


def _below(view: Callable[..., Response], method: str) -> Callable[[BlueprintSetupState], None]:
    """Return what makes `view` answer at every path below PATH too.

    OpenAPI has no template for many segments, so the contract describes PATH alone (see `path_of`).
    """

    def register(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["path"] = _Rest
        state.add_url_rule(f"{PATH}/<path:below>", f"{view.__name__}_below", view, methods=[method])

    return register


for _method in METHODS:
    _view = _operation(_method)
    forward_auth.route(PATH, methods=[_method], tags=TAGS)(_view)
    forward_auth.record(_below(_view, _method))
