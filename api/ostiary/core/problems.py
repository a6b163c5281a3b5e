"""Problems (RFC 9457): the errors that Ostiary returns, each with a stable code.

A `ProblemType` is declared once, beside the feature that raises it, and is public API: its code never changes meaning.
To return a problem, raise `SOME_TYPE()` anywhere below the web layer. One handler turns it into
`application/problem+json`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.core.scopes import MAX_ROLE_NAME, MAX_ROLES, MAX_SCOPE_NAME, MAX_SCOPES

MAX_CODE_LENGTH = 64
"""Maximum length of a problem's code."""
MAX_URI = 2048
"""Maximum length of a problem's type."""
MAX_TITLE = 128
"""Maximum length of a problem's title."""
MAX_DETAIL = 1024
"""Maximum length of a problem's detail; longer texts are truncated."""
MAX_REMEDY = 1024
"""Maximum length of a problem's remedy."""
MAX_ACR = 64
"""Maximum length of an `acr`."""
MAX_ACRS = 8
"""Maximum number of accepted `acr` values."""
MAX_REQUEST_ID = 64
"""Maximum length of the id of a request."""
MAX_ERRORS = 20
"""Maximum number of entries in the list of errors of a body or a query."""
MAX_ERROR_NAME = 256
"""Maximum length of a pointer or a parameter's name in such an entry."""
MAX_ERROR_TEXT = 512
"""Maximum length of the text of such an entry."""

CATALOGUE: dict[str, "ProblemType"] = {}
"""Every declared problem type by its code."""


@dataclass(frozen=True)
class ProblemType:
    """One kind of error.

    code: stable, snake_case, fit for a `switch` in a client.
    status: the HTTP status in 400..599.
    title: what happened, the same words each time.
    detail: the default sentence for one occurrence.
    remedy: what the caller can do about it; shown by `GET /problems/{code}`.
    challenge: the parameters of a `WWW-Authenticate: Bearer` answer (RFC 6750 section 3), on 401 and some 403.
    retry_after: seconds for the `Retry-After` header (RFC 9110 section 10.2.3), where trying again helps.
    members: extension members as JSON Schema properties, all of them required.
    example: example values of those members.
    """

    code: str
    status: int
    title: str
    detail: str
    remedy: str
    challenge: str | None = None
    retry_after: int | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add the type to the catalogue. Each code can be declared only once."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.code) or len(self.code) > MAX_CODE_LENGTH:
            raise ValueError(f"{self.code!r} is not a snake_case code")
        if len(self.title) > MAX_TITLE or len(self.detail) > MAX_DETAIL or len(self.remedy) > MAX_REMEDY:
            raise ValueError(f"a text of {self.code!r} is too long")
        if CATALOGUE.setdefault(self.code, self) != self:
            raise ValueError(f"the problem code {self.code!r} is declared twice")

    def __call__(
        self, detail: str | None = None, *, challenge: str | None = None, retry_after: int | None = None, **members: Any
    ) -> "Problem":
        """Create an occurrence: `raise USERNAME_TAKEN()`.

        detail: replaces the default sentence. challenge, retry_after: replace the type's own. members: the extension
        members. Raises TypeError when the members are not exactly the declared ones.
        """
        if members.keys() != self.members.keys():
            raise TypeError(f"{self.code} takes the members {sorted(self.members)}, not {sorted(members)}")
        return Problem(self, detail or self.detail, challenge or self.challenge, members, retry_after)

    @property
    def uri(self) -> str:
        """The problem type's URI reference, which resolves to its description."""
        return f"/problems/{self.code}"

    @property
    def schema_name(self) -> str:
        """The name of its schema in the contract, such as `UsernameTakenProblem`."""
        return "".join(part.capitalize() for part in self.code.split("_")) + "Problem"


class Problem(Exception):
    """One occurrence of a problem type, to be returned to the client."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        challenge: str | None = None,
        members: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{kind.code}: {detail}")
        self.kind = kind
        self.detail = detail[:MAX_DETAIL]
        self.challenge = challenge
        self.members = dict(members or {})
        self.retry_after = kind.retry_after if retry_after is None else retry_after

    def body(self, prefix: str = "") -> dict[str, Any]:
        """Return the members of the problem document (RFC 9457 section 3.1).

        prefix: the path under which clients reach the service, before the path in `type`.
        """
        return {
            "type": prefix + self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            **self.members,
        }

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer: WWW-Authenticate, Retry-After."""
        headers = {}
        if self.challenge:
            headers["WWW-Authenticate"] = self.challenge
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return headers


BEARER = 'Bearer realm="ostiary"'

