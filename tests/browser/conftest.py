"""A browser with the network closed, and a server with data of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import NoBrowser, arguments, find_browser
from tests.support.servers import ServerProcess, running
from tests.support.settings import CHEAP

QUICK = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}


@pytest.fixture(scope="package")  # while it is open its event loop runs in this thread, which other tests would notice
def browser() -> Iterator[Browser]:
    try:
        path = find_browser()
    except NoBrowser as error:
        pytest.fail(str(error))
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=arguments()) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context.new_page()


Serve = Callable[..., ServerProcess]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start `ostiary serve` on data of its own: serve(OSTIARY_PROFILE="production")."""
    with ExitStack() as stack:

        def start(**environment: str) -> ServerProcess:
            settings = {**QUICK, "OSTIARY_PORT": "0", "OSTIARY_CONTRACT_CHECKS": "raise", **environment}
            return stack.enter_context(running(["serve"], settings, tmp_path))

        yield start
