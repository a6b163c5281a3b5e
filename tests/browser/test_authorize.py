"""The dialog of Authorize: what somebody types into each of its fields is what is sent."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from contract_tests.server import create_service_client
from tests.browser.conftest import Serve
from tests.support.browser import VARIABLE, SwaggerUi, is_expected

if not is_expected():
    pytest.skip(f"browser: there is no Chromium here; {VARIABLE} may name one", allow_module_level=True)

pytestmark = pytest.mark.uncounted  # the server is a process of its own

PERSON = {"username": "somebody", "password": "correct horse battery"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def token_of_somebody(url: str) -> str:
    """An access token of a user that the page does not know."""
    assert httpx.post(f"{url}/register", json=PERSON).status_code == 201
    found: str = httpx.post(f"{url}/login", json=PERSON).json()["access_token"]
    return found


def opened(page: Page) -> Locator:
    page.locator(".auth-wrapper button.authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.wait_for()
    return dialog


@pytest.mark.parametrize("field", ["bearerAuth", "apiKeyAuth"])
def test_a_token_in_either_field_is_never_replaced(serve: Serve, page: Page, field: str) -> None:
    """Not even where the operation takes only what the other field is for."""
    server = serve()
    ui = SwaggerUi(page, server.url)
    token = token_of_somebody(server.url)
    ui.authorize(token, field)
    assert ui.execute("GET /me").json["username"] == PERSON["username"]
    ui.toggle("POST /logout")
    assert ui.press_execute("POST /logout").status == 200
    assert f"Bearer {token}" in ui.curl("POST /logout")
    for operation in ("GET /protected", "POST /logout"):
        refused = ui.press_execute(operation) if operation == "POST /logout" else ui.execute(operation)
        assert (refused.status, refused.json["code"]) == (401, "invalid_token"), operation
    answer = httpx.get(f"{server.url}/protected", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_an_api_key_is_never_replaced(serve: Serve, page: Page) -> None:
    server = serve()
    ui = SwaggerUi(page, server.url)
    bearer = {"Authorization": f"Bearer {token_of_somebody(server.url)}"}
    wanted = {"name": "robot", "scopes": ["me:read"]}
    key = httpx.post(f"{server.url}/me/api-keys", headers=bearer, json=wanted).json()["api_key"]
    ui.authorize(key, "apiKeyAuth")
    assert ui.execute("GET /me").json["username"] == PERSON["username"]
    refused = ui.execute("POST /logout")  # an API key has no session
    assert refused.status == 401
    assert ui.execute("GET /me").json["username"] == PERSON["username"]


def test_a_client_that_somebody_has_given_is_never_replaced(serve: Serve, page: Page, tmp_path: Path) -> None:
    server = serve()
    service = create_service_client({"OSTIARY_DATA_DIR": str(tmp_path / "ostiary-data")}, tmp_path)
    ui = SwaggerUi(page, server.url)
    ui.authorize_client(service.client_id, service.secret)
    ui.toggle("POST /oauth/introspect")
    assert ui.press_execute("POST /oauth/introspect").status == 200
    assert service.authorization in ui.curl("POST /oauth/introspect")
    assert ui.execute("GET /me").json["username"] == "user1"  # whoever gives no token has that of the page


def test_a_client_with_a_wrong_secret_is_refused(serve: Serve, page: Page) -> None:
    ui = SwaggerUi(page, serve().url)
    ui.authorize_client("nobody", "nothing")
    assert ui.execute("POST /oauth/introspect").status == 401


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_dialog_begins_with_the_field_for_access_tokens(serve: Serve, page: Page, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    SwaggerUi(page, serve().url)
    dialog = opened(page)
    fields = dialog.locator(".auth-container h4 code")
    assert fields.all_inner_texts() == ["bearerAuth", "apiKeyAuth", "clientAuth"]
    first = dialog.locator("input").first
    expect(first).to_be_focused()
    expect(fields.first).to_be_in_viewport()
    expect(first).to_be_in_viewport()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_is_as_dark_as_the_person_wants_it(serve: Serve, browser: Browser, size: dict[str, int]) -> None:
    server = serve()
    with browser.new_context(viewport=size, color_scheme="dark") as context:  # type: ignore[arg-type]
        page = context.new_page()
        ui = SwaggerUi(page, server.url)
        ui.toggle("GET /healthz")
        assert ui.press_execute("GET /healthz").status == 200
        assert brightness(page, "html", "backgroundColor") < 64
        for element in (".info .title", ".opblock-summary-path", ".response-col_status", ".opblock-tag"):
            assert brightness(page, element, "color") > 160, element
        page.emulate_media(color_scheme="light")
        expect(page.locator("html")).not_to_have_class("dark-mode")
        assert brightness(page, ".info .title", "color") < 96
        assert ui.watch.faults() == []


def brightness(page: Page, selector: str, what: str) -> float:
    """Return how bright a colour of the first such element is: 0 (black) to 255."""
    found: float = page.locator(selector).first.evaluate(
        "(element, what) => getComputedStyle(element)[what].match(/[0-9.]+/g).slice(0, 3)"
        ".reduce((sum, part) => sum + Number(part) / 3, 0)",
        what,
    )
    return found


def test_the_address_of_the_server_leads_to_the_page(serve: Serve, page: Page) -> None:
    server = serve()
    page.goto(server.url)
    expect(page).to_have_url(f"{server.url}/docs")
    page.locator(".opblock").first.wait_for()
