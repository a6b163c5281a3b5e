"""What a body or a query may hold is bounded before it costs time, and so is the list of what is wrong with it."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from benchmarks.bodies import SHAPES
from ostiary.core.problems import MALFORMED_JSON, MAX_ERROR_NAME, MAX_ERRORS, Problem
from ostiary.web.json_body import parse
from ostiary.web.json_shape import (
    MAX_DEPTH,
    MAX_ESCAPES,
    MAX_ITEMS,
    MAX_MEMBERS,
    MAX_NUMBER,
    MAX_VALUES,
    TooMuch,
    check,
)
from ostiary.web.query import MAX_QUERY
from ostiary.web.urlencoded import MAX_PARAMETERS
from tests.conftest import App
from tests.support.people import Person, person
from tests.web.test_contract import DOCUMENT

LARGEST_ANSWER = 16_384


def refusal(raw: bytes) -> str:
    with pytest.raises(Problem) as refused:
        parse(raw)
    assert refused.value.kind is MALFORMED_JSON
    return refused.value.detail


def members(count: int) -> bytes:
    return json.dumps({str(number): number for number in range(count)}).encode()


def items(count: int) -> bytes:
    return json.dumps([None] * count).encode()


@pytest.mark.parametrize(
    ("fits", "exceeds", "told"),
    [
        (members(MAX_MEMBERS), members(MAX_MEMBERS + 1), f"an object has more than {MAX_MEMBERS} members"),
        (items(MAX_ITEMS), items(MAX_ITEMS + 1), f"an array has more than {MAX_ITEMS} items"),
        (b"9" * MAX_NUMBER, b"9" * (MAX_NUMBER + 1), "a number too long"),
        (b"0." + b"9" * (MAX_NUMBER - 2), b"0." + b"9" * (MAX_NUMBER - 1), "a number too long"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels deep"),
        (b'"' + b"\\n" * MAX_ESCAPES + b'"', b'"' + b"\\n" * (MAX_ESCAPES + 1) + b'"', "escapes"),
        (b"[%b]" % b",".join([items(100)] * 2), b"[%b]" % b",".join([items(100)] * 6), f"{MAX_VALUES} values"),
    ],
)
def test_a_text_is_read_up_to_its_bounds(fits: bytes, exceeds: bytes, told: str) -> None:
    parse(fits)
    parse(b' {"a": ["{[,", ' + fits + b"]}") if b"[[" not in fits else None
    assert told in refusal(exceeds)


def test_no_body_of_the_contract_comes_near_the_bounds() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bodies = [schema for name, schema in schemas.items() if name.endswith(("Body", "Form"))]
    assert len(bodies) > 8
    assert max(len(schema["properties"]) for schema in bodies) * 2 < MAX_MEMBERS
    lists = [one for schema in bodies for one in schema["properties"].values() if one["type"] == "array"]
    assert max(one["maxItems"] for one in lists) < MAX_ITEMS


@pytest.mark.parametrize("within", ['"%b"', '{"%b": 1}', '["\\"", "%b"]'])
def test_what_stands_in_strings_does_not_count(within: str) -> None:
    parse(within.encode() % (b"[{,]}" * 1000))


@example('{"a":[]}]')
@given(st.text(st.sampled_from('[]{},:" \\a1'), max_size=40))
def test_the_look_at_the_shape_never_refuses_a_small_text(text: str) -> None:
    check(text.encode())


def test_it_ends_at_the_first_bound_that_is_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of such a text becomes an object of Python."""
    monkeypatch.setattr("ostiary.web.json_body._READER", None)
    for name in ("many members", "many numbers", "many arrays", "many objects", "deep and shallow", "escapes"):
        assert refusal(SHAPES[name])
        with pytest.raises(TooMuch):
            check(SHAPES[name])


def test_no_shape_of_a_body_gets_a_large_answer(sqlite_app: App) -> None:
    for name, body in SHAPES.items():
        answer = sqlite_app.client.post("/login", data=body, content_type="application/json")
        assert answer.status_code in (400, 401, 422), name
        assert len(answer.data) < LARGEST_ANSWER, name
        assert len(answer.json.get("errors", [])) <= MAX_ERRORS


