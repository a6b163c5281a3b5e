"""GET /me."""

from sqlalchemy import delete
from werkzeug.test import TestResponse

from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.service import Accounts
from ostiary.persistence.transaction import Transaction
from tests.conftest import App
from tests.support.people import PASSWORD, Person, log_in, person


def test_it_tells_who_calls(app: App) -> None:
    ada = person(app, "Ada", roles=("editor", "admin"))
    answer = ada.get("/me")
    assert answer.status_code == 200
    assert (answer.json["username"], answer.json["roles"]) == ("Ada", ["admin", "editor"])


def test_two_users_see_themselves(app: App) -> None:
    ada, grace = person(app, "ada"), person(app, "grace")
    assert (ada.get("/me").json["username"], grace.get("/me").json["username"]) == ("ada", "grace")


def test_a_user_who_is_gone_is_refused(app: App) -> None:
    ada = person(app)

    async def forget(tx: Transaction) -> None:
        await tx.session.execute(delete(UserRow))

    app.run(app.services.database.write, forget)
    assert ada.get("/me").json["code"] == "invalid_token"


def test_a_user_who_goes_meanwhile_is_refused(app: App, monkeypatch) -> None:
    ada = person(app)

    async def nobody(_user_id: str) -> None:
        return None

    monkeypatch.setattr(app.services.get(Accounts), "get", nobody)
    assert ada.get("/me").json["code"] == "invalid_token"


def rename(someone: Person, name: str, etag: str | None = None) -> TestResponse:
    headers = someone.bearer if etag is None else {**someone.bearer, "If-Match": etag}
    return someone.app.client.patch("/me", headers=headers, json={"username": name})


def test_a_user_takes_another_name(app: App) -> None:
    ada = person(app)
    before = ada.get("/me")
    renamed = rename(ada, "Lovelace")
    assert renamed.json == before.json | {"username": "Lovelace"}
    assert renamed.headers["ETag"] != before.headers["ETag"]
    assert log_in(app, "lovelace").get("/me").json == ada.get("/me").json == renamed.json
    assert app.client.post("/login", json={"username": "ada", "password": PASSWORD}).status_code == 401
    assert rename(ada, "LOVELACE").json["username"] == "LOVELACE"


def test_a_name_that_is_taken_is_refused(app: App) -> None:
    ada, _ = person(app, "ada"), person(app, "grace")
    refused = rename(ada, "GRACE")
    assert (refused.status_code, refused.json["code"]) == (409, "username_taken")


def test_if_match_is_heeded_where_it_is_sent(app: App) -> None:
    ada = person(app)
    first = ada.get("/me").headers["ETag"]
    assert rename(ada, "lovelace", first).status_code == 200
    stale = rename(ada, "countess", first)
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    empty = app.client.patch("/me", headers={**ada.bearer, "If-Match": ""}, json={"username": "countess"})
    assert empty.status_code == 412  # it names no version, which is not the same as asking for none
    assert rename(ada, "countess", "*").status_code == 200


def test_who_changes_nothing_gets_the_same_version(app: App) -> None:
    ada = person(app)
    etag = ada.get("/me").headers["ETag"]
    assert app.client.patch("/me", headers=ada.bearer, json={}).headers["ETag"] == etag
    assert rename(ada, "ada").headers["ETag"] == etag


def test_only_the_name_can_be_changed(app: App) -> None:
    ada = person(app)
    for member in ("email", "roles", "disabled", "id", "version"):
        refused = app.client.patch("/me", headers=ada.bearer, json={member: None})
        assert refused.json["errors"][0]["pointer"] == f"/{member}"
