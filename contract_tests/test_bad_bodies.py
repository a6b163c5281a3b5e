"""Bad bodies are refused as the contract says: never a 5xx, never a hang."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .answers import Contract
from .bad_bodies import REFUSED, not_json, too_large, wrong_values
from .deployment import Deployment
from .people import Credentials

TIMEOUT = 15.0
LIMIT = 65536
"""Bytes: the default of OSTIARY_MAX_BODY_BYTES."""

JSON = {"Content-Type": "application/json"}

WRONG_CONTENT_TYPES = (
    "",
    "text/plain",
    "text/html",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonx",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/json; charset=no-such-thing",
    "application/json, text/plain",
    "application",
    "/",
    ";;;",
    "application/" + "x" * 5000,
)
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": lambda body: body,
    "br": lambda body: body,
    "zstd": lambda body: body,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
    "nonsense": lambda body: body,
}


class Operation:
    """An operation with a JSON body, to be called badly."""

    def __init__(self, deployment: Deployment, label: str, client: httpx.Client) -> None:
        self.method, self.path = label.split(" ")
        definition = deployment.operations[label]
        self.schema = self._resolve(deployment, definition["requestBody"]["content"]["application/json"]["schema"])
        self._label = label
        self._contract = Contract(deployment.contract)
        self._watch = deployment.watch
        self._client = client

    @property
    def good(self) -> dict[str, Any]:
        """A body that fits the schema, and of which a second one may be sent."""
        throwaway = Credentials.throwaway("body")
        fresh = {"username": throwaway.username, "password": throwaway.password}
        members: dict[str, Any] = self.schema["properties"]
        return {name: fresh.get(name, definition.get("example", "text")) for name, definition in members.items()}

    def send(self, content: bytes, headers: dict[str, str] | None = None) -> int:
        """Send a body; return the status once the answer is proved to be as the contract says."""
        return self._send(content, JSON if headers is None else headers)

    def send_in_chunks(self, *chunks: bytes) -> int:
        """Send a body in chunks, its length not announced; return the status as `send` does."""
        status = self._send(iter(chunks), JSON)
        self._watch.remember_user(self._label, status, b"".join(chunks))
        return status

    def _send(self, content: bytes | Iterator[bytes], headers: dict[str, str]) -> int:
        answer = self._client.request(self.method, self.path, content=content, headers=headers)
        assert self._contract.faults(self.method, self.path, answer) == []
        return answer.status_code

    @staticmethod
    def _resolve(deployment: Deployment, schema: dict[str, Any]) -> dict[str, Any]:
        found: Any = deployment.contract
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        resolved: dict[str, Any] = found
        return resolved


@pytest.fixture(scope="module")
def operations(deployment: Deployment) -> Iterator[list[Operation]]:
    """The operations that take a JSON body from anybody."""
    with deployment.client(TIMEOUT) as client:
        yield [
            Operation(deployment, label, client)
            for label, definition in deployment.operations.items()
            if "requestBody" in definition and not definition["security"]
        ]


@pytest.mark.parametrize("name", not_json())
def test_what_is_not_json_is_refused(operations: list[Operation], name: str) -> None:
    for operation in operations:
        assert operation.send(not_json()[name]) == 400, operation.path


@pytest.mark.parametrize("name", too_large(LIMIT))
def test_what_is_too_large_is_refused(operations: list[Operation], deployment: Deployment, name: str) -> None:
    for operation in operations:
        assert operation.send(too_large(LIMIT)[name]) in _of_too_large(deployment), operation.path


def test_what_is_too_large_is_refused_in_chunks_as_well(operations: list[Operation], deployment: Deployment) -> None:
    for operation in operations:
        assert operation.send_in_chunks(*[b" " * 1000] * 100) in _of_too_large(deployment), operation.path


def _of_too_large(deployment: Deployment) -> set[int]:
    """What is refused as too large by default may, in another deployment, be small enough to be refused as wrong."""
    return {413} if deployment.process else REFUSED


def test_chunks_are_put_together(operations: list[Operation]) -> None:
    for operation in operations:
        body = json.dumps(operation.good).encode()
        assert operation.send_in_chunks(body[:1], b"", body[1:7], body[7:]) not in REFUSED, operation.path


def test_the_body_taken_as_good_is_not_refused(operations: list[Operation]) -> None:
    assert len(operations) >= 3
    for operation in operations:
        assert operation.send(json.dumps(operation.good).encode()) not in REFUSED, operation.path


def test_wrong_values_are_refused(operations: list[Operation]) -> None:
    for operation in operations:
        for name, value in wrong_values(operation.schema, operation.good):
            assert operation.send(json.dumps(value).encode()) == 422, f"{operation.path}: {name}"


def test_any_character_is_read_as_it_is(operations: list[Operation]) -> None:
    """NUL, line ends, emoji, right-to-left marks: not an error where a password has them, nor ever a 5xx."""
    odd = [
        "\u0000" * 12,
        "\r\n\r\nSet-Cookie: a=b",
        "\U0001f600" * 12,
        "\u202e" + "abcdefghij",
        "\uffff" * 12,
        "'; --" * 3,
    ]
    for operation in operations:
        for name in operation.schema["properties"]:
            for text in odd:
                status = operation.send(json.dumps({**operation.good, name: text}).encode())
                assert status in (422, 401, 409, 201), f"{operation.path}: {name} = {text!r}"
                assert name == "username" or status != 422, f"{operation.path}: {name} = {text!r}"


@pytest.mark.parametrize("content_type", WRONG_CONTENT_TYPES)
def test_wrong_content_types_are_refused(operations: list[Operation], content_type: str) -> None:
    for operation in operations:
        body = json.dumps(operation.good).encode()
        assert operation.send(body, {"Content-Type": content_type} if content_type else {}) == 415, operation.path


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
def test_right_content_types_are_taken(operations: list[Operation], content_type: str) -> None:
    for operation in operations:
        body = json.dumps(operation.good).encode()
        assert operation.send(body, {"Content-Type": content_type}) not in REFUSED, operation.path


@pytest.mark.parametrize("coding", ENCODINGS)
def test_content_codings_are_refused(operations: list[Operation], coding: str) -> None:
    for operation in operations:
        body = ENCODINGS[coding](json.dumps(operation.good).encode())
        assert operation.send(body, {**JSON, "Content-Encoding": coding}) == 415, operation.path


def test_a_decompression_bomb_is_not_unpacked(operations: list[Operation]) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    for operation in operations:
        assert operation.send(bomb, {**JSON, "Content-Encoding": "gzip"}) == 415, operation.path
