"""Request heads: bounded, and allowed to come in pieces."""

from ostiary.server.http.limits import MAX_HEAD_BYTES
from tests.support.raw_http import connect, request, status_of
from tests.support.servers import ServerProcess


def test_a_head_that_does_not_end_gets_431(asgi_server: ServerProcess) -> None:
    with connect(asgi_server.url) as connection:
        connection.sendall(b"GET /sleep/0.0 HTTP/1.1\r\nX-Long: " + b"x" * MAX_HEAD_BYTES)

        assert status_of(connection.recv(65536)) == 431


def test_a_head_may_come_in_pieces_also_on_a_used_connection(asgi_server: ServerProcess) -> None:
    head = request("GET", "/sleep/0.0", close=False)
    with connect(asgi_server.url) as connection:
        for _ in range(2):
            for position in range(0, len(head), 9):
                connection.sendall(head[position : position + 9])
            answer = b""
            while not answer.endswith(b"slept"):
                answer += connection.recv(65536)
            assert status_of(answer) == 200
