"""DELETE /me."""

import pytest
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select

from ostiary.features.accounts.models import UserRow
from ostiary.features.roles.models import UserRoleRow
from ostiary.features.sessions.models import RefreshTokenRow, SessionRow
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, Person, log_in, person, refresh


def delete(someone: Person) -> int:
    return someone.app.client.delete("/me", headers=someone.bearer).status_code


def rows(app: App) -> dict[str, int]:
    async def count() -> dict[str, int]:
        async with app.services.database.read() as session:
            return {
                table.__tablename__: await session.scalar(select(func.count()).select_from(table))
                for table in (UserRow, UserRoleRow, SessionRow, RefreshTokenRow)
            }

    return app.run(count)


def test_the_account_and_all_that_belongs_to_it_are_gone(app: App) -> None:
    ada = person(app, "ada", roles=("editor",))
    log_in(app, "ada")
    assert delete(ada) == 204
    assert set(rows(app).values()) == {0}


def test_others_stay(app: App) -> None:
    ada, grace = person(app, "ada"), person(app, "grace")
    delete(ada)
    assert grace.get("/me").json["username"] == "grace"
    assert refresh(app, grace.tokens["refresh_token"]).status_code == 200


def test_every_token_is_refused_at_once_everywhere(make_app: MakeApp, database_url: str) -> None:
    one, other = make_app(database_url), make_app(database_url)
    ada = person(one)
    elsewhere = Person(other, "ada", log_in(other).tokens)
    assert elsewhere.get("/protected").status_code == 200
    delete(ada)
    for someone in (ada, elsewhere):
        assert someone.get("/protected").json["code"] == "invalid_token"
        assert refresh(someone.app, someone.tokens["refresh_token"]).json["code"] == "invalid_refresh_token"
    assert one.client.post("/login", json={"username": "ada", "password": PASSWORD}).status_code == 401


def test_the_name_is_free_again_and_the_new_account_another(app: App) -> None:
    ada = person(app)
    before = ada.get("/me").json["id"]
    delete(ada)
    again = person(app)
    assert again.get("/me").json["id"] != before
    assert ada.get("/protected").status_code == 401


def test_a_log_in_of_long_ago_is_not_enough(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(601)
    answer = app.client.delete("/me", headers=ada.bearer)
    assert (answer.status_code, answer.json["code"], answer.json["max_age"]) == (
        401,
        "insufficient_user_authentication",
        600,
    )
    assert (
        'error="insufficient_user_authentication", acr_values="aal1", max_age="600"'
        in answer.headers["WWW-Authenticate"]
    )
    assert ada.get("/me").status_code == 200


def test_refreshing_does_not_make_a_log_in_recent(app: App, clock: FakeClock) -> None:
    ada = person(app)
    clock.move(601)
    renewed = Person(app, "ada", refresh(app, ada.tokens["refresh_token"]).json)
    assert delete(renewed) == 401
    clock.move(60)
    assert delete(log_in(app)) == 204


@pytest.mark.parametrize("seconds", [0, 599, 600])
def test_a_recent_log_in_is_enough(app: App, clock: FakeClock, seconds: int) -> None:
    ada = person(app)
    clock.move(seconds)
    assert delete(ada) == 204


def test_a_user_whose_row_is_gone_can_neither_delete_nor_change_the_account(app: App) -> None:
    """As when somebody deletes it by SQL: nothing was revoked."""
    ada = person(app)

    async def remove(tx: Transaction) -> None:
        await tx.session.execute(sql_delete(UserRow).where(UserRow.username == "ada"))

    app.run(app.services.database.write, remove)
    assert delete(ada) == 401
    assert app.client.patch("/me", headers=ada.bearer, json={"username": "grace"}).json["code"] == "invalid_token"
