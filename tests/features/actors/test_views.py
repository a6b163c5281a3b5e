"""Who writes on behalf of somebody names them, and cannot do without."""

from inspect import unwrap

import pytest

from ostiary.features.sessions.management import SessionManagement
from ostiary.features.sessions.service import Sessions
from ostiary.persistence.transaction import Transaction
from ostiary.web import guards
from tests.conftest import App
from tests.support.people import person

WRITING = {"POST", "PUT", "PATCH", "DELETE"}


def test_every_guarded_view_that_writes_takes_the_actor(sqlite_app: App) -> None:
    """`principal()` is what the guard saw, before the request waited."""
    flask = sqlite_app.flask
    names = {
        rule.endpoint: unwrap(flask.view_functions[rule.endpoint]).__code__.co_names
        for rule in flask.url_map.iter_rules()
        if WRITING & (rule.methods or set()) and not rule.rule.startswith("/authorize")  # which only answers
    }
    guarded = {endpoint for endpoint, used in names.items() if {"actor", "principal"} & set(used)}
    assert len(guarded) >= 17
    assert [endpoint for endpoint in guarded if "principal" in names[endpoint]] == []


def test_a_view_that_writes_on_behalf_of_nobody_fails_its_tests(
    sqlite_app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = sqlite_app.services.database
    ada = person(sqlite_app)

    async def forgetful(*_: object) -> None:
        async def nothing(_tx: Transaction) -> None:
            return None

        await database.write(nothing)

    monkeypatch.setattr(sqlite_app.services.get(SessionManagement), "log_out", forgetful)
    assert ada.post("/logout").status_code != 200
    assert "forgetful" in capsys.readouterr().out


def test_the_actor_is_who_the_guard_let_in(sqlite_app: App) -> None:
    ada = person(sqlite_app)
    seen = sqlite_app.run(sqlite_app.services.get(Sessions).authenticate, ada.tokens["access_token"])
    with sqlite_app.flask.test_request_context("/logout", method="POST", headers=ada.bearer):
        taken = guards.requires(session=True)(guards.actor)()
    assert taken.seen == seen
