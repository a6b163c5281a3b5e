"""An answer that is not as the contract says is noticed."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response
from structlog.testing import capture_logs

from ostiary.web.conformance import ContractMismatch
from tests.conftest import App, MakeApp

BREAKS: dict[str, tuple[Callable[[], object], str]] = {
    "undocumented status": (lambda: Response('{"status":"ok"}', 218, content_type="application/json"), "status 218"),
    "missing member": (dict, "status"),
    "undocumented member": (lambda: {"status": "ok", "password_hash": "$argon2id$…"}, "password_hash"),
    "wrong value": (lambda: {"status": "fine"}, "fine"),
    "wrong type of content": (lambda: Response("ok", content_type="text/plain"), "content type 'text/plain'"),
    "wrong value, compressed": (
        lambda: Response(
            gzip.compress(b'{"status":"fine"}'),
            content_type="application/json",
            headers={"Content-Encoding": "gzip"},
        ),
        "fine",
    ),
    "no type of content": (lambda: Response("ok", headers={"Content-Type": ""}), "content type ''"),
}


@pytest.fixture(params=BREAKS)
def broken(request: pytest.FixtureRequest) -> tuple[Callable[[], object], str]:
    return BREAKS[request.param]


def break_health(app: App, answer: Callable[[], object]) -> None:
    app.flask.view_functions["operations.get_health"] = answer  # type: ignore[assignment]


def test_it_fails_the_request_in_tests(sqlite_app: App, broken: tuple[Callable[[], object], str]) -> None:
    answer, told = broken
    break_health(sqlite_app, answer)
    sqlite_app.flask.testing = True
    with pytest.raises(ContractMismatch, match=told):
        sqlite_app.client.get("/healthz")


def test_it_is_logged_in_development(
    make_app: MakeApp, sqlite_url: str, broken: tuple[Callable[[], object], str]
) -> None:
    answer, told = broken
    app = make_app(sqlite_url, contract_checks="auto")
    break_health(app, answer)
    with capture_logs() as logs:
        app.client.get("/healthz")
    (line,) = logs
    assert (line["log_level"], told in line["event"]) == ("error", True)


def test_a_missing_header_is_noticed(sqlite_app: App) -> None:
    sqlite_app.flask.testing = True
    body = sqlite_app.client.get("/protected").data
    sqlite_app.flask.view_functions["protected.get_protected"] = lambda: Response(
        body, 401, content_type="application/problem+json"
    )
    with pytest.raises(ContractMismatch, match="WWW-Authenticate is missing"):
        sqlite_app.client.get("/protected")


@pytest.mark.parametrize("answer", [{"response": b"a body"}, {"content_type": "text/plain"}])
def test_a_body_where_the_contract_has_none_is_noticed(sqlite_app: App, answer: dict[str, Any]) -> None:
    sqlite_app.flask.testing = True
    headers = {"ETag": '"x"', "Vary": "Accept-Encoding"}
    broken = Response(status=304, headers=headers, **{"content_type": "", **answer})
    sqlite_app.flask.view_functions["operations.get_docs"] = lambda: broken
    with pytest.raises(ContractMismatch, match="a body is not declared for status 304"):
        sqlite_app.client.get("/docs")


def test_a_route_that_the_contract_lacks_is_noticed(sqlite_app: App) -> None:
    sqlite_app.flask.testing = True
    sqlite_app.flask.add_url_rule("/secret", "secret", lambda: {"a": 1})
    with pytest.raises(ContractMismatch, match="GET /secret is not in the contract"):
        sqlite_app.client.get("/secret")


def test_an_odd_answer_outside_the_operations_is_noticed(sqlite_app: App) -> None:
    sqlite_app.flask.testing = True
    sqlite_app.flask.before_request_funcs.setdefault(None, []).append(lambda: Response("teapot", 418))
    with pytest.raises(ContractMismatch, match="418"):
        sqlite_app.client.get("/nowhere")


def test_in_production_nothing_is_compared(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url, contract_checks="auto", profile="production", issuer="https://auth.example.org")
    break_health(app, dict)
    assert app.client.get("/healthz").json == {}