def test_the_first_faults_are_listed_and_the_others_counted(sqlite_app: App) -> None:
    body = {f"{number:02}": 0 for number in range(60)}
    answer = sqlite_app.client.post("/login", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert len(answer.json["errors"]) == MAX_ERRORS
    assert answer.json["detail"].endswith(f"The first {MAX_ERRORS} are listed; there are 42 more.")

    few = sqlite_app.client.post("/login", json={"username": "ada"})
    assert few.json["detail"] == "Some members of the body do not match the schema."
    assert few.json["errors"] == [{"pointer": "/password", "detail": "Missing data for required field."}]


def test_8100_members_are_refused_without_naming_them(sqlite_app: App) -> None:
    body = b"{" + b",".join(b'"%03x":0' % number for number in range(7000)) + b"}"
    answer = sqlite_app.client.post("/login", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")
    assert len(answer.data) < 1000


@pytest.mark.parametrize("name", ["x" * 60_000, "~" * 60_000, "/" * 60_000, "é~" * 20_000, "x" * 255 + "~"])
def test_a_long_name_is_cut_to_a_pointer(sqlite_app: App, name: str) -> None:
    answer = sqlite_app.client.post("/login", data=json.dumps({name: 1}, ensure_ascii=False).encode(), headers=JSON)
    assert answer.status_code == 422
    (pointer,) = [one["pointer"] for one in answer.json["errors"] if one["detail"] == "Unknown field."]
    assert 250 <= len(pointer) <= MAX_ERROR_NAME
    assert ("/" + name.replace("~", "~0").replace("/", "~1")).startswith(pointer)
    assert not pointer.endswith("~")


JSON = {"Content-Type": "application/json"}


def test_wrong_items_are_bounded_as_well(sqlite_app: App) -> None:
    user = person(sqlite_app)
    answer = user.post("/me/api-keys", json={"name": "robot", "scopes": ["nonsense"] * 100})
    assert (answer.status_code, len(answer.json["errors"])) == (422, MAX_ERRORS)
    answer = user.post("/me/api-keys", json={"name": "robot", "scopes": ["nonsense"] * 101})
    assert (answer.status_code, len(answer.json["errors"])) == (422, MAX_ERRORS)
    answer = user.post("/me/api-keys", json={"name": "robot", "scopes": ["me:read"] * 1000})
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")


@pytest.fixture
def auditor(sqlite_app: App) -> Person:
    return person(sqlite_app, "root", ("admin",))


def query(auditor: Person, raw: str) -> TestResponse:
    environ = {"QUERY_STRING": raw}
    return auditor.app.client.get("/audit-events", headers=auditor.bearer, environ_overrides=environ)


def test_unknown_parameters_are_bounded(auditor: Person) -> None:
    answer = query(auditor, "&".join(f"{number}=x" for number in range(MAX_PARAMETERS)))
    assert (answer.status_code, len(answer.json["errors"])) == (422, MAX_ERRORS)
    assert "there are 44 more" in answer.json["detail"]
    answer = query(auditor, "x" * 5000 + "=1")
    assert answer.json["errors"] == [{"parameter": "x" * MAX_ERROR_NAME, "detail": "Unknown field."}]


@pytest.mark.parametrize(
    ("raw", "parameter", "told"),
    [
        ("&".join(["a=x"] * (MAX_PARAMETERS + 1)), "", "more than 64 parameters"),
        ("limit=" + "1" * MAX_QUERY, "", "more than 8192 bytes"),
        ("limit=%", "", "hexadecimal"),
        ("limit=%zz", "", "hexadecimal"),
        ("type=%ff", "", "UTF-8"),
        ("type=\xff", "", "UTF-8"),
        ("type=%ED%A0%80", "", "UTF-8"),
        ("type=%C0%AF", "", "UTF-8"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("limit=1&li%6Dit=1", "limit", "more than once"),
    ],
)
def test_a_query_has_one_reading(auditor: Person, raw: str, parameter: str, told: str) -> None:
    answer = query(auditor, raw)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_query")
    (error,) = answer.json["errors"]
    assert error["parameter"] == parameter
    assert told in error["detail"]


def test_every_list_of_faults_in_the_contract_is_bounded() -> None:
    def lists(value: Any) -> list[dict[str, Any]]:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = [value["errors"]] if isinstance(value, dict) and isinstance(value.get("errors"), dict) else []
        return found + [one for part in inner for one in lists(part)]

    found = lists(DOCUMENT["components"]["schemas"])
    assert len(found) >= 2
    assert {one["maxItems"] for one in found} == {MAX_ERRORS}
