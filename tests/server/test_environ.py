"""From an ASGI scope to a WSGI environ."""

from typing import Any

import httpx
import pytest

from ostiary.server.environ import environ_of
from tests.server.conftest import Start
from tests.support.asgi import scope_of
from tests.support.raw_http import exchange, request
from tests.support.servers import ServerProcess


def _environ(*headers: tuple[bytes, bytes], **changes: Any) -> dict[str, Any]:
    return environ_of({**scope_of("/path?a=b"), "headers": headers, **changes}, b"the body")


def test_the_request_line_and_the_addresses() -> None:
    environ = _environ()

    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["PATH_INFO"] == "/path"
    assert environ["QUERY_STRING"] == "a=b"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "80")
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.input"].read() == b"the body"
    assert environ["wsgi.input_terminated"] is True


@pytest.mark.parametrize("nothing", [{"server": None, "client": None}, {}])
def test_a_server_that_does_not_know_the_addresses(nothing: dict[str, None]) -> None:
    scope = {**scope_of("/"), **nothing}
    if not nothing:
        del scope["server"], scope["client"]
    environ = environ_of(scope, b"")

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"], environ["REMOTE_ADDR"]) == ("localhost", "80", "")


def test_a_path_outside_ascii_is_its_bytes_in_latin_1() -> None:
    environ = _environ(raw_path=b"/%C3%BC%2Fx", root_path="/ü")

    assert environ["PATH_INFO"] == "/ü/x".encode().decode("latin-1")
    assert environ["SCRIPT_NAME"] == "/ü".encode().decode("latin-1")


def test_headers_become_variables() -> None:
    environ = _environ(
        (b"content-type", b"text/plain"), (b"content-length", b"8"), (b"x-name", b"caf\xe9"), (b"host", b"here")
    )

    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "8")
    assert (environ["HTTP_X_NAME"], environ["HTTP_HOST"]) == ("café", "here")
    assert "HTTP_CONTENT_TYPE" not in environ


def test_a_header_sent_twice_is_joined_and_cookies_as_cookies_are() -> None:
    environ = _environ((b"accept", b"a"), (b"cookie", b"a=1"), (b"accept", b"b"), (b"cookie", b"b=2"))

    assert environ["HTTP_ACCEPT"] == "a,b"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_a_header_with_an_underscore_cannot_pass_for_another() -> None:
    assert not [name for name in _environ((b"x_role", b"admin")) if "ROLE" in name]


def test_it_holds_through_a_real_server(asgi_server: ServerProcess) -> None:
    answer = exchange(asgi_server.url, request("GET", "/echo/%C3%BC%2Fx?q=%C3%A4", "X_Role: admin", "X-A: 1", "X-A: 2"))

    assert b'"path":"/echo/\\u00fc/x"' in answer
    assert b'"args":{"q":["\\u00e4"]}' in answer
    assert b'"x-a":"1,2"' in answer
    assert b"admin" not in answer


FORWARDED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}


def test_what_an_unknown_proxy_forwards_is_not_believed(asgi_server: ServerProcess) -> None:
    answer = httpx.get(f"{asgi_server.url}/echo", headers=FORWARDED).json()

    assert (answer["client"], answer["scheme"]) == ("127.0.0.1", "http")


def test_what_a_trusted_proxy_forwards_is_believed(serve: Start) -> None:
    server = serve("--trusted-proxies", "127.0.0.1")
    answer = httpx.get(f"{server.url}/echo", headers=FORWARDED).json()

    assert (answer["client"], answer["scheme"]) == ("203.0.113.7", "https")
