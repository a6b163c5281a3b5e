"""No value at the edge of what a parameter or a member may be is answered with a failure of the server.

The values are tried on every parameter and every member of every body of the contract, on each kind of database. That
the answer is one that the operation documents is what contract_checks=raise sees to.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from werkzeug.test import TestResponse

from ostiary.features.admin.service import Administration
from ostiary.features.api_keys.service import ApiKeys
from ostiary.features.sessions.management import SessionManagement
from ostiary.web.pages import cursor_of
from tests.conftest import App
from tests.support.clients import new_client
from tests.support.people import Person, make_role, person
from tests.web.test_contract import DOCUMENT, OPERATIONS

pytestmark = pytest.mark.uncounted  # the same code again with other values

NUMBERS = [
    "-1",
    "0",
    "1e3",
    "0x10",
    " 5",
    "5 ",
    "+5",
    "५",
    "٣",
    "²",
    "1_0",
    "1.0",
    "007",
    "NaN",
    "Infinity",
    "true",
    "",
]
NUMBERS += [str(2**power) for power in (31, 32, 53, 63, 64, 128)] + [str(-(2**63) - 1), "9" * 400]
DATES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-23:59",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "99999999999-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00-99:99",
    "2026-01-01T00:00:00." + "9" * 100 + "Z",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "20260101T000000Z",
    "2026-W01-1T00:00:00Z",
    "२०२६-01-01T00:00:00Z",
    "2026-01-01t00:00:00z",
    "1",
]
TEXTS = [
    "\0",
    "a\0b",
    "\uffff",
    "\ufffd",
    "\U0010ffff",
    "\u202e",
    "\r\n",
    "'",
    "%",
    "_",
    "\\",
    "../x",
    "x" * 5000,
    "İß" * 60,
]
RAW = ["%ED%A0%80", "%C0%AF", "%FF", "%F4%90%80%80", "%", "%zz", "%00", "a%00b", "%EF%BF%BF", "%0A", "%e2%80%ae", "%25"]
ID = "0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44"
IDS = [ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}%00", f"%00{ID}", "%20" + ID, "0" * 36]


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


ORDERS = ["created_at", "-created_at", "username", "-username", "newest first"]
POSITIONS: list[Any] = [0, -1, 2**63 - 1, 2**63, 10**30, 1.5, 1e308, True, None, "", "a\0", "\ud800", "\uffff", [], {}]
CURSORS = [_cursor([order, position]) for order in ORDERS for position in POSITIONS]
CURSORS += [_cursor(value) for value in (None, [], {}, 1, "x", [[]], ["newest first"], ["newest first", 1, 2])]
CURSORS += [cursor_of((2**63 - 1,), "newest first"), cursor_of(("\U0010ffff" * 64,), "username"), "=", "AA==", "é"]


def queries() -> Iterator[tuple[str, str]]:
    """Each operation with a query, and a query that is at an edge in one parameter."""
    for name, (path, _, operation) in OPERATIONS.items():
        shared = DOCUMENT["paths"][path].get("parameters", [])
        parameters = [one["name"] for one in (*shared, *operation.get("parameters", [])) if one["in"] == "query"]
        for parameter in parameters:
            values = [*NUMBERS, *DATES, *TEXTS, *(CURSORS if parameter == "cursor" else CURSORS[:3])]
            written = [*map(quote, values), *RAW, *IDS, ""]
            yield from ((name, f"{parameter}={value}") for value in written)
            if parameter == "cursor":
                sorts = next(
                    (one["schema"].get("enum", []) for one in operation["parameters"] if one["name"] == "sort"), []
                )
                yield from ((name, f"sort={sort}&cursor={cursor}") for sort in sorts for cursor in CURSORS)


def paths() -> Iterator[tuple[str, str]]:
    """Each operation with a parameter in its path, and such a path."""
    values = [
        *RAW,
        *IDS,
        *(quote(text, safe="") for text in (*TEXTS, *NUMBERS)),
        "%2F",
        "%5C",
        ".",
        "..",
        ";",
        "x" * 2000,
    ]
    for name, (path, _, _) in OPERATIONS.items():
        if "{" in path:
            before, _, rest = path.partition("{")
            yield from ((name, before + value + rest.partition("}")[2]) for value in values)


LITERALS = [
    json.dumps(value)
    for value in (*TEXTS[:4], *TEXTS[-2:], *DATES[:2], None, True, [], {}, [[]], {"a": 1}, [None], ["\0"] * 3)
]
LITERALS += [
    *[one for one in NUMBERS if one not in {" 5", "५"}],
    "1e400",
    "-0",
    "1.5",
    "1e308",
    '"\\ud800"',
    "[1e400]",
    "9" * 255,
]


def bodies() -> Iterator[tuple[str, str]]:
    """Each operation with a JSON body, and a body that is at an edge in one member."""
    for name, (_, _, operation) in OPERATIONS.items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        properties = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]["properties"]
        good = {one: json.dumps(GOOD.get(one, schema.get("example"))) for one, schema in properties.items()}
        for member in properties:
            for literal in LITERALS:
                members = {**good, member: literal}
                yield name, "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"


GOOD = {
    "password": "no password of anybody",
    "current_password": "nor this",
    "permissions": [],
    "roles": [],
    "scopes": [],
}


def send(
    app: App, caller: Person, name: str, *, path: str = "", raw_query: str = "", body: str | None = None
) -> TestResponse:
    template, method, operation = OPERATIONS[name]
    sent = path or template.replace("{user_id}", ID).replace("{role_name}", "helpdesk")
    headers = {"If-Match": "*"}
    if operation["security"]:
        headers |= new_client(app) if operation["security"] == [{"clientAuth": []}] else caller.bearer
    environ = {
        "PATH_INFO": unquote_to_bytes(sent).decode("latin-1"),
        "REQUEST_URI": sent,
        "RAW_URI": sent,
        "QUERY_STRING": raw_query,
    }
    kwargs: dict[str, Any] = {} if body is None else {"data": body.encode(), "content_type": "application/json"}
    return app.client.open("/", method=method.upper(), headers=headers, environ_overrides=environ, **kwargs)


@pytest.fixture
def caller(app: App) -> Person:
    return person(app, "root", ("admin",))


def test_queries(app: App, caller: Person) -> None:
    seen = set()
    for name, raw in queries():
        if OPERATIONS[name][1] == "delete":  # would log the caller out where the value is one that fits
            assert name in ("endMySessions", "authorizeDelete")
        answer = send(app, caller, name, raw_query=raw)
        refused = {403} if name.startswith("authorize") else set()  # the query names a role that nobody has
        assert answer.status_code in {200, 204, 404, 422} | refused, (name, raw, answer.text)
        seen.add((name, answer.status_code))
    assert {("listUsers", 404), ("listAuditEvents", 422), ("listMyAuditEvents", 404)} <= seen


@pytest.mark.parametrize(
    "query",
    [
        "since=9999-12-31T23:59:59-23:59",
        "since=0001-01-01T00:00:00%2B23:59",
        "until=9999-12-31T23:59:59-23:59",
        "until=0001-01-01T00:00:00%2B23:59",
    ],
)
def test_a_moment_that_has_no_date_in_utc_is_refused(app: App, caller: Person, query: str) -> None:
    answer = send(app, caller, "listAuditEvents", raw_query=query)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_query")
    assert answer.json["errors"] == [{"parameter": query[:5], "detail": "Not a valid datetime."}]


def test_moments_of_rfc_3339_are_taken(app: App, caller: Person) -> None:
    for moment in (
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-01-01t00:00:00.5z",
        "2026-01-01T00:00:00-23:59",
    ):
        for name in ("since", "until"):
            assert send(app, caller, "listAuditEvents", raw_query=f"{name}={moment}").status_code == 200


def test_paths(app: App, caller: Person) -> None:
    make_role(app, "helpdesk")
    body = {"updateUser": "{}", "setUserRoles": '{"roles":[]}', "updateRole": "{}"}
    for name, path in paths():
        answer = send(app, caller, name, path=path, body=body.get(name))
        assert answer.status_code == 404, (name, path, answer.text)


def test_nul_in_the_id_of_a_session_is_not_found(app: App, caller: Person) -> None:
    for path in ("/me/sessions/%00", "/me/sessions/a%00b", "/me/sessions/a%01b", "/me/sessions/%EF%BF%BF"):
        answer = send(app, caller, "endMySession", path=path)
        assert answer.status_code == 404


def test_an_id_that_can_be_none_is_looked_up_nowhere(app: App, caller: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object) -> None:
        raise AssertionError("asked the database")

    for service, method in ((SessionManagement, "end_one"), (ApiKeys, "revoke"), (Administration, "get")):
        monkeypatch.setattr(app.services.get(service), method, never)
    for value in ("nonsense", ID[:-1], f"{ID}0", "%0A", f"{{{ID}}}", "x" * 1000):
        assert send(app, caller, "endMySession", path=f"/me/sessions/{value}").json["code"] == "session_not_found"
        assert send(app, caller, "revokeMyApiKey", path=f"/me/api-keys/{value}").json["code"] == "api_key_not_found"
        assert send(app, caller, "getUser", path=f"/users/{value}").json["code"] == "user_not_found"


def test_bodies(app: App, caller: Person) -> None:
    for name, body in bodies():
        answer = send(app, caller, name, body=body)
        assert answer.status_code < 500, (name, body[:300], answer.text)
