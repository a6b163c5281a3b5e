"""GET /me/audit-events and GET /audit-events."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ostiary.core.events import EVENT_TYPES
from ostiary.web import pages as pages_module
from tests.conftest import App
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, Person, log_in, person
from tests.web.test_contract import DOCUMENT


def events(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["events"]
    return found


def types(answer: TestResponse) -> list[str]:
    return [event["type"] for event in events(answer)]


def pages(someone: Person, path: str, limit: int) -> list[list[str]]:
    """The ids of all events, by page."""
    found, cursor = [], ""
    while True:
        answer = someone.get(f"{path}?limit={limit}{cursor}")
        found.append([event["id"] for event in events(answer)])
        if answer.json["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer.json['next_cursor']}"


def test_people_see_what_happened_to_their_own_account(app: App) -> None:
    ada, grace = person(app, "ada"), person(app, "grace")
    app.client.post("/login", json={"username": "ada", "password": "a wrong one"})
    answer = ada.get("/me/audit-events")
    assert types(answer) == ["session.refused", "session.started", "user.registered"]
    newest = events(answer)[0]
    assert (newest["outcome"], newest["details"]) == ("failure", {"reason": "wrong_password"})
    assert newest["user_id"] == ada.get("/me").json["id"]
    assert newest["occurred_at"] == "2026-11-23T12:00:00+00:00"
    assert types(grace.get("/me/audit-events")) == ["session.started", "user.registered"]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_pages_hold_each_event_once_the_newest_first(app: App, limit: int) -> None:
    admin = person(app, "boss", ("admin",))
    for name in ("ada", "grace"):
        person(app, name)
    (whole,) = pages(admin, "/audit-events", 100)
    assert len(whole) == 7  # two for each, and the first key
    found = pages(admin, "/audit-events", limit)
    assert [one for page in found for one in page] == whole
    assert {len(page) for page in found[:-1]} <= {limit}


def test_events_that_come_meanwhile_move_nothing(app: App) -> None:
    admin = person(app, "boss", ("admin",))
    person(app, "ada")
    first = admin.get("/audit-events?limit=2")
    log_in(app, "ada")
    rest = admin.get(f"/audit-events?cursor={first.json['next_cursor']}")
    before = ["session.started", "user.registered", "signing_key.added", "session.started", "user.registered"]
    assert types(first) + types(rest) == before


def test_administrators_filter(app: App, clock: FakeClock) -> None:
    admin = person(app, "boss", ("admin",))
    ada = person(app, "ada")
    user_id = ada.get("/me").json["id"]
    clock.move(10)
    app.client.post("/login", json={"username": "ada", "password": "a wrong one"})
    assert types(admin.get("/audit-events?outcome=failure")) == ["session.refused"]
    assert types(admin.get("/audit-events?type=session.started")) == ["session.started"] * 2
    mine = ["session.refused", "session.started", "user.registered"]
    assert types(admin.get(f"/audit-events?user_id={user_id}")) == mine
    assert types(admin.get("/audit-events?since=2026-11-23T12:00:10Z")) == ["session.refused"]
    assert len(types(admin.get("/audit-events?until=2026-11-23T12:00:10Z"))) == 5
    assert types(admin.get(f"/audit-events?user_id={user_id}&outcome=success&limit=1")) == ["session.started"]


def test_events_stay_when_the_user_is_gone(app: App) -> None:
    admin, ada = person(app, "boss", ("admin",)), person(app, "ada")
    user_id = ada.get("/me").json["id"]
    app.client.delete("/me", headers=ada.bearer)
    left = admin.get(f"/audit-events?user_id={user_id}")
    assert {"user.registered", "user.deleted"} <= set(types(left))
    assert '"ada"' not in left.text


def test_others_may_not(app: App) -> None:
    answer = person(app).get("/audit-events")
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1_0", "limit"),
        ("limit=+1", "limit"),
        ("limit=x", "limit"),
        ("cursor=", "cursor"),
        ("type=nonsense", "type"),
        ("user_id=nonsense", "user_id"),
        ("outcome=maybe", "outcome"),
        ("since=yesterday", "since"),
        ("until=2026-11-23T12:00:00", "until"),
        ("nonsense=1", "nonsense"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_name(app: App, query: str, parameter: str) -> None:
    answer = person(app, "boss", ("admin",)).get(f"/audit-events?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_query")
    assert [fault["parameter"] for fault in answer.json["errors"]] == [parameter]


def test_a_cursor_of_elsewhere_is_refused(app: App) -> None:
    admin = person(app, "admin", ("admin",))
    for cursor in ("nonsense", "8000000000000000", pages_module.cursor_of((1,), "another order")):
        answer = admin.get(f"/audit-events?cursor={cursor}")
        assert (answer.status_code, answer.json["code"]) == (404, "page_not_found")


def test_the_contract_lists_the_types() -> None:
    listed = DOCUMENT["components"]["schemas"]["AuditEvent"]["properties"]["type"]
    assert listed["enum"] == sorted(EVENT_TYPES)
    for kind in EVENT_TYPES.values():
        assert kind.description in listed["description"]
