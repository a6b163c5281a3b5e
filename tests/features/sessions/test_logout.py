"""POST /logout."""

from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import log_in, person, register


def test_the_access_token_is_refused_at_once_everywhere(app: App) -> None:
    ada = person(app)
    assert ada.post("/logout").status_code == 200
    for path in ("/protected", "/protected/admin", "/me"):
        assert ada.get(path).json["code"] == "invalid_token"
    assert ada.post("/logout").json["code"] == "invalid_token"


def test_other_sessions_stay(app: App) -> None:
    register(app)
    here, there = log_in(app), log_in(app)
    here.post("/logout")
    assert there.get("/protected").status_code == 200


def test_it_is_remembered_by_another_application_on_the_same_database(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    assert other.client.get("/protected", headers=ada.bearer).status_code == 200
    ada.post("/logout")
    assert other.client.get("/protected", headers=ada.bearer).status_code == 401


def test_an_access_token_ends_by_itself(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(899)
    assert ada.get("/protected").status_code == 200
    clock.move(1)
    refused = ada.get("/protected")
    assert refused.json["code"] == "invalid_token"
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
