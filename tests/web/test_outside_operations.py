"""Answers that belong to no operation."""

import pytest

from ostiary.features.accounts.service import Accounts
from tests.conftest import App, MakeApp


@pytest.mark.parametrize("path", ["/nowhere", "//login", "/login/", "/protected//", "/%ff", "/\x00", "/a" * 2000])
def test_unknown_addresses(sqlite_app: App, path: str) -> None:
    answer = sqlite_app.client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize(("path", "status"), [("/oauth/nowhere", 404), ("/oauth/introspect", 405)])
def test_under_oauth_they_are_json_with_the_members_of_oauth(sqlite_app: App, path: str, status: int) -> None:
    answer = sqlite_app.client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.json["error"] == "invalid_request"
    assert answer.json["error_description"] == answer.json["detail"]


@pytest.mark.parametrize(("path", "allowed"), [("/login", "OPTIONS, POST"), ("/protected", "GET, HEAD, OPTIONS")])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "LOGIN"])
def test_methods_that_are_not_allowed(sqlite_app: App, path: str, allowed: str, method: str) -> None:
    answer = sqlite_app.client.open(path, method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.json["code"] == "method_not_allowed"


def test_head_and_options(sqlite_app: App) -> None:
    head = sqlite_app.client.head("/healthz")
    assert (head.status_code, head.data) == (200, b"")
    options = sqlite_app.client.options("/login")
    assert (options.status_code, set(options.allow)) == (200, {"OPTIONS", "POST"})


def test_every_answer_forbids_guessing_and_keeping(sqlite_app: App) -> None:
    for path in ("/healthz", "/nowhere", "/protected"):
        answer = sqlite_app.client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_nobody_foresaw_is_a_problem_without_its_cause(make_app: MakeApp, sqlite_url: str, monkeypatch) -> None:
    app = make_app(sqlite_url, contract_checks="off")

    async def broken(*_args: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(app.services.get(Accounts), "register", broken)
    answer = app.client.post("/register", json={"username": "ada", "password": "correct horse battery"})
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert len(answer.json["request_id"]) == 36
    assert "secret detail" not in answer.text
