"""Ostiary behind a path of another site: nginx takes the path away, and every address that is answered has it again."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Serve
from tests.support.browser import VARIABLE, SwaggerUi, is_expected
from tests.support.proxies import proxy

if not is_expected():
    pytest.skip(f"browser: there is no Chromium here; {VARIABLE} may name one", allow_module_level=True)

pytestmark = pytest.mark.uncounted  # the server is a process of its own

PREFIX = "/auth"
PERSON = {"username": "ada", "password": "correct horse battery"}


@pytest.fixture
def site(serve: Serve, tmp_path: Path) -> Iterator[str]:
    """The address of Ostiary at the proxy."""
    server = serve(OSTIARY_ISSUER=f"https://id.example{PREFIX}", OSTIARY_TRUSTED_PROXIES="127.0.0.1")
    with proxy("nginx-prefix", server.url, tmp_path / "nginx") as url:
        yield url + PREFIX


def test_swagger_ui_reaches_every_operation_of_a_journey(site: str, page: Page) -> None:
    ui = SwaggerUi(page, site)
    assert ui.execute("POST /register").status == 201
    token = ui.execute("POST /login").json["access_token"]
    ui.authorize(token)
    assert ui.execute("GET /protected").status == 200
    assert ui.execute("POST /me/api-keys").status == 201
    assert ui.execute("POST /logout").status == 200
    assert ui.execute("GET /protected").json["type"] == f"{PREFIX}/problems/invalid_token"
    assert [url for url in ui.watch.requests if not url.startswith((site, "data:", "blob:"))] == []


def test_every_address_that_is_answered_leads_back(site: str) -> None:
    root = site.removesuffix(PREFIX)
    with httpx.Client(base_url=site, timeout=30) as client:
        client.post("/register", json=PERSON)
        token = client.post("/login", json=PERSON).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        (server,) = client.get("/openapi.json").json()["servers"]
        assert httpx.get(f"{root}{server['url']}/protected", headers=bearer).status_code == 200

        made = client.post("/me/api-keys", json={"name": "report", "scopes": ["me:read"]}, headers=bearer)
        assert httpx.delete(root + made.headers["Location"], headers=bearer).status_code == 204
        for refused in (client.get("/me"), client.get("/none")):
            assert httpx.get(root + refused.json()["type"]).json()["code"] == refused.json()["code"]
        known = client.get("/.well-known/oauth-authorization-server").json()
        assert known["jwks_uri"] == f"https://id.example{PREFIX}/.well-known/jwks.json"
