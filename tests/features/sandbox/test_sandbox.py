"""The sandbox: reset, clock, forced errors; absent unless it is on."""

import json

import pytest
from openapi_spec_validator import validate

from ostiary.features.examples.service import Examples
from ostiary.features.sandbox.service import FARTHEST, MAX_ADVANCE_SECONDS, Sandbox
from tests.conftest import App, MakeApp
from tests.support.people import PASSWORD, log_in, person, refresh, register
from tests.web.test_contract import DOCUMENT, OPERATIONS

JSON = {"content_type": "application/json"}


@pytest.fixture
def sandbox(make_app: MakeApp, database_url: str) -> App:
    return make_app(database_url, sandbox=True)


def contract(app: App) -> dict:
    return json.loads(app.client.get("/openapi.json").data)


def force(app: App, code: str, **more: int) -> None:
    assert app.client.post("/sandbox/next-error", json={"code": code, **more}).status_code == 204


def move(app: App, seconds: int) -> None:
    assert app.client.post("/sandbox/clock", json={"advance_seconds": seconds}).status_code == 200


def test_it_is_absent_unless_it_is_on(sqlite_app: App) -> None:
    for path in ("/sandbox/reset", "/sandbox/clock", "/sandbox/next-error"):
        assert sqlite_app.client.post(path, json={}).status_code == 404
    assert not [path for path in DOCUMENT["paths"] if "sandbox" in path]
    assert "429" not in {status for _, _, operation in OPERATIONS.values() for status in operation["responses"]}


def test_its_contract_is_the_contract_and_a_little_more(sandbox: App) -> None:
    found = contract(sandbox)
    validate(found)
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                more = dict(found["paths"][path][method]["responses"])
                assert more.pop("429")["headers"].keys() == {"Retry-After"}
                assert {**found["paths"][path][method], "responses": more} == operation
    assert {path for path in found["paths"] if path not in DOCUMENT["paths"]} == {
        "/sandbox/reset",
        "/sandbox/clock",
        "/sandbox/next-error",
    }
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert found["components"]["schemas"][name] == schema


def test_a_reset_forgets_everybody_and_puts_the_clock_right(sandbox: App) -> None:
    ada = person(sandbox, "ada")
    move(sandbox, 60)
    force(sandbox, "overloaded", times=5)
    assert sandbox.client.post("/sandbox/reset").status_code == 204
    assert ada.get("/protected").json["code"] == "invalid_token"
    assert refresh(sandbox, ada.tokens["refresh_token"]).status_code == 401
    assert sandbox.client.post("/login", json={"username": "ada", "password": PASSWORD}).status_code == 401
    assert sandbox.services.get(Sandbox).move_clock(1).ahead_seconds == 1


def test_a_reset_brings_back_the_example_administrator_of_a_server_that_had_one(sandbox: App) -> None:
    name, password = sandbox.services.get(Examples).administrator.credentials
    body = {"username": name, "password": password}
    sandbox.client.post("/sandbox/reset")
    assert sandbox.client.post("/login", json=body).status_code == 401
    sandbox.run(sandbox.services.get(Examples).administrator.settle)
    sandbox.client.post("/sandbox/reset")
    assert sandbox.client.post("/login", json=body).status_code == 200


def test_a_reset_keeps_the_signing_keys(sandbox: App) -> None:
    before = sandbox.client.get("/.well-known/jwks.json").json
    sandbox.client.post("/sandbox/reset")
    assert sandbox.client.get("/.well-known/jwks.json").json == before
    assert person(sandbox).get("/protected").status_code == 200