MALFORMED_JSON = ProblemType(
    code="malformed_json",
    status=400,
    title="The body is not well-formed JSON",
    detail="The body is not well-formed JSON.",
    remedy=(
        "Send one JSON value in UTF-8, without duplicate members, lone surrogates or NaN. The limits are "
        "32 levels, 64 members in an object, 128 items in an array, 512 values in total, and 256 "
        "characters in a number."
    ),
)
BAD_REQUEST = ProblemType(
    code="bad_request",
    status=400,
    title="The request could not be understood",
    detail="The request could not be understood.",
    remedy="Compare the request with the contract at /openapi.json.",
)
AUTHENTICATION_REQUIRED = ProblemType(
    code="authentication_required",
    status=401,
    title="Authentication is required",
    detail="Send an access token: Authorization: Bearer <access token>.",
    remedy="Log in (POST /login) and send the access token in the Authorization header.",
    challenge=BEARER,
)
INVALID_TOKEN = ProblemType(
    code="invalid_token",
    status=401,
    title="The access token is not valid",
    detail="The access token is malformed, expired or revoked.",
    remedy="Get a new one with the refresh token (POST /refresh), or log in again (POST /login).",
    challenge=f'{BEARER}, error="invalid_token", error_description="The access token is malformed, expired or revoked"',
)
INSUFFICIENT_USER_AUTHENTICATION = ProblemType(
    code="insufficient_user_authentication",
    status=401,
    title="The login is too old or too weak",
    detail="This operation needs a more recent or a stronger login than the credential has.",
    remedy=(
        "Authenticate again (POST /me/reauthenticate or POST /login) and send the new access token within"
        " max_age seconds. API keys are never accepted."
    ),
    challenge=f'{BEARER}, error="insufficient_user_authentication", acr_values="aal1", max_age="600"',
    members={
        "acr_values": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ACR},
            "minItems": 1,
            "maxItems": MAX_ACRS,
            "description": "The accepted `acr` values. The access token must have one of them (RFC 9470 section 3).",
        },
        "max_age": {
            "type": "integer",
            "minimum": 0,
            "description": "The maximum age of the login, in seconds (RFC 9470 section 3).",
        },
    },
    example={"acr_values": ["aal1"], "max_age": 600},
)
INSUFFICIENT_ROLE = ProblemType(
    code="insufficient_role",
    status=403,
    title="The account does not have a required role",
    detail="This operation needs a role that the account does not have.",
    remedy=(
        "Ask an administrator for the role. Then refresh (POST /refresh) or log in again to get an access"
        " token with it."
    ),
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "required_roles": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ROLE_NAME},
            "maxItems": MAX_ROLES,
            "description": "The accepted roles. One of them is required.",
        },
        "held_roles": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ROLE_NAME},
            "maxItems": MAX_ROLES,
            "description": "The roles of the access token.",
        },
    },
    example={"required_roles": ["admin"], "held_roles": []},
)
INSUFFICIENT_SCOPE = ProblemType(
    code="insufficient_scope",
    status=403,
    title="The access token or API key does not have a required scope",
    detail="This operation needs a scope that the access token or API key does not have.",
    remedy=(
        "Use an access token or API key with the scope. Scopes for more than your own account come with "
        "roles. After you get a role, refresh (POST /refresh)."
    ),
    challenge=f'{BEARER}, error="insufficient_scope"',
    members={
        "required_scopes": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "minItems": 1,
            "maxItems": MAX_SCOPES,
            "description": "The required scopes.",
        },
        "held_scopes": {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_SCOPE_NAME},
            "maxItems": MAX_SCOPES,
            "description": "The scopes of the access token or API key.",
        },
    },
    example={"required_scopes": ["users:read"], "held_scopes": ["me:read", "me:write"]},
)
NOT_FOUND = ProblemType(
    code="not_found",
    status=404,
    title="Not found",
    detail="Nothing was found at this address.",
    remedy="Compare the path with the contract at /openapi.json.",
)
METHOD_NOT_ALLOWED = ProblemType(
    code="method_not_allowed",
    status=405,
    title="The method is not allowed here",
    detail="This address does not support the method. The Allow header lists the supported methods.",
    remedy="Use a method from the Allow header.",
)
BODY_TOO_LARGE = ProblemType(
    code="body_too_large",
    status=413,
    title="The body is too large",
    detail="The body is larger than this server accepts.",
    remedy="Send a smaller body. The operator sets the limit with OSTIARY_MAX_BODY_BYTES.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    code="unsupported_media_type",
    status=415,
    title="The content type is not supported",
    detail="The content type of the body is not the one in the contract, or the body has a content coding.",
    remedy=(
        "Set Content-Type to the one in the contract, usually application/json. Send the body in UTF-8, "
        "without compression."
    ),
)
VALIDATION_FAILED = ProblemType(
    code="validation_failed",
    status=422,
    title="The body does not match its schema",
    detail="Some members of the body do not match the schema.",
    remedy="Correct each member in errors. The pointer is a JSON Pointer (RFC 6901) into the body.",
    members={
        "errors": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ERRORS,
            "description": "The first errors. If there are more, the problem's own `detail` says so.",
            "items": {
                "type": "object",
                "title": "InvalidMember",
                "description": "An error in a member of the body.",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "maxLength": MAX_ERROR_NAME,
                        "description": "JSON Pointer (RFC 6901), truncated if long. Empty: the whole body.",
                        "example": "/username",
                    },
                    "detail": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_ERROR_TEXT,
                        "description": "What is wrong.",
                        "example": "Missing data for required field.",
                    },
                },
            },
        }
    },
    example={"errors": [{"pointer": "/username", "detail": "Missing data for required field."}]},
)
INVALID_QUERY = ProblemType(
    code="invalid_query",
    status=422,
    title="The query does not match its schema",
    detail="Some parameters of the query do not match the schema.",
    remedy="Correct each parameter in errors.",
    members={
        "errors": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ERRORS,
            "description": "The first errors. If there are more, the problem's own `detail` says so.",
            "items": {
                "type": "object",
                "title": "InvalidParameter",
                "description": "An error in a parameter of the query.",
                "required": ["parameter", "detail"],
                "properties": {
                    "parameter": {
                        "type": "string",
                        "maxLength": MAX_ERROR_NAME,
                        "description": "The parameter, truncated if long. Empty: the whole query.",
                        "example": "limit",
                    },
                    "detail": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_ERROR_TEXT,
                        "description": "What is wrong.",
                        "example": "Not a valid integer.",
                    },
                },
            },
        }
    },
    example={"errors": [{"parameter": "limit", "detail": "Not a valid integer."}]},
)
RATE_LIMITED = ProblemType(
    code="rate_limited",
    status=429,
    title="Too many requests",
    detail="Too many requests in a short time.",
    remedy="Try again after the number of seconds in Retry-After. Nothing was changed.",
    retry_after=30,
)
HEADERS_TOO_LARGE = ProblemType(
    code="headers_too_large",
    status=431,
    title="The header fields are too large",
    detail="The request line and header fields are larger than this server accepts.",
    remedy="Send at most 64 KiB in the request line and header fields.",
)
TARGET_TOO_LONG = ProblemType(
    code="target_too_long",
    status=414,
    title="The address is too long",
    detail="The path and query are longer than this server accepts.",
    remedy="Send at most 16 KiB of path and query, and at most 1,024 percent-encoded bytes in the path.",
)
REQUEST_TIMEOUT = ProblemType(
    code="request_timeout",
    status=408,
    title="The request did not arrive in time",
    detail="The server did not receive the complete request in time.",
    remedy="Send the request again, without pauses. Nothing was changed.",
)
TRANSFER_CODING_NOT_IMPLEMENTED = ProblemType(
    code="transfer_coding_not_implemented",
    status=501,
    title="The transfer coding is not implemented",
    detail="This server supports only the transfer coding chunked.",
    remedy="Send the body with Content-Length, or with only Transfer-Encoding: chunked.",
)
HTTP_VERSION_NOT_SUPPORTED = ProblemType(
    code="http_version_not_supported",
    status=505,
    title="The HTTP version is not supported",
    detail="This server speaks HTTP/1.1 and HTTP/1.0.",
    remedy="Send the request as HTTP/1.1.",
)
SERVICE_STOPPING = ProblemType(
    code="service_stopping",
    status=503,
    title="The server is stopping",
    detail="The server is stopping and could not finish the request in time.",
    remedy="Send the request again after the number of seconds in Retry-After.",
    retry_after=1,
)
TOO_MANY_CONNECTIONS = ProblemType(
    code="too_many_connections",
    status=503,
    title="Too many connections are open",
    detail="Too many connections are open at the moment.",
    remedy="Try again after the number of seconds in Retry-After. Reuse connections.",
    retry_after=1,
)
SERVICE_FAILED = ProblemType(
    code="service_failed",
    status=500,
    title="The request could not be answered",
    detail="The request could not be answered. The cause has been logged.",
    remedy="Try again later.",
)
INTERNAL_ERROR = ProblemType(
    code="internal_error",
    status=500,
    title="Something went wrong on our side",
    detail="Something went wrong on our side. The error has been logged.",
    remedy="Try again later. If you report the error, include the request_id: it is in the server's log.",
    members={
        "request_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_REQUEST_ID,
            "description": "The id of this request in the server's log.",
        }
    },
    example={"request_id": "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"},
)
DATABASE_UNAVAILABLE = ProblemType(
    code="database_unavailable",
    status=503,
    title="The database cannot be reached",
    detail="The database cannot be reached at the moment.",
    remedy="Try again after the number of seconds in Retry-After. Nothing was changed.",
    retry_after=2,
)
OVERLOADED = ProblemType(
    code="overloaded",
    status=503,
    title="Too many passwords are waiting to be checked",
    detail="Too many passwords are waiting to be checked at the moment.",
    remedy="Try again after the number of seconds in Retry-After. Nothing was changed.",
    retry_after=1,
)
