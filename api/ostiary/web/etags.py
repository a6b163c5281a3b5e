"""Versions over HTTP (RFC 9110): ETag, 304 for clients that have the current version, If-Match for changes."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flask import Response, request

from ostiary.core.etags import ANY_VERSION, PRECONDITION_FAILED, PRECONDITION_REQUIRED, Condition, names
from ostiary.web.blueprint import WithHeaders, document

View = TypeVar("View", bound=Callable[..., Any])

HEADERS: dict[str, Any] = {"ETag": {"$ref": "#/components/headers/VersionETag"}}
"""The headers of an answer that shows one version of a resource, for the contract."""

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": (
        "The `ETag` of an earlier response, a list of them, or `*`. If one is still current, the answer "
        "is 304 (RFC 9110 section 13.1.2)."
    ),
    "schema": {"type": "string"},
}


class Versioned(Protocol):
    """A resource whose versions have entity-tags."""

    @property
    def etag(self) -> str:
        """The entity-tag of this version, in its quotes."""
        ...


def _if_match_parameter(*, required: bool) -> dict[str, Any]:
    otherwise = "the answer is `precondition_required`" if required else "the change applies to any version"
    return {
        "name": "If-Match",
        "in": "header",
        "required": required,
        "description": (
            "The `ETag` of the version to change, or `*` for any version (RFC 9110 section 13.1.1). If the version is "
            f"no longer current, the answer is `precondition_failed`. Without the header, {otherwise}."
        ),
        "schema": {"type": "string"},
    }


def shows_version(view: View) -> View:
    """Declare in the contract that `view`, a GET, returns `if_changed(...)`: If-None-Match and 304."""
    not_modified = {"description": "The version in If-None-Match is still current.", "headers": HEADERS}
    return document(view, manual={"parameters": [IF_NONE_MATCH], "responses": {304: not_modified}})


def changes_version(*, required: bool) -> Callable[[View], View]:
    """Declare in the contract that a view uses `condition(...)`. required: whether If-Match is required."""
    problems = (PRECONDITION_FAILED, PRECONDITION_REQUIRED) if required else (PRECONDITION_FAILED,)

    def decorator(view: View) -> View:
        return document(view, problems=problems, manual={"parameters": [_if_match_parameter(required=required)]})

    return decorator


def condition(*, required: bool) -> Condition:
    """Return the version that the current request is for; raises the problem `precondition_required`."""
    told = request.headers.get("If-Match")
    if told is not None:  # an empty one names no version, which is not the same as asking for none
        return Condition.of(told)
    if required:
        raise PRECONDITION_REQUIRED()
    return ANY_VERSION


def with_etag(found: Versioned, **headers: str) -> WithHeaders:
    """Return the answer that shows `found`, with its ETag and `headers`."""
    return WithHeaders(found, {"ETag": found.etag, **headers})


def if_changed(found: Versioned) -> WithHeaders | Response:
    """Return the answer that shows `found`, or 304 if the current request's If-None-Match names this version."""
    if names(request.headers.get("If-None-Match", ""), found.etag):
        unchanged = Response(status=304, headers={"ETag": found.etag})
        del unchanged.headers["Content-Type"]
        return unchanged
    return with_etag(found)
