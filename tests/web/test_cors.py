"""Pages of other origins may call, if they are listed, and read every answer (Fetch standard, "HTTP CORS protocol")."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ostiary.app import create_asgi
from ostiary.core.hash_pool import HashPool
from ostiary.core.problems import OVERLOADED
from ostiary.web import cors
from ostiary.web.cors import EXPOSED_HEADERS, REQUEST_HEADERS
from ostiary.web.openapi import contract
from tests.conftest import App, MakeApp
from tests.support.asgi import scope_of
from tests.support.people import person
from tests.support.settings import settings_for

APP = "https://app.example"
LOCAL = "http://localhost:5173"
LISTED = f"{APP}, {LOCAL}"
JSON = "application/json"

UNLISTED = [
    "https://other.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example.evil.example",
    "https://sub.app.example",
    "https://APP.example",
    "https://app.example/",
    f"{APP}, {LOCAL}",
    f"{APP} {LOCAL}",
    "null",
    "*",
    "",
]
PUBLIC = ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"]


@pytest.fixture
def open_app(make_app: MakeApp, sqlite_url: str) -> App:
    return make_app(sqlite_url, cors_origins=LISTED)


def permissions(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def preflight(app: App, path: str, method: str = "POST", origin: str = APP) -> TestResponse:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return app.client.options(path, headers=asked)


CALLS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "success": ("GET", "/healthz", {}, 200),
    "malformed": ("POST", "/login", {"data": "{", "content_type": JSON}, 400),
    "no token": ("GET", "/protected", {}, 401),
    "bad token": ("GET", "/protected", {"headers": {"Authorization": "Bearer x.y.z"}}, 401),
    "unknown path": ("GET", "/nowhere", {}, 404),
    "other method": ("DELETE", "/login", {}, 405),
    "too large": ("POST", "/login", {"data": b" " * 65537, "content_type": JSON}, 413),
    "other media type": ("POST", "/login", {"data": "x", "content_type": "text/plain"}, 415),
    "invalid": ("POST", "/login", {"json": {}}, 422),
    "options that is no preflight": ("OPTIONS", "/login", {}, 200),
}


@pytest.mark.parametrize("origin", [APP, LOCAL])
@pytest.mark.parametrize("name", CALLS)
def test_a_listed_origin_may_read_every_answer(open_app: App, name: str, origin: str) -> None:
    method, path, request, status = CALLS[name]
    headers = {**request.get("headers", {}), "Origin": origin}
    answer = open_app.client.open(path, method=method, **{**request, "headers": headers})
    assert answer.status_code == status
    assert permissions(answer) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ", ".join(EXPOSED_HEADERS),
    }
    assert answer.headers.getlist("Vary") == ["Origin"]


def test_a_listed_origin_may_read_forbidden_and_failed_answers(
    make_app: MakeApp, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_app = make_app(sqlite_url, cors_origins=LISTED, contract_checks="off")  # 500 is not in the contract
    headers = {**person(open_app).bearer, "Origin": APP}
    forbidden = open_app.client.get("/protected/admin", headers=headers)
    assert (forbidden.status_code, forbidden.headers["Access-Control-Allow-Origin"]) == (403, APP)
    view = "protected.get_protected"
    monkeypatch.setitem(open_app.flask.view_functions, view, lambda: 1 / 0)
    open_app.flask.config["PROPAGATE_EXCEPTIONS"] = False
    failed = open_app.client.get("/protected", headers=headers)
    assert (failed.status_code, failed.headers["Access-Control-Allow-Origin"]) == (500, APP)


@pytest.mark.parametrize("origin", UNLISTED)
def test_an_origin_that_is_not_listed_gets_no_permission_and_the_same_answer(open_app: App, origin: str) -> None:
    for method, path, request, status in CALLS.values():
        headers = {**request.get("headers", {}), "Origin": origin}
        answer = open_app.client.open(path, method=method, **{**request, "headers": headers})
        without = open_app.client.open(path, method=method, **request)
        assert answer.status_code == status
        assert permissions(answer) == {}
        assert answer.data == without.data
        assert answer.headers.getlist("Vary") == without.headers.getlist("Vary") == ["Origin"]
    refused = preflight(open_app, "/login", origin=origin)
    assert (refused.status_code, permissions(refused)) == (200, {})


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/login", "POST"),
        ("/protected", "GET, HEAD"),
        ("/me", "DELETE, GET, HEAD, PATCH"),
        ("/users/0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44/roles", "PUT"),
        ("/nowhere", "DELETE, GET, HEAD, PATCH, POST, PUT"),
    ],
)
def test_a_preflight_is_answered_without_a_token(open_app: App, path: str, methods: str) -> None:
    answer = preflight(open_app, path, "GET")
    assert (answer.status_code, answer.data) == (204, b"")
    assert permissions(answer) == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
        "Access-Control-Max-Age": "600",
    }
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
def test_what_is_no_preflight_is_an_ordinary_options(open_app: App, missing: str) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    del asked[missing]
    answer = open_app.client.options("/login", headers=asked)
    assert answer.status_code == 200
    assert "Access-Control-Max-Age" not in answer.headers


def test_a_preflight_with_a_host_that_is_none_is_answered_too(open_app: App) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST", "Host": "a b/"}
    assert open_app.client.options("/login", headers=asked).status_code in (204, 400)


def test_a_preflight_does_not_let_the_request_of_anybody_pass_a_proxy_that_asks(open_app: App) -> None:
    """The answer 204 to the question of a proxy lets a request pass, and a preflight has no token."""
    for path in ("/authorize", "/authorize/some/path"):
        answer = preflight(open_app, path)
        assert (answer.status_code, answer.json["code"]) == (401, "authentication_required")
        assert "Access-Control-Allow-Methods" not in answer.headers


def test_vary_is_merged(open_app: App) -> None:
    answer = open_app.client.get("/docs", headers={"Origin": APP})
    assert answer.headers.getlist("Vary") == ["Accept-Encoding, Origin"]


@pytest.mark.parametrize(
    ("present", "merged"),
    [
        ([], ["Origin"]),
        (["Accept-Encoding"], ["Accept-Encoding, Origin"]),
        (["Accept-Encoding, origin"], ["Accept-Encoding, origin"]),
        (["Accept", "Cookie"], ["Accept, Cookie, Origin"]),
        (["*"], ["*"]),
    ],
)
def test_origin_is_added_to_vary_once(present: list[str], merged: list[str]) -> None:
    headers = [("Content-Type", JSON), *(("vary", value) for value in present)]
    cors._vary(headers)
    assert [value for name, value in headers if name.lower() == "vary"] == merged
    assert headers[0] == ("Content-Type", JSON)


@pytest.mark.parametrize("listed", ["", LISTED])
@pytest.mark.parametrize("origin", [APP, "https://other.example", "null"])
@pytest.mark.parametrize("path", PUBLIC)
def test_public_keys_and_metadata_are_open_to_every_origin(
    make_app: MakeApp, sqlite_url: str, path: str, origin: str, listed: str
) -> None:
    app = make_app(sqlite_url, cors_origins=listed)
    headers = {"Origin": origin}
    answer = app.client.get(path, headers=headers)
    unchanged = app.client.get(path, headers={**headers, "If-None-Match": answer.headers["ETag"]})
    assert (answer.status_code, unchanged.status_code) == (200, 304)
    for one in (answer, unchanged, app.client.get(path)):
        assert one.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert one.headers.getlist("Access-Control-Expose-Headers") == [", ".join(EXPOSED_HEADERS)]
        assert one.headers.getlist("Vary") == ["Accept-Encoding"]
    asked = preflight(app, path, "GET", origin)
    assert (asked.status_code, asked.data) == (204, b"")
    assert "Content-Type" not in asked.headers
    assert permissions(asked) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": ", ".join(REQUEST_HEADERS),
        "Access-Control-Max-Age": "600",
    }


def test_a_failure_to_answer_public_keys_can_be_read(make_app: MakeApp) -> None:
    app = make_app("sqlite+aiosqlite:////there/is/no/such/directory/ostiary.db")
    answer = app.client.get("/.well-known/jwks.json", headers={"Origin": APP})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (503, "*")


def test_nothing_is_permitted_by_default(sqlite_app: App) -> None:
    for method, path, request, status in CALLS.values():
        answer = sqlite_app.client.open(path, method=method, **request)
        assert (answer.status_code, permissions(answer)) == (status, {})
        assert "Vary" not in answer.headers
    assert permissions(preflight(sqlite_app, "/login")) == {}


def test_by_default_no_request_passes_through_this_module(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    before = app.flask.wsgi_app
    cors.install(app.flask, frozenset())
    assert app.flask.wsgi_app == before


def test_no_answer_permits_credentials(open_app: App, sqlite_app: App) -> None:
    for app in (open_app, sqlite_app):
        for answer in (preflight(app, "/login"), preflight(app, PUBLIC[0]), app.client.get(PUBLIC[0])):
            assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_headers_of_the_contract_are_those_that_pages_may_use(make_app: MakeApp, sqlite_url: str) -> None:
    """Each header of an answer that the contract describes can be read, and each header of a request can be sent."""
    app = make_app(sqlite_url, sandbox=True, workers=1)
    with app.flask.app_context():
        document = contract().document
    sent, read = {"Authorization", "Content-Type"}, set()
    for item in document["paths"].values():
        for method, operation in item.items():
            parameters = operation if method == "parameters" else operation.get("parameters", [])
            sent |= {one["name"] for one in parameters if one.get("in") == "header"}
            if method != "parameters":
                read |= {name for answer in operation["responses"].values() for name in answer.get("headers", {})}
    assert set(REQUEST_HEADERS) == sent
    for_others = {"Vary", "Content-Encoding", "X-Auth-Subject", "X-Auth-Roles", "X-Auth-Scopes"}  # caches and proxies
    assert set(EXPOSED_HEADERS) == read - for_others


def test_an_early_refusal_can_be_read(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HashPool, "refusal", lambda _: OVERLOADED())

    def refused(origin: str | None, **settings: str) -> dict[str, str]:
        app = create_asgi(settings_for(sqlite_url, tmp_path, **settings))
        answer = app.refuse_early(scope_of("/login", "POST", {} if origin is None else {"Origin": origin}))
        assert answer is not None
        assert answer.status == 503
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        assert len(headers) == len(answer.headers)
        return {name: value for name, value in headers.items() if name == "vary" or name.startswith("access-control-")}

    listed = {"cors_origins": LISTED}
    exposed = {"access-control-expose-headers": ", ".join(EXPOSED_HEADERS)}
    assert refused(LOCAL, **listed) == {"vary": "Origin", "access-control-allow-origin": LOCAL, **exposed}
    assert refused("https://other.example", **listed) == refused(None, **listed) == {"vary": "Origin"}
    assert refused(APP) == {}


def test_a_request_that_is_not_refused_early_is_not_touched(sqlite_url: str, tmp_path: Path) -> None:
    app = create_asgi(settings_for(sqlite_url, tmp_path, cors_origins=LISTED))
    assert app.refuse_early(scope_of("/login", "POST", {"Origin": APP})) is None
