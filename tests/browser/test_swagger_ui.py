"""Swagger UI in a real browser, from a server that is alone with it."""

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Serve
from tests.support.browser import VARIABLE, SwaggerUi, is_expected
from tests.support.settings import SECRET

if not is_expected():
    pytest.skip(f"browser: there is no Chromium here; {VARIABLE} may name one", allow_module_level=True)

pytestmark = pytest.mark.uncounted  # the server is a process of its own

SCREENSHOT = Path(__file__).parents[2] / "docs" / "swagger-ui.png"

PROTECTED = "GET /protected"


def test_a_round_by_hand_with_the_network_closed(serve: Serve, page: Page) -> None:
    ui = SwaggerUi(page, serve().url)
    assert ui.execute("POST /register").status == 201
    logged_in = ui.execute("POST /login")
    assert logged_in.status == 200
    token = logged_in.json["access_token"]
    ui.authorize(token)

    ui.toggle(PROTECTED)
    reached = ui.press_execute(PROTECTED)
    assert (reached.status, reached.json) == (200, {"message": "This is a protected route!"})
    assert f"Bearer {token}" in ui.curl(PROTECTED)
    leave_screenshot(ui)

    assert ui.execute("POST /logout").status == 200
    refused = ui.press_execute(PROTECTED)
    assert (refused.status, refused.json["code"]) == (401, "invalid_token")
    assert f"Bearer {token}" in ui.curl(PROTECTED)
    assert ui.watch.faults(refused=["/protected"]) == []
    assert len(ui.watch.faults()) == 1


def leave_screenshot(ui: SwaggerUi) -> None:
    """For README, once: whoever deletes it gets a new one."""
    if SCREENSHOT.exists():
        return
    ui.page.mouse.move(0, 0)
    ui.page.evaluate("document.documentElement.style.zoom = 0.72")  # or the answer would not fit on it
    ui.page.locator(".scheme-container").evaluate("element => element.scrollIntoView()")
    ui.page.screenshot(path=SCREENSHOT, animations="disabled")
    ui.page.evaluate("document.documentElement.style.zoom = 1")


def test_every_operation_succeeds_by_pressing_execute_in_reading_order(serve: Serve, page: Page) -> None:
    server = serve()
    ui = SwaggerUi(page, server.url)
    contract = httpx.get(f"{server.url}/openapi.json").json()
    documented = {
        f"{method.upper()} {path}"
        for path, item in contract["paths"].items()
        for method in item
        if method != "parameters"
    }
    operations = ui.operations
    assert (set(operations), len(operations)) == (documented, len(documented))
    answers = {operation: ui.execute(operation) for operation in operations}
    assert {name: answer for name, answer in answers.items() if not 200 <= answer.status < 300} == {}
    # An example account that an operation has just ended has to register anew, which begins with a login refused.
    assert ui.watch.faults(refused=["/login"]) == []


def test_examples_are_filled_on_a_second_round_too(serve: Serve, page: Page) -> None:
    ui = SwaggerUi(page, serve().url)
    for operation in ("GET /protected/admin", "GET /me", "POST /refresh", "POST /refresh", "POST /logout", "GET /me"):
        assert ui.execute(operation).status == 200, operation
    me = ui.execute("GET /me").json
    assert (me["username"], me["roles"]) == ("user1", [])


def test_a_session_that_ended_elsewhere_is_replaced(serve: Serve, page: Page) -> None:
    server = serve()
    ui = SwaggerUi(page, server.url)
    ui.toggle("GET /me")
    assert ui.press_execute("GET /me").status == 200
    token = ui.curl("GET /me").partition("Bearer ")[2].partition("'")[0]
    ended = httpx.post(f"{server.url}/logout", headers={"Authorization": f"Bearer {token}"})
    assert ended.status_code == 200
    assert ui.press_execute("GET /me").status == 200


def test_a_refresh_token_typed_by_hand_is_sent_as_it_is(serve: Serve, page: Page) -> None:
    ui = SwaggerUi(page, serve().url)
    ui.toggle("POST /refresh")
    ui.block("POST /refresh").locator("textarea").first.fill('{"refresh_token": "typed by hand"}')
    refused = ui.press_execute("POST /refresh")
    assert (refused.status, refused.json["code"]) == (401, "invalid_refresh_token")
    assert "typed by hand" in ui.curl("POST /refresh")


