"""A real browser on the page: what it does wrong, and Swagger UI as a person uses it."""

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, expect

VARIABLE = "OSTIARY_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CLOSED_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
ARGUMENTS = [
    CLOSED_NETWORK,
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class NoBrowser(Exception):
    """There is no browser where OSTIARY_TEST_BROWSER says."""


def find_browser() -> str | None:
    """Return the path of Chromium, None if the machine has none; raises NoBrowser."""
    given = os.environ.get(VARIABLE)
    if given:
        if not Path(given).is_file():
            raise NoBrowser(f"{VARIABLE}: there is no browser at {given}")
        return given
    return next((path for path in map(shutil.which, NAMES) if path), None)


def is_expected() -> bool:
    """Return whether tests in a browser are to run: one is named, be it there or not, or the machine has one."""
    return bool(os.environ.get(VARIABLE)) or find_browser() is not None


def arguments() -> list[str]:
    """Return the browser's arguments; as root it cannot have its sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


class Watch:
    """Notes whatever a page should not do: console errors, exceptions, requests to anybody but the server at `url`."""

    def __init__(self, page: Page, url: str) -> None:
        self._origin = _origin(url)
        self._errors: list[tuple[str, str]] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", self._exception)
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._errors.append((message.text, urlsplit(message.location["url"]).path))

    def _exception(self, error: Error) -> None:
        self._errors.append((f"exception: {error}", ""))

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def faults(self, refused: Collection[str] = ()) -> list[str]:
        """Return what went wrong; `refused`: paths that the browser may note an answer of 401 for."""
        noted = [
            f"{text} ({path})"
            for text, path in self._errors
            if not (path in refused and text.startswith("Failed to load resource") and "401" in text)
        ]
        return noted + [f"request to {url}" for url in self.requests if not self._is_own(url)]

    def _is_own(self, url: str) -> bool:
        address = url.removeprefix("blob:")
        return address.startswith("data:") or _origin(address) == self._origin


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


@dataclass(frozen=True)
class Shown:
    """The answer that Swagger UI shows."""

    status: int
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class SwaggerUi:
    """Swagger UI, opened in `page` from the server at `url`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.watch = Watch(page, url)
        page.goto(f"{url}/docs")
        page.locator(".opblock").first.wait_for()

    @property
    def operations(self) -> list[str]:
        """The operations in reading order, named like `POST /login`."""
        found: list[str] = self.page.locator(".opblock-summary").evaluate_all(
            """summaries => summaries.map(summary =>
                summary.querySelector(".opblock-summary-method").textContent + " " +
                summary.querySelector(".opblock-summary-path").dataset.path)"""
        )
        return found

    def block(self, operation: str) -> Locator:
        """Return the part of the page about an operation."""
        return self.page.locator(".opblock").nth(self.operations.index(operation))

    def toggle(self, operation: str) -> None:
        """Open or close an operation."""
        self.block(operation).locator(".opblock-summary-control").click()

    def execute(self, operation: str) -> Shown:
        """Open an operation, press Execute, return the answer that is shown, close it again."""
        self.toggle(operation)
        shown = self.press_execute(operation)
        self.toggle(operation)
        return shown

    def press_execute(self, operation: str) -> Shown:
        """Press Execute in an open operation and return the answer that is shown."""
        block = self.block(operation)
        clear = block.locator("button.btn-clear")
        if clear.count():
            clear.click()
        answer = block.locator(".live-responses-table tbody .response").first
        expect(answer).to_have_count(0)
        block.locator("button.execute").click()
        answer.wait_for()
        status = answer.locator(".response-col_status").inner_text().split()[0]
        body = answer.locator(".response-col_description pre").first
        return Shown(int(status), body.inner_text() if body.count() else "")

    def curl(self, operation: str) -> str:
        """Return the curl line that is shown for the request just made."""
        return self.block(operation).locator(".curl").first.inner_text()

    def authorize(self, token: str, field: str = "bearerAuth") -> None:
        """Give `token` in a field of the dialog."""
        self._authorize(field, [token])

    def authorize_client(self, client_id: str, secret: str) -> None:
        """Give the id and secret of a service client in the dialog."""
        self._authorize("clientAuth", [client_id, secret])

    def _authorize(self, field: str, values: list[str]) -> None:
        self.page.locator(".auth-wrapper button.authorize").first.click()
        dialog = self.page.locator(".modal-ux")
        container = dialog.locator(".auth-container").filter(has_text=field)
        for place, value in enumerate(values):
            container.locator("input").nth(place).fill(value)
        container.locator("button.authorize").click()
        container.locator("button.btn-done").click()
        dialog.wait_for(state="detached")
