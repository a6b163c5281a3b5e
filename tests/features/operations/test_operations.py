"""Health, the contract's page, the meaning of problems."""

import json
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ostiary.core.problems import CATALOGUE
from ostiary.features.examples.service import Examples
from ostiary.features.operations import swagger_ui
from tests.conftest import App, MakeApp


def test_health_and_readiness(app: App) -> None:
    for path in ("/healthz", "/readyz"):
        answer = app.client.get(path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_the_page_loads_nothing_from_elsewhere_and_everything_it_names_is_there(sqlite_app: App) -> None:
    page = sqlite_app.client.get("/docs")
    assert page.mimetype == "text/html"
    assert "default-src 'none'; script-src 'self'" in page.headers["Content-Security-Policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {address.partition("?")[0].removeprefix("docs/") for address in named} == set(swagger_ui.ASSETS)
    for address in named:
        assert not re.match(r"\w+:|//", address)
        found = sqlite_app.client.get("/" + address)
        assert found.status_code == 200
        assert len(found.data) > 100


def test_the_page_has_no_inline_script(sqlite_app: App) -> None:
    assert re.findall(r"<script(?![^>]*src=)", sqlite_app.client.get("/docs").text) == []


def initializer(client: FlaskClient, host: str = "localhost") -> TestResponse:
    return client.get("/docs/initializer.js", headers={"Host": host})


def test_the_development_page_fills_examples_in(make_app: MakeApp, sqlite_url: str) -> None:
    script = initializer(make_app(sqlite_url, host="0.0.0.0").client)  # which others reach, so without an administrator
    assert script.text.startswith("const ADMINISTRATOR = null;\n")
    assert "window.fillExamples = " in script.text
    assert "SwaggerUIBundle({" in script.text


def test_the_production_page_fills_nothing_in(make_app: MakeApp, sqlite_url: str) -> None:
    app = make_app(sqlite_url, profile="production", issuer="https://auth.example.org")
    script = initializer(app.client).text
    assert "SwaggerUIBundle({" in script
    assert "ADMINISTRATOR" not in script
    assert "fillExamples = " not in script


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_a_request_for_a_loopback_name_gets_the_example_administrator(sqlite_app: App, host: str) -> None:
    administrator = sqlite_app.services.get(Examples).administrator
    script = initializer(sqlite_app.client, host)
    username, password = administrator.credentials
    assert json.loads(script.text.splitlines()[0].removeprefix("const ADMINISTRATOR = ").removesuffix(";")) == {
        "username": username,
        "password": password,
    }
    assert script.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "10.0.0.1", "[::]:8000", "a b<>"])
def test_a_request_for_another_name_does_not(sqlite_app: App, host: str) -> None:
    script = initializer(sqlite_app.client, host)
    assert script.status_code == 200
    assert script.text.startswith("const ADMINISTRATOR = null;\n")


def test_no_other_site_can_take_the_files_into_its_page(sqlite_app: App) -> None:
    for path in ("/docs", *(f"/docs/{name}" for name in swagger_ui.ASSETS)):
        answer = sqlite_app.client.get(path)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "Access-Control-Allow-Origin" not in answer.headers, path


def test_unknown_files_are_not_found(sqlite_app: App) -> None:
    for name in ("__init__.py", "index.html", "examples.js", "..%2f__init__.py"):
        assert sqlite_app.client.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_problem_says_what_to_do(sqlite_app: App, code: str) -> None:
    answer = sqlite_app.client.get(CATALOGUE[code].uri)
    assert answer.status_code == 200
    assert answer.json["code"] == code
    assert answer.json["remedy"].endswith(".")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_in_development_the_address_of_the_server_leads_to_the_page(sqlite_app: App, method: str) -> None:
    answer = sqlite_app.client.open("/", method=method)
    assert (answer.status_code, answer.headers["Location"], answer.data) == (303, "docs", b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert sqlite_app.client.post("/").status_code == 404
    assert sqlite_app.client.get("//").status_code == 404


def test_in_production_nothing_is_at_the_address_of_the_server(make_app: MakeApp, sqlite_url: str) -> None:
    answer = make_app(sqlite_url, profile="production", issuer="https://id.example").client.get("/")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_the_contract_has_the_scheme_of_access_tokens_first(sqlite_app: App) -> None:
    schemes = sqlite_app.client.get("/openapi.json").json["components"]["securitySchemes"]
    assert list(schemes) == ["bearerAuth", "apiKeyAuth", "clientAuth"]
