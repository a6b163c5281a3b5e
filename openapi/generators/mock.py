"""Prism as the mock of a contract, and the requests that the contract calls valid."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi.generators.page import commands, environment
from openapi.node import install

HERE = Path(__file__).parent
LISTENS = re.compile(r"listening on (http://\S+)")
PORT = 4010
"""The port that the page names."""
MINUTES_TO_START = 10

ETAG = '"5f2c7d0b9a3e4c1f8d6b7a09e1c2d3f4"'
"""For the headers that name a version: they have no example, because no tool should send one."""

CREDENTIALS = {
    "bearerAuth": {"Authorization": "Bearer token"},
    "apiKeyAuth": {"Authorization": "Bearer key"},
    "clientAuth": {"Authorization": "Basic aWQ6c2VjcmV0"},
}


@dataclass(frozen=True)
class Request:
    """A request that the contract calls valid, and the answers that it documents for it."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    responses: dict[str, Any]
    body: dict[str, Any] | None = None
    form: dict[str, Any] | None = None


@dataclass
class Mock:
    """Prism: `url` is where it listens, `lines` what it has logged so far."""

    url: str = ""
    lines: list[str] = field(default_factory=list)
    decided: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mocking(directory: Path, port: int) -> Iterator[Mock]:
    """Run the commands of the page, which start Prism, until the with statement ends.

    They run in `directory`, with `port` in place of the page's. Raises RuntimeError if Prism does not start.
    """
    script = commands("Prism")
    assert f"--port {PORT}" in script
    process = subprocess.Popen(
        ["sh", "-euc", script.replace(f"--port {PORT}", f"--port {port}")],
        cwd=directory,
        env=environment(directory, install(HERE)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    mock = Mock()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            mock.lines.append(line)
            if found := LISTENS.search(line):
                mock.url = found[1]
                mock.decided.set()
        mock.decided.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        mock.decided.wait(MINUTES_TO_START * 60)
        if not mock.url:
            raise RuntimeError(f"Prism did not start:\n{''.join(mock.lines)}")
        yield mock
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # the shell, npx and Prism
        process.wait()
        reader.join()
        assert process.stdout
        process.stdout.close()


def requests(document: dict[str, Any]) -> list[Request]:
    """Return a valid request for each operation, with the contract's own examples and every required parameter."""
    return [
        _request(document, path, method, operation, item.get("parameters", []))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document, or what its $ref leads to."""
    while "$ref" in part:
        reference, part = part["$ref"], document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    return part


def _request(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any], shared: list[dict[str, Any]]
) -> Request:
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    for given in [*shared, *operation.get("parameters", [])]:
        parameter = resolved(document, given)
        if not parameter.get("required"):
            continue
        value = ETAG if parameter["name"] == "If-Match" else str(_example(document, parameter))
        match parameter["in"]:
            case "path":
                path = path.replace(f"{{{parameter['name']}}}", value)
            case "query":
                query[parameter["name"]] = value
            case "header":
                headers[parameter["name"]] = value
    for requirement in operation.get("security", [])[:1]:
        for scheme in requirement:
            headers |= CREDENTIALS[scheme]
    content = operation.get("requestBody", {}).get("content", {})
    json, form = content.get("application/json"), content.get("application/x-www-form-urlencoded")
    return Request(
        method.upper(),
        path,
        headers,
        query,
        operation["responses"],
        _example(document, json) if json else None,
        _example(document, form) if form else None,
    )


def _example(document: dict[str, Any], part: dict[str, Any]) -> Any:
    """Return an example of a parameter, a media type or a schema: its own, or one put together from its members."""
    part = resolved(document, part)
    if "example" in part:
        return part["example"]
    if "examples" in part:
        return part["examples"][0]
    if "enum" in part:
        return part["enum"][0]
    if "schema" in part:
        return _example(document, part["schema"])
    return {name: _example(document, part["properties"][name]) for name in part["required"]}