def test_no_idempotency_key_is_sent_unless_one_is_typed(serve: Serve, page: Page) -> None:
    """An example would be the key of everybody: two requests that are not the same would be refused."""
    ui = SwaggerUi(page, serve().url)
    register = "POST /register"
    ui.toggle(register)
    body, key = ui.block(register).locator("textarea").first, ui.block(register).locator("tr input[type=text]").first
    expect(key).to_have_value("")
    assert ui.press_execute(register).status == 201
    body.fill('{"username": "user2", "password": "password123"}')
    assert ui.press_execute(register).status == 201
    assert "Idempotency-Key" not in ui.curl(register)
    key.fill("typed-by-hand")
    body.fill('{"username": "user3", "password": "password123"}')
    first, again = (ui.press_execute(register) for _ in range(2))
    assert (first.status, again.status, again.json) == (201, 201, first.json)


INJECTED = {
    "foreign script": '<script src="http://evil.example/x.js"></script>',
    "inline script": "<script>document.title = 'executed'</script>",
}


def inject(page: Page, html: str, *, policy: bool) -> None:
    """Put `html` into the page as the server sends it; without `policy`, take away its Content-Security-Policy."""

    def answer(route: Route) -> None:
        response = route.fetch()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("content-encoding", "content-length") and (policy or name != "content-security-policy")
        }
        body = response.text()
        assert "</body>" in body
        route.fulfill(status=200, headers=headers, body=body.replace("</body>", f"{html}</body>"))

    page.route(lambda url: urlsplit(url).path == "/docs", answer)


@pytest.mark.parametrize("kind", INJECTED)
def test_what_somebody_injects_is_blocked_and_noticed(serve: Serve, page: Page, kind: str) -> None:
    inject(page, INJECTED[kind], policy=True)
    ui = SwaggerUi(page, serve().url)
    expect(page).to_have_title("Ostiary")
    faults = [fault for fault in ui.watch.faults() if "Content Security Policy" in fault]
    assert len(faults) == 1


def test_without_the_policy_what_is_injected_would_run_and_be_noticed(serve: Serve, page: Page) -> None:
    inject(page, "".join(INJECTED.values()), policy=False)
    ui = SwaggerUi(page, serve().url)
    expect(page).to_have_title("executed")
    assert "request to http://evil.example/x.js" in ui.watch.faults()


def test_an_exception_on_the_page_is_noticed(serve: Serve, page: Page) -> None:
    ui = SwaggerUi(page, serve().url)
    assert ui.watch.faults() == []
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('broken') })")
    assert [fault for fault in ui.watch.faults() if "broken" in fault]


def test_in_production_the_page_works_and_nothing_is_filled_in(serve: Serve, page: Page, tmp_path: Path) -> None:
    database = tmp_path / "ostiary.db"
    server = serve(
        OSTIARY_PROFILE="production",
        OSTIARY_SECRET_KEY=SECRET,
        OSTIARY_ISSUER="http://127.0.0.1",
        OSTIARY_DATABASE_URL=f"sqlite+aiosqlite:///{database}",
        OSTIARY_WORKERS="1",
        OSTIARY_ARGON2_MEMORY_KIB="19456",
        OSTIARY_ARGON2_TIME_COST="2",
    )
    ui = SwaggerUi(page, server.url)
    assert ui.execute("GET /healthz").status == 200
    for operation in (PROTECTED, "GET /protected/admin", "POST /logout", "POST /refresh"):
        assert ui.execute(operation).status == 401, operation
    assert ui.watch.faults(refused=["/protected", "/protected/admin", "/logout", "/refresh"]) == []
    assert not [url for url in ui.watch.requests if urlsplit(url).path in ("/login", "/register")]

    script = httpx.get(f"{server.url}/docs/initializer.js").text
    assert "SwaggerUIBundle" in script
    assert "ADMINISTRATOR" not in script
    assert "CLIENT" not in script
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
