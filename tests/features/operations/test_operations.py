"""Health, the contract's page, the meaning of problems."""

import re

import pytest

from api.core.problems import CATALOGUE
from api.features.operations import swagger_ui
from tests.conftest import App


def test_health_and_readiness(app: App) -> None:
    for path in ("/healthz", "/readyz"):
        answer = app.client.get(path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_the_page_loads_nothing_from_elsewhere_and_everything_it_names_is_there(sqlite_app: App) -> None:
    page = sqlite_app.client.get("/docs")
    assert page.mimetype == "text/html"
    assert "default-src 'none'; script-src 'self'" in page.headers["Content-Security-Policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == len(swagger_ui.ASSETS)
    for address in named:
        assert not re.match(r"\w+:|//", address)
        found = sqlite_app.client.get("/" + address)
        assert found.status_code == 200
        assert len(found.data) > 100


def test_the_page_has_no_inline_script(sqlite_app: App) -> None:
    assert re.findall(r"<script(?![^>]*src=)", sqlite_app.client.get("/docs").text) == []


def test_unknown_files_are_not_found(sqlite_app: App) -> None:
    for name in ("__init__.py", "index.html", "..%2f__init__.py"):
        assert sqlite_app.client.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_problem_says_what_to_do(sqlite_app: App, code: str) -> None:
    answer = sqlite_app.client.get(CATALOGUE[code].uri)
    assert answer.status_code == 200
    assert answer.json["code"] == code
    assert answer.json["remedy"].endswith(".")
