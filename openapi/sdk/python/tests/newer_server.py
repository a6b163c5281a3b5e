"""A server that is newer than the SDK: what it adds is borne, what it breaks is told."""

import json

import httpx
from ostiary_client import (
    InvalidCredentials,
    Ostiary,
    OstiaryError,
    OtherProblem,
    Overloaded,
    ProblemError,
    UnexpectedAnswer,
)

PROBLEM = {"type": "/problems/x", "title": "Title", "status": 401, "detail": "Detail."}
PAIR = {
    "access_token": "a",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": "r",
    "refresh_token_expires_in": 1,
    "session_id": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
}


def answering(status: int, body: object, **headers: str) -> Ostiary:
    """Return a client of a server that answers everything with this."""
    content = body if isinstance(body, str) else json.dumps(body)
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=content, headers=headers))
    return Ostiary("https://auth.example.org/", http=httpx.Client(transport=transport))


def error(status: int, body: object, **headers: str) -> OstiaryError:
    """Return what logging in raises at such an answer."""
    try:
        answering(status, body, **headers).auth.login(username="user1", password="password123")
    except OstiaryError as raised:
        return raised
    raise AssertionError("the call was not refused")


pair = answering(200, {**PAIR, "token_type": "DPoP", "device": {"id": 1}}).auth.login(username="u", password="p")
assert pair.access_token == "a"
assert str(pair.token_type) == "DPoP"
assert pair.additional_properties == {"device": {"id": 1}}

known = error(401, {**PROBLEM, "code": "invalid_credentials", "tries_left": 2})
assert isinstance(known, InvalidCredentials)
assert known.problem.additional_properties == {"tries_left": 2}

unknown = error(401, {**PROBLEM, "code": "moon_phase", "phase": "new"})
assert type(unknown) is ProblemError
assert isinstance(unknown.problem, OtherProblem)
assert (unknown.code, unknown.status, unknown.problem.members) == ("moon_phase", 401, {"phase": "new"})

# A code that is known, in a shape that is not.
reshaped = error(422, {**PROBLEM, "code": "validation_failed", "errors": "many"})
assert type(reshaped) is ProblemError
assert reshaped.code == "validation_failed"

# A code of another operation.
elsewhere = error(418, {**PROBLEM, "code": "overloaded", "status": 418}, **{"Retry-After": "7"})
assert isinstance(elsewhere, Overloaded)
assert elsewhere.retry_after == 7

for status, body in [
    (502, "<html>Bad Gateway</html>"),
    (500, "null"),
    (500, '{"code": 1}'),
    (500, {"code": "invalid_token"}),
    (200, "not JSON"),
    (200, {"access_token": "a"}),
    (200, "[]"),
    (207, PAIR),
]:
    unexpected = error(status, body)
    assert isinstance(unexpected, UnexpectedAnswer), (status, body, unexpected)
    assert unexpected.response.status_code == status

print("borne")
