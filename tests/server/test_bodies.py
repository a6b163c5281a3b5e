"""Bodies and methods, under ASGI and under WSGI."""

import asyncio

import httpx
import pytest

from tests.support.raw_http import chunked, connect, exchange, receive, request, status_of
from tests.support.server_app import MAX_BODY
from tests.support.servers import ServerProcess

CHUNKED = "Transfer-Encoding: chunked"


def test_a_body_arrives_whole(client: httpx.Client) -> None:
    content = "ümläut" * 1000
    answer = client.post("/echo?a=1&a=2", content=content.encode(), headers={"Content-Type": "text/plain"}).json()

    assert (answer["method"], answer["args"], answer["body"]) == ("POST", {"a": ["1", "2"]}, content)
    assert answer["headers"]["content-type"] == "text/plain"
    assert answer["headers"]["content-length"] == str(len(content.encode()))


@pytest.mark.parametrize("size", [0, 1, MAX_BODY])
def test_a_body_up_to_the_limit_is_read(client: httpx.Client, size: int) -> None:
    assert client.post("/size", content=b"x" * size).json() == {"size": size}


@pytest.mark.parametrize("size", [MAX_BODY + 1, MAX_BODY * 20])
def test_a_body_over_the_limit_gets_413_before_it_is_read(server: ServerProcess, size: int) -> None:
    assert status_of(exchange(server.url, request("POST", "/size", f"Content-Length: {size}"))) == 413


def test_a_body_over_the_limit_leaves_the_connection_usable(asgi_client: httpx.Client) -> None:
    assert asgi_client.post("/size", content=b"x" * MAX_BODY * 20).status_code == 413
    assert asgi_client.post("/size", content=b"x").json() == {"size": 1}


@pytest.mark.parametrize("chunks", [0, 1, 20])
def test_a_chunked_body_up_to_the_limit_is_read(client: httpx.Client, chunks: int) -> None:
    answer = client.post("/size", content=(b"x" * (MAX_BODY // 20) for _ in range(chunks)))

    assert answer.json() == {"size": chunks * MAX_BODY // 20}


def test_a_chunked_body_over_the_limit_gets_413_without_waiting_for_its_end(server: ServerProcess) -> None:
    with connect(server.url) as connection:
        size = MAX_BODY + 1
        connection.sendall(request("POST", "/size", CHUNKED) + b"%x\r\n%b\r\n" % (size, b"x" * size))

        assert status_of(connection.recv(65536)) == 413


def test_chunks_need_not_arrive_together(server: ServerProcess) -> None:
    sent = request("POST", "/echo", CHUNKED) + chunked([b"one, ", b"two, ", b"three"])
    with connect(server.url) as connection:
        for position in range(0, len(sent), 7):
            connection.sendall(sent[position : position + 7])
        answer = receive(connection)

    assert status_of(answer) == 200
    assert b'"body":"one, two, three"' in answer


def test_a_view_that_does_not_look_at_the_body_does_not_mind_its_size(asgi_client: httpx.Client) -> None:
    assert asgi_client.post("/unread", content=b"x" * (MAX_BODY + 1)).text == "not read"


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(server: ServerProcess) -> None:
    with connect(server.url) as connection:
        connection.sendall(request("POST", "/size", "Expect: 100-continue", "Content-Length: 3"))
        assert status_of(connection.recv(65536)) == 100
        connection.sendall(b"abc")
        answer = connection.recv(65536)

    assert status_of(answer) == 200


def test_head_has_the_headers_of_get_and_no_body(server: ServerProcess) -> None:
    get = exchange(server.url, request("GET", "/sleep/0.0"))
    head = exchange(server.url, request("HEAD", "/sleep/0.0"))

    assert get.endswith(b"\r\n\r\nslept")
    assert head.endswith(b"\r\n\r\n")
    assert status_of(head) == 200
    assert b"content-length: 5\r\n" in head.lower()


def test_options_names_the_methods(client: httpx.Client) -> None:
    answer = client.options("/size")

    assert answer.status_code == 200
    assert {method.strip() for method in answer.headers["Allow"].split(",")} == {"POST", "OPTIONS"}
    assert answer.content == b""


def test_options_for_the_whole_server_does_no_harm(server: ServerProcess, client: httpx.Client) -> None:
    assert status_of(exchange(server.url, request("OPTIONS", "*"))) in (200, 400, 404)
    assert client.get("/sleep/0.0").text == "slept"


@pytest.mark.parametrize(("method", "statuses"), [("PROPFIND", {405}), ("TRACE", {405}), ("FROBNICATE", {400, 405})])
def test_an_unknown_method_is_refused_and_the_next_request_is_served(
    client: httpx.Client, method: str, statuses: set[int]
) -> None:
    answer = client.request(method, "/size")

    assert answer.status_code in statuses
    if answer.status_code == 405:
        assert "POST" in answer.headers["Allow"]
    assert client.get("/sleep/0.0").text == "slept"


def test_no_content_has_none(client: httpx.Client) -> None:
    answer = client.get("/nothing")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/sleep/0.0").text == "slept"


def test_a_body_in_parts_is_sent_whole_and_closed(client: httpx.Client) -> None:
    before = client.get("/state").json()["cleaned_up"].count("stream")

    assert client.get("/stream").text == "one two three"
    assert client.get("/state").json()["cleaned_up"].count("stream") == before + 1


def test_no_http_at_all_is_refused(server: ServerProcess) -> None:
    assert status_of(exchange(server.url, b"no http at all\r\n\r\n")) == 400


def test_a_slow_sender_holds_nobody_up(asgi_server: ServerProcess) -> None:
    async def others() -> float:
        async with httpx.AsyncClient(base_url=asgi_server.url) as client:
            started = asyncio.get_running_loop().time()
            await asyncio.gather(*(client.get("/sleep/0.0") for _ in range(20)))
            return asyncio.get_running_loop().time() - started

    with connect(asgi_server.url) as connection:
        connection.sendall(request("POST", "/size", "Content-Length: 2", body=b"a"))
        assert asyncio.run(others()) < 10
        connection.sendall(b"b")
        assert b'{"size":2}' in receive(connection)
