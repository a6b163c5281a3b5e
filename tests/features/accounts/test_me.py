"""GET /me."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from api.features.accounts.models import UserRow
from tests.conftest import App
from tests.support.people import person


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

    async def forget(session: AsyncSession) -> None:
        await session.execute(delete(UserRow))

    app.run(app.services.database.write, forget)
    assert ada.get("/me").json["code"] == "invalid_token"


def test_a_user_who_goes_meanwhile_is_refused(app: App, monkeypatch) -> None:
    ada = person(app)

    async def nobody(_user_id: str) -> None:
        return None

    monkeypatch.setattr(app.services.accounts, "get", nobody)
    assert ada.get("/me").json["code"] == "invalid_token"
