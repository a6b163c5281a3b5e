"""Watches what a run sends and gets: which documented answers were reached, and which users were made."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx

from .answers import operations

REGISTER = "POST /register"
MAKE_USER = "POST /users"
MAKE_ROLE = "POST /roles"
RENAMES = ("PATCH /me", "PATCH /users/{user_id}")


class Answer(NamedTuple):
    """One answer of one operation; `code` is that of a problem, and empty on success."""

    operation: str
    status: int
    code: str


def documented(contract: dict[str, Any]) -> Iterator[Answer]:
    """Yield every answer that `contract` documents, in its order."""
    for label, operation in operations(contract).items():
        for status, response in operation["responses"].items():
            contents = response.get("content", {}).values() if int(status) >= 400 else ()
            codes = [code for content in contents for code in content.get("examples", {})]
            yield from (Answer(label, int(status), code) for code in codes or [""])


class Watch:
    """Counts the answers of the operations of `contract` and remembers who was registered.

    answers: how often each was got. reached_by: which test got it first. registered: passwords by user name. roles: the
    names of those that were made.
    """

    def __init__(self, contract: dict[str, Any]) -> None:
        self.documented = list(documented(contract))
        self.answers: Counter[Answer] = Counter()
        self.reached_by: dict[Answer, str] = {}
        self.registered: dict[str, str] = {}
        self.roles: set[str] = set()
        self.names: dict[str, str] = {}
        self._paths = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in contract["paths"]]

    def client(self, base_url: str, timeout: float = 30) -> httpx.Client:
        """Return a client whose answers are watched."""
        return httpx.Client(base_url=base_url, timeout=timeout, event_hooks={"response": [self._got]})

    def note(self, operation: str, status: int, got: bytes, sent: bytes, by: str) -> None:
        """Count an answer. got, sent: the bodies. by: the test that sent the request."""
        value = _json(got)
        code = str(value.get("code", "")) if status >= 400 and isinstance(value, dict) else ""
        answer = Answer(operation, status, code)
        self.answers[answer] += 1
        self.reached_by.setdefault(answer, by)
        self.remember_user(operation, status, sent)
        if status < 300 and isinstance(value, dict):
            self._remember(operation, value)

    def _remember(self, operation: str, made: dict[str, Any]) -> None:
        """Remember ids, other names and roles, whichever the answer tells."""
        if operation == MAKE_ROLE:
            self.roles.add(made["name"])
        elif operation in (REGISTER, MAKE_USER):
            user = made.get("user", made)
            self.names[user["id"]] = user["username"]
        elif operation in RENAMES and made["id"] in self.names:
            password = self.registered.pop(self.names[made["id"]], None)
            self.names[made["id"]] = made["username"]
            if password is not None:
                self.registered[made["username"]] = password

    def remember_user(self, operation: str, status: int, sent: bytes) -> None:
        """Remember who was registered, if that is what happened."""
        body = _json(sent) if operation in (REGISTER, MAKE_USER) and status == 201 else None
        if isinstance(body, dict):
            self.registered[body["username"]] = body["password"]

    def unreached(self) -> list[Answer]:
        """Return the documented answers that nothing has reached."""
        return [answer for answer in self.documented if not self.answers[answer]]

    def _got(self, response: httpx.Response) -> None:
        path = self._template(response.request.url.raw_path.decode("ascii").partition("?")[0])
        if path is not None:
            try:
                sent = response.request.content
            except httpx.RequestNotRead:  # in chunks: whoever sent them knows what they were
                sent = b""
            label = f"{response.request.method} {path}"
            tells = label in (REGISTER, MAKE_USER, MAKE_ROLE, *RENAMES)
            # The test may want to stream the others.
            got = response.read() if response.status_code >= 400 or tells else b""
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
            self.note(label, response.status_code, got, sent, test)

    def _template(self, path: str) -> str | None:
        exact = next((template for _, template in self._paths if template == path), None)
        return exact or next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
