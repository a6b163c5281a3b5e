"""Who may call."""

import pytest
from flask import Flask

from ostiary.web.guards import UnguardedView, check, public
from tests.conftest import App
from tests.support.people import person


@pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Bearer", "bearer", "Token x"])
def test_without_a_bearer_token_authentication_is_required(app: App, header: str | None) -> None:
    answer = app.client.get("/protected", headers={} if header is None else {"Authorization": header})
    expected = "invalid_token" if header in ("Bearer", "bearer") else "authentication_required"
    assert (answer.status_code, answer.json["code"]) == (401, expected)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="ostiary"')


def test_the_scheme_is_the_same_in_any_case(app: App) -> None:
    token = person(app).tokens["access_token"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert app.client.get("/protected", headers={"Authorization": f"{scheme} {token}"}).status_code == 200


@pytest.mark.parametrize(
    "mangle",
    [
        lambda token: token[:-2],
        lambda token: token + "A",
        lambda token: token.replace(".", ""),
        lambda token: f"{token} {token}",
        lambda token: token.swapcase(),
        lambda _: "é" * 50,
        lambda _: "A" * 100_000,
        lambda _: "..",
    ],
)
def test_a_mangled_token_is_refused(app: App, mangle) -> None:
    token = mangle(person(app).tokens["access_token"])
    answer = app.client.get("/protected", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")


def test_authentication_comes_before_anything_else_is_looked_at(app: App) -> None:
    assert app.client.post("/logout", data=b"\xff" * 100_000, content_type="x").status_code == 401


def test_an_application_with_an_unguarded_view_does_not_start() -> None:
    app = Flask("unguarded", static_folder=None)

    @app.get("/open")
    @public
    def open_view() -> str:
        return ""

    check(app)

    @app.get("/forgotten")
    def forgotten() -> str:
        return ""

    with pytest.raises(UnguardedView, match="forgotten"):
        check(app)
