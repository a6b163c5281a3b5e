"""The format of problems: RFC 9457, and under /oauth also RFC 6749, for OAuth clients."""

import re
from collections.abc import Mapping
from typing import Any

from ostiary.core.problems import MAX_DETAIL, MAX_TITLE, MAX_URI, Problem, ProblemType

OAUTH_PATHS = "/oauth/"
"""The prefix of the paths of the OAuth operations."""
MAX_DESCRIPTION = 512
"""Maximum length of `error_description`."""

_OAUTH_CODES = {"invalid_client", "invalid_request", "unauthorized_client", "unsupported_token_type"}
"""The problem codes of RFC 6749 section 5.2 and RFC 7009 section 2.2.1. They occur only under /oauth."""
_NOT_IN_DESCRIPTIONS = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ProblemFormat:
    """Problems as `application/problem+json` (RFC 9457)."""

    media_type = "application/problem+json"

    def body(self, problem: Problem, prefix: str = "") -> dict[str, Any]:
        """Return the members of the answer for `problem`; prefix: see `Problem.body`."""
        return problem.body(prefix)


class OAuthFormat(ProblemFormat):
    """Problems as `application/json` with the members `error` and `error_description` (RFC 6749 section 5.2).

    RFC 7009 section 2.2.1 and RFC 7662 section 2.3 take the same form. The members of the problem stay.
    """

    media_type = "application/json"

    def body(self, problem: Problem, prefix: str = "") -> dict[str, Any]:
        """Return the members of the answer for `problem`, with those of OAuth at the end."""
        description = _NOT_IN_DESCRIPTIONS.sub("?", problem.detail)[:MAX_DESCRIPTION]
        return {**problem.body(prefix), "error": oauth_error(problem.kind), "error_description": description}


PROBLEM_JSON = ProblemFormat()
OAUTH_JSON = OAuthFormat()


def oauth_error(kind: ProblemType) -> str:
    """Return the OAuth error code of a problem type.

    Problem types that OAuth does not define get `temporarily_unavailable` (429, 503), `server_error` (other 5xx) or
    `invalid_request`, as at its other endpoints (RFC 6749 sections 4.1.2.1 and 5.2).
    """
    if kind.code in _OAUTH_CODES:
        return kind.code
    if kind.status in (429, 503):
        return "temporarily_unavailable"
    return "server_error" if kind.status >= 500 else "invalid_request"


def format_of(path: str) -> ProblemFormat:
    """Return the format of problems for requests to `path`."""
    return OAUTH_JSON if path.startswith(OAUTH_PATHS) else PROBLEM_JSON


def documented_problems(status: str | int, response: Mapping[str, Any]) -> list[str]:
    """Return the codes of the problems that a response in the contract documents; none for a success."""
    if int(status) < 400:
        return []
    return [code for content in response.get("content", {}).values() for code in content.get("examples", {})]


def problem_schema(kind: ProblemType, *, is_under_oauth: bool) -> dict[str, Any]:
    """Return the schema of a problem type (RFC 9457 section 3.1), with an example for each member.

    is_under_oauth: whether operations under /oauth return it. Then the schema has OAuth's members. They are required if
    no other operation returns the problem, and otherwise optional, so that each code has one schema.
    """
    text = {"type": "string", "minLength": 1}
    uri = {**text, "maxLength": MAX_URI, "format": "uri-reference"}
    properties: dict[str, dict[str, Any]] = {
        "type": {**uri, "description": "The address of the description of this problem type."},
        "title": {
            **text,
            "maxLength": MAX_TITLE,
            "description": "What happened. The text is the same for each occurrence.",
        },
        "status": {"type": "integer", "const": kind.status, "description": "The HTTP status."},
        "detail": {**text, "maxLength": MAX_DETAIL, "description": "What happened this time."},
        "code": {"type": "string", "const": kind.code, "description": "The stable code of the problem type."},
        **kind.members,
    }
    required = list(properties)
    form = PROBLEM_JSON
    if is_under_oauth:
        form = OAUTH_JSON
        where = "" if kind.code in _OAUTH_CODES else " Only under /oauth."
        properties |= {
            "error": {
                "type": "string",
                "const": oauth_error(kind),
                "description": f"The error code of OAuth (RFC 6749 section 5.2).{where}",
            },
            "error_description": {
                **text,
                "maxLength": MAX_DESCRIPTION,
                "description": f"What happened this time, in ASCII (RFC 6749 section 5.2).{where}",
            },
        }
        if kind.code in _OAUTH_CODES:
            required = list(properties)
    example = form.body(kind(**kind.example))
    return {
        "type": "object",
        "title": kind.schema_name,
        "description": kind.title + ".",
        "required": required,
        "properties": {name: {**schema, "example": example[name]} for name, schema in properties.items()},
    }
