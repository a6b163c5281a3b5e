"""The longest lifetimes that the settings take: dates that everything can hold, on both databases."""

from ostiary.settings import MAX_LIFETIME_SECONDS
from tests.conftest import MakeApp
from tests.support.people import person, refresh

FOR_EVER = ["session_seconds", "refresh_token_idle_seconds", "fresh_login_seconds"]


def test_for_ever_is_no_fault(make_app: MakeApp, database_url: str) -> None:
    app = make_app(
        database_url,
        **dict.fromkeys(FOR_EVER, MAX_LIFETIME_SECONDS),
        access_token_seconds=86400,
        idempotency_seconds=30 * 86400,
    )
    ada = person(app)
    assert ada.get("/me").status_code == 200
    assert ada.get("/me/sessions").status_code == 200
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200
    body = {"username": "grace", "password": "correct horse battery"}
    assert app.client.post("/register", json=body, headers={"Idempotency-Key": "one"}).status_code == 201
    assert ada.post("/logout").status_code == 200
