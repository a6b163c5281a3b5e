"""The client's address and scheme behind proxies: the same in process, under our server, and under gunicorn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ostiary.core.proxies import parse
from ostiary.server.forwarded import apply
from tests.server.conftest import APP, GUNICORN, _start
from tests.support.raw_http import exchange, request
from tests.support.servers import ServerProcess

PROXY = "127.0.0.1"


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client", "scheme"),
    [
        ("", PROXY, ("203.0.113.7", "https"), PROXY, "http"),
        (PROXY, PROXY, ("203.0.113.7", "https"), "203.0.113.7", "https"),
        (PROXY, "::ffff:127.0.0.1", ("203.0.113.7", "https"), "203.0.113.7", "https"),
        (PROXY, "127.0.0.2", ("203.0.113.7", "https"), "127.0.0.2", "http"),
        (PROXY, PROXY, ("junk", "wss"), PROXY, "http"),
        (PROXY, PROXY, ("::ffff:203.0.113.7", "http, HTTPS "), "203.0.113.7", "https"),
        (PROXY, PROXY, ("198.51.100.1,203.0.113.7", "https, http"), "203.0.113.7", "http"),
        (PROXY, PROXY, ("203.0.113.7", "https,"), "203.0.113.7", "http"),
        (PROXY, PROXY, ("203.0.113.7", "https\xa0"), "203.0.113.7", "http"),
        ("unix", "", ("203.0.113.7", "https"), "203.0.113.7", "https"),
        ("unix", "", ("junk", ""), "", "http"),
        (PROXY, "", ("203.0.113.7", "https"), "", "http"),
        ("unix", "no address", ("203.0.113.7", "https"), "", "http"),
        ("*", "no address", ("203.0.113.7", "https"), "", "http"),
        ("*", "192.0.2.9", ("198.51.100.1, 203.0.113.5", ""), "198.51.100.1", "http"),
        ("", "FE80:0:0::1%eth0", ("", ""), "fe80::1", "http"),
    ],
)
def test_what_becomes_of_an_environ(
    trusted: str, peer: str, forwarded: tuple[str, str], client: str, scheme: str
) -> None:
    environ = {
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "http",
        "HTTP_X_FORWARDED_FOR": forwarded[0],
        "HTTP_X_FORWARDED_PROTO": forwarded[1],
    }
    apply(environ, parse(trusted)[0])
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == (client, scheme)


def test_an_environ_without_these_variables() -> None:
    environ = {"wsgi.url_scheme": "http"}
    apply(environ, parse("unix")[0])
    assert environ == {"wsgi.url_scheme": "http", "REMOTE_ADDR": ""}


Serve = Callable[..., ServerProcess]


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def behind_a_proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The small application, which trusts this machine."""
    arguments = (*APP, "--trusted-proxies", PROXY)
    if request.param == "wsgi":
        application = f"tests.support.server_app:make_app(trusted_proxies='{PROXY}')"
        arguments = (*GUNICORN, "--threads", "2", application)
    with ExitStack() as stack:
        server = _start(tmp_path_factory.mktemp(request.param), arguments, {})
        stack.callback(server.stop)
        server.wait_until_ready()
        yield server


def test_a_trusted_proxy_is_believed_under_each_server(behind_a_proxy: ServerProcess) -> None:
    def seen(*headers: str) -> bytes:
        return exchange(behind_a_proxy.url, request("GET", "/echo", *headers))

    assert b'"client":"203.0.113.7"' in seen("X-Forwarded-For: 198.51.100.1, 203.0.113.7")
    assert b'"client":"203.0.113.7"' in seen("X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: ::ffff:203.0.113.7")
    assert b'"client":"127.0.0.1"' in seen("X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: junk")
    assert b'"client":"127.0.0.1"' in seen()
    assert b'"scheme":"https"' in seen("X-Forwarded-Proto: https")
    assert b'"scheme":"http"' in seen()


def test_nobody_else_is_believed_under_each_server(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/echo", headers={"X-Forwarded-For": "203.0.113.7"}).json()
    assert answer["client"] == PROXY


def test_a_proxy_on_a_unix_socket(tmp_path: Path) -> None:
    """gunicorn knows no address of such a peer."""
    socket = tmp_path / "gunicorn.sock"
    application = "tests.support.server_app:make_app(trusted_proxies='unix')"
    arguments = ("-m", "gunicorn", "--bind", f"unix:{socket}", "--no-control-socket", application)
    server = _start(tmp_path, arguments, {})
    try:
        server.wait_for_output("Listening at:")
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=30) as client:
            answers = [
                client.get("http://localhost/echo", headers={"X-Forwarded-For": forwarded}).json()["client"]
                for forwarded in ("203.0.113.7", "junk")
            ]
        assert answers == ["203.0.113.7", ""]
    finally:
        server.stop()
