"""Prism mocks the contract: every operation has a documented answer that fits its own schema."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from openapi.generators.mock import Mock, Request, mocking, requests, resolved
from openapi.node import HERE as OPENAPI

DOCUMENT: dict[str, Any] = json.loads((OPENAPI / "openapi.json").read_text())
REQUESTS = requests(DOCUMENT)


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """Prism with the exported contract."""
    directory = tmp_path_factory.mktemp("prism")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with mocking(directory, port) as running:
        yield running


def test_every_operation_has_a_request() -> None:
    assert len(REQUESTS) > 40
    assert len({(request.method, request.path) for request in REQUESTS}) == len(REQUESTS)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: f"{request.method} {request.path}")
def test_valid_request_gets_a_documented_success_from_the_mock(mock: Mock, request_: Request) -> None:
    answer = httpx.request(
        request_.method,
        mock.url + request_.path,
        headers=request_.headers,
        params=request_.query,
        **({"json": request_.body} if request_.body is not None else {"data": request_.form}),
    )
    assert answer.is_success, answer.text
    documented = resolved(DOCUMENT, request_.responses[str(answer.status_code)])
    assert_fits(answer, documented)


def test_mock_finds_no_fault_in_the_examples(mock: Mock) -> None:
    """Prism compares what it sends, headers too, with the contract, and logs what does not fit."""
    for request in (one for one in REQUESTS if one.method == "GET"):
        httpx.get(mock.url + request.path, headers=request.headers, params=request.query)
    faults = [line for line in mock.lines if "\N{WARNING SIGN}" in line or "\N{HEAVY MULTIPLICATION X}" in line]
    # Prism also warns about each answer that has no body, such as 204.
    assert [line for line in faults if "Unable to find content" not in line] == []


def assert_fits(answer: httpx.Response, documented: dict[str, Any]) -> None:
    """Fail unless the body has a documented media type and fits its schema."""
    content = documented.get("content", {})
    if not content:
        assert answer.content == b""
        return
    media_type = answer.headers["Content-Type"].split(";")[0]
    assert media_type in content
    if media_type.endswith("json"):
        schema = {**content[media_type]["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(answer.json())