def test_an_access_token_expires_when_the_clock_is_moved(sandbox: App) -> None:
    ada = person(sandbox)
    move(sandbox, 899)
    assert ada.get("/protected").status_code == 200
    move(sandbox, 1)
    assert ada.get("/protected").json["code"] == "invalid_token"
    assert refresh(sandbox, ada.tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_and_a_session_expire(sandbox: App) -> None:
    ada = person(sandbox)
    move(sandbox, 14 * 86400)
    assert refresh(sandbox, ada.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"
    assert log_in(sandbox).get("/protected").status_code == 200


def test_the_clock_tells_how_far_it_is_ahead(sandbox: App) -> None:
    move(sandbox, 100)
    answer = sandbox.client.post("/sandbox/clock", json={"advance_seconds": 20})
    assert answer.json == {"now": "2026-11-23T12:02:00+00:00", "ahead_seconds": 120}


def test_the_clock_does_not_leave_the_calendar(sandbox: App) -> None:
    for _ in range(FARTHEST // MAX_ADVANCE_SECONDS):
        move(sandbox, MAX_ADVANCE_SECONDS)
    refused = sandbox.client.post("/sandbox/clock", json={"advance_seconds": 1})
    assert (refused.status_code, refused.json["code"]) == (409, "clock_too_far_ahead")
    assert person(sandbox).get("/protected").status_code == 200


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", None, True, [], MAX_ADVANCE_SECONDS + 1, 10**30, 1e300])
def test_the_clock_moves_ahead_by_whole_seconds(sandbox: App, seconds: object) -> None:
    assert sandbox.client.post("/sandbox/clock", json={"advance_seconds": seconds}).status_code == 422


def test_a_forced_error_comes_once_and_has_no_effect(sandbox: App) -> None:
    force(sandbox, "overloaded")
    body = {"username": "ada", "password": PASSWORD}
    answer = sandbox.client.post("/register", json=body)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "overloaded", "1")
    assert sandbox.client.post("/register", json=body).status_code == 201


def test_a_forced_error_comes_as_often_as_asked(sandbox: App) -> None:
    force(sandbox, "rate_limited", times=3)
    answers = [sandbox.client.get("/healthz") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert answers[0].headers["Retry-After"] == "30"


def test_it_waits_for_an_operation_that_documents_it(sandbox: App) -> None:
    register(sandbox)
    force(sandbox, "invalid_refresh_token")
    ada = log_in(sandbox)
    assert ada.get("/protected").status_code == 200
    assert refresh(sandbox, ada.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"
    assert refresh(sandbox, ada.tokens["refresh_token"]).status_code == 200


def test_the_last_error_asked_for_counts(sandbox: App) -> None:
    force(sandbox, "rate_limited", times=100)
    force(sandbox, "database_unavailable")
    assert sandbox.client.get("/healthz").status_code == 200
    assert sandbox.client.get("/readyz").json["code"] == "database_unavailable"


def test_its_own_operations_are_never_forced_to_fail(sandbox: App) -> None:
    force(sandbox, "database_unavailable")
    assert sandbox.client.post("/sandbox/reset").status_code == 204
    assert sandbox.client.get("/readyz").status_code == 200


def test_every_code_that_it_lists_can_be_forced(sandbox: App) -> None:
    found = contract(sandbox)
    codes = found["components"]["schemas"]["ForcedError"]["properties"]["code"]["enum"]
    assert {"rate_limited", "invalid_token", "username_taken", "overloaded"} <= set(codes)
    for code in codes:
        force(sandbox, code)
        path, method = next(
            (path, method)
            for path, item in found["paths"].items()
            for method, operation in item.items()
            if method != "parameters" and f'"{code}"' in json.dumps(operation["responses"])
        )
        answer = sandbox.client.open(path.replace("{", "").replace("}", ""), method=method.upper())
        assert answer.json["code"] == code


@pytest.mark.parametrize("body", [{"code": "nonsense"}, {"code": "internal_error"}, {"code": "clock_too_far_ahead"}])
def test_what_no_operation_documents_cannot_be_forced(sandbox: App, body: dict) -> None:
    answer = sandbox.client.post("/sandbox/next-error", json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/code")


def test_a_whole_number_may_have_a_point(sandbox: App) -> None:
    """JSON Schema takes 60.0 for an integer (section 4.2.3 of its core), and so must what keeps the contract."""
    answer = sandbox.client.post("/sandbox/clock", data='{"advance_seconds": 60.0}', **JSON)
    assert (answer.status_code, answer.json["ahead_seconds"]) == (200, 60)


@pytest.mark.parametrize("times", [0, 101, "1", None])
def test_it_is_forced_a_sensible_number_of_times(sandbox: App, times: object) -> None:
    answer = sandbox.client.post("/sandbox/next-error", json={"code": "overloaded", "times": times})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/times")


def test_an_address_outside_the_contract_is_not_found_whatever_is_forced(sandbox: App) -> None:
    force(sandbox, "not_found")
    assert sandbox.client.get("/nothing").status_code == 404
    assert sandbox.client.get("/problems/invalid_token").status_code == 404  # the forced one
    assert sandbox.client.get("/problems/invalid_token").status_code == 200
