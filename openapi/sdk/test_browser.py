"""The TypeScript SDK on a page that comes from another origin than the server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from contract_tests.server import QUICK, create_service_client, ostiary, running
from openapi.processes import succeeded
from openapi.sdk.build import TYPESCRIPT
from openapi.sdk.users import TypeScriptUser, compiled
from tests.support.browser import VARIABLE, arguments, find_browser, is_expected

if not is_expected():
    pytest.skip(f"browser: there is no Chromium here; {VARIABLE} may name one", allow_module_level=True)

BESIDE = TYPESCRIPT / "tests" / "browser"
EXPOSED = ("ETag", "Location", "Retry-After", "WWW-Authenticate")


class _Quiet(SimpleHTTPRequestHandler):
    def guess_type(self, path: str) -> str:  # that of the machine's own list may be no JavaScript
        return "text/javascript" if path.endswith(".js") else super().guess_type(path)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site(directory: Path) -> Iterator[str]:
    """Serve `directory` at an origin of its own, which is what the with statement gives."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=directory)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def application(typescript_user: TypeScriptUser) -> Path:
    """A directory with a page, the journey as JavaScript, and the SDK as npm has installed it."""
    directory = typescript_user.directory
    shutil.copy(TYPESCRIPT / "tests" / "journey.ts", directory)
    for file in BESIDE.iterdir():
        shutil.copy(file, directory)
    succeeded(compiled(directory, "journey.ts", noEmit=False, outDir="compiled"))
    return directory


@pytest.fixture
def page() -> Iterator[Page]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_browser(), args=arguments()) as browser,
    ):
        yield browser.new_page()


def outcome(page: Page, url: str) -> str:
    """Load a page that runs a program, and return `arrived`, or the exception that ended the program."""
    page.goto(url)
    expect(page).not_to_have_title("on the way", timeout=240_000)
    return page.title()


def test_the_whole_way_from_a_page_of_a_listed_origin(application: Path, page: Page, tmp_path: Path) -> None:
    with site(application) as origin, site(application) as other:
        settings = {**QUICK, "OSTIARY_CORS_ORIGINS": origin}
        with running([*ostiary(), "serve"], settings, tmp_path) as server:
            service = create_service_client(settings, tmp_path)
            query = urlencode([("argument", one) for one in (server.url, service.client_id, service.secret)])
            assert outcome(page, f"{origin}/index.html?{query}") == "arrived"
            assert readable(page, server.url) == {"WWW-Authenticate": 'Bearer realm="ostiary"'}
            assert "Failed to fetch" in outcome(page, f"{other}/index.html?{query}")


def readable(page: Page, server: str) -> dict[str, str]:
    """Return what the page can read of the headers of a refusal."""
    found: dict[str, str | None] = page.evaluate(
        """async ([url, names]) => {
            const { headers } = await fetch(url);
            return Object.fromEntries(names.map((name) => [name, headers.get(name)]));
        }""",
        [f"{server}/protected", EXPOSED],
    )
    return {name: value for name, value in found.items() if value is not None}
