"""What the product makes of paths and addresses, under WSGI and under ASGI."""

import asyncio
from itertools import product
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from ostiary.server.asgi import AsgiApp
from tests.conftest import App, MakeApp
from tests.support.asgi import scope_of
from tests.support.people import PASSWORD, register
from tests.web.test_contract import OPERATIONS
from tests.web.test_every_answer import PATHS

TARGETS = [
    (method.upper(), path.format(**PATHS.get(name, {}))) for name, (path, method, _) in sorted(OPERATIONS.items())
]
CHANGES = [
    "/{}",
    "//{}",
    "/%2F{}",
    "/%5C{}",
    "/.{}",
    "/%2e{}",
    "{}/",
    "{}/.",
    "{}//",
    "{};x=y",
    "{}%2F",
    "{}%00",
    "{}%5C",
]
CHANGES += ["{}\\", "\\{}", "/..{}", "/x/..{}", "{}/..", "{}%20", "{}%09", "{}."]
AS_IDS = {"{};x=y", "{}%20", "{}%09", "{}.", "{}%00", "{}%5C", "{}\\"}


def by_wsgi(app: App, method: str, target: str) -> int:
    environ = create_environ("/", method=method)
    path = target.partition("?")[0]
    environ |= {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "REQUEST_URI": target, "RAW_URI": target}
    return int(run_wsgi_app(app.flask, environ)[1][:3])


def by_asgi(app: App, method: str, target: str) -> int:
    return asyncio.run(_by_asgi(app, method, target))


async def _by_asgi(app: App, method: str, target: str) -> int:
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {**scope_of("/", method), "raw_path": target.encode("latin-1"), "path": target}
    await AsgiApp(app.flask, max_body=65536)(scope, receive, send)
    return status


@pytest.mark.parametrize("by", [by_wsgi, by_asgi])
def test_what_resembles_the_path_of_an_operation_is_not_found(sqlite_app: App, by: Any) -> None:
    for (method, path), change in product(TARGETS, CHANGES):
        target = change.format(path)
        if unquote(target).startswith("/authorize/"):
            continue  # every path below it is the same operation
        status = by(sqlite_app, method, target)
        # Some of these are ids, of which nothing is said to anybody who is not logged in.
        is_id = change in AS_IDS and path.count("/") > 1
        assert status == 404 or (is_id and status == 401), (method, target)


@pytest.mark.parametrize("by", [by_wsgi, by_asgi])
def test_an_encoded_slash_in_an_id_leads_to_no_other_operation(sqlite_app: App, by: Any) -> None:
    assert by(sqlite_app, "GET", "/me%2Fsessions") == 404
    assert by(sqlite_app, "DELETE", "/users/x%2Fsessions") == 404
    assert by(sqlite_app, "PUT", "/users%2fx/roles") == 404
    assert by(sqlite_app, "GET", "/problems/..%2Fhealthz") == 404
    assert by(sqlite_app, "GET", "/%68ealthz") == 200  # the same path by RFC 3986 section 6.2.2.2


KNOWN = {path for _, path in TARGETS}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@example("/", "/healthz")
@given(
    st.text(st.sampled_from("/.%2Ff5Cc;\\\0 x")),
    st.sampled_from(["/healthz", "/openapi.json", "/.well-known/jwks.json", "/docs"]),
)
def test_only_the_documented_path_reaches_an_operation(sqlite_app: App, prefix: str, path: str) -> None:
    target = prefix + path
    sent = "/" + target.lstrip() if not target.startswith("/") else target
    decoded = unquote_to_bytes(sent).decode("latin-1")
    reached = by_wsgi(sqlite_app, "GET", sent) != 404
    assert reached == (decoded in KNOWN and "%2f" not in sent.lower())


def test_a_forwarded_address_stands_in_the_list_of_sessions_and_in_the_audit_trail(
    make_app: MakeApp, sqlite_url: str
) -> None:
    app = make_app(sqlite_url, trusted_proxies="10.0.0.0/8")
    register(app)

    def log_in(peer: str, forwarded_for: str) -> str:
        answer = app.client.post(
            "/login",
            json={"username": "ada", "password": PASSWORD},
            headers={"X-Forwarded-For": forwarded_for},
            environ_overrides={"REMOTE_ADDR": peer},
        )
        bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
        sessions = app.client.get("/me/sessions", headers=bearer).json["sessions"]
        events = app.client.get("/me/audit-events", headers=bearer, query_string={"limit": "1"}).json["events"]
        (current,) = [session["ip"] for session in sessions if session["current"]]
        assert events[0]["ip"] == current
        return str(current)

    assert log_in("10.0.0.1", "203.0.113.7") == "203.0.113.7"
    assert log_in("10.0.0.1", "::ffff:203.0.113.7") == "203.0.113.7"
    assert log_in("10.0.0.1", "junk") == "10.0.0.1"
    assert log_in("10.0.0.1", "evil<script>" * 200) == "10.0.0.1"
    assert log_in("192.0.2.1", "203.0.113.7") == "192.0.2.1"
    assert log_in("::ffff:192.0.2.1", "203.0.113.7") == "192.0.2.1"
    assert log_in("", "203.0.113.7") == ""
