"""POST /register."""

from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from ostiary.features.accounts.models import UserRow
from tests.conftest import App, MakeApp
from tests.support.people import PASSWORD, log_in, person


def register(app: App, username: str, password: str = PASSWORD):
    return app.client.post("/register", json={"username": username, "password": password})


def test_the_answer_has_the_user_and_no_password(app: App) -> None:
    answer = register(app, "Ada")
    assert answer.status_code == 201
    assert answer.json["user"] == {
        "id": answer.json["user"]["id"],
        "username": "Ada",
        "roles": [],
        "email": None,
        "disabled": False,
        "created_at": "2026-11-23T12:00:00+00:00",
    }
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("same", ["ada", "ADA", "aDa", "\uff21da"])
def test_names_that_differ_in_case_or_width_are_the_same(app: App, same: str) -> None:
    assert register(app, "Ada").status_code == 201
    assert register(app, same).json["code"] == "username_taken"


@pytest.mark.parametrize("name", ["abc", "a" * 64, "user@example.org", "Jörg", "日本語", " Ελένη\u00a0"])
def test_good_names_are_accepted_and_log_in(app: App, name: str) -> None:
    assert register(app, name).status_code == 201
    log_in(app, name)


@pytest.mark.parametrize("name", ["ab", "a" * 65, "a b", "abc\x00", "a\nbc", "a\u200bbc", "a\u202ebc", ""])
def test_bad_names_are_refused_by_name(app: App, name: str) -> None:
    answer = register(app, name)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json["errors"]} == {"/username"}


@pytest.mark.parametrize("password", ["12345678", "  spaces  ", "\0" * 8, "\U0001f600" * 8, "p" * 1024, "\n\t\r\v1234"])
def test_passwords_of_any_kind_are_kept_exactly(app: App, password: str) -> None:
    assert register(app, "ada", password).status_code == 201

    def status(tried: str) -> int:
        return app.client.post("/login", json={"username": "ada", "password": tried}).status_code

    assert status(password) == 200
    assert status(password.strip() or "x") == (200 if password.strip() == password else 401)
    assert status(password[:-1]) == 401


@pytest.mark.parametrize("password", ["1234567", "p" * 1025])
def test_passwords_too_short_or_too_long_are_refused(app: App, password: str) -> None:
    answer = register(app, "ada", password)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/password")


def test_every_wrong_member_is_named_at_once(app: App) -> None:
    answer = app.client.post("/register", json={"username": 7, "pasword": "x", "a/b~c": 1})
    assert {fault["pointer"] for fault in answer.json["errors"]} == {"/username", "/password", "/pasword", "/a~1b~0c"}


def test_only_the_hash_is_stored(sqlite_app: App) -> None:
    register(sqlite_app, "ada")

    async def stored() -> UserRow:
        async with sqlite_app.services.database.read() as session:
            return (await session.scalars(select(UserRow))).one()

    row = sqlite_app.run(stored)
    assert row.password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert PASSWORD not in str(vars(row))


def test_a_common_password_is_accepted_with_a_warning_in_development(sqlite_app: App) -> None:
    with capture_logs() as logs:
        assert register(sqlite_app, "ada", "password123").status_code == 201
    (warning,) = logs
    assert warning["log_level"] == "warning"
    assert "common password" in warning["event"]
    assert "password123" not in str(warning)


def test_a_common_password_is_refused_in_production(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url, profile="production", issuer="https://auth.example.org")
    assert register(app, "ada", "Password123").json["code"] == "password_too_common"
    assert register(app, "ada", "a less common one").status_code == 201


@pytest.mark.parametrize(
    "password", ["longusername126d6", "ostiary1", "example2026", "aaaaaaaa", "abcdefgh", " password123"]
)
def test_a_password_that_follows_from_a_name_or_a_rule_is_refused_in_production(
    make_app: MakeApp, sqlite_url: str, password: str
) -> None:
    app = make_app(sqlite_url, profile="production", issuer="https://auth.example.org")
    assert register(app, "longusername126d6", password).json["code"] == "password_too_common"
    assert register(app, "somebody", "correct horse battery").status_code == 201


def test_a_new_password_that_follows_from_the_name_is_refused_in_production(make_app: MakeApp, sqlite_url: str) -> None:
    ada = person(make_app(sqlite_url, profile="production", issuer="https://auth.example.org"), "ada")

    def change(password: str) -> Any:
        body = {"current_password": PASSWORD, "new_password": password}
        return ada.app.client.post("/me/password", headers=ada.bearer, json=body)

    assert change("Ada.Ada.1815").json["code"] == "password_too_common"
    assert change("seldom-used-Passphrase-kestrel").status_code == 200
