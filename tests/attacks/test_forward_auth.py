"""Proxies that ask `/authorize` before they pass a request on, with the configurations of docs/forward-auth.md."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.proxies import FORWARD_AUTH, GUARDS, ROOT, proxy
from tests.support.servers import ServerProcess
from tests.support.smuggling import PASSWORD

pytestmark = pytest.mark.uncounted

PAGE = ROOT / "docs" / "forward-auth.md"
PROXIES = ("nginx-forward-auth", "caddy-forward-auth")
SPELLINGS = [
    f"X{first}Auth{second}{name}" for first in "-_" for second in "-_" for name in ("Subject", "Roles", "Scopes")
]


class _Application(BaseHTTPRequestHandler):
    """Answers the method, the path, the header fields and the body of a request that has reached it."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(length)
        seen = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode()}
        answer = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def application() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Application) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=PROXIES)
def client(
    request: pytest.FixtureRequest, ostiary: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp(request.param)
    with (
        application() as behind,
        proxy(request.param, ostiary.url, directory, application=behind) as url,
        httpx.Client(base_url=url, timeout=30) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def token(ostiary: ServerProcess) -> str:
    person = {"username": "behind-a-proxy", "password": PASSWORD}
    with httpx.Client(base_url=ostiary.url, timeout=30) as direct:
        assert direct.post("/register", json=person).status_code == 201
        found: str = direct.post("/login", json=person).json()["access_token"]
    return found


@pytest.fixture(scope="module")
def subject(ostiary: ServerProcess, token: str) -> str:
    found: str = httpx.get(f"{ostiary.url}/me", headers={"Authorization": f"Bearer {token}"}).json()["id"]
    return found


def told(answer: httpx.Response) -> dict[str, list[str]]:
    """Return the headers about the caller that the application gets, by their WSGI names."""
    found: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        variable = name.upper().replace("-", "_")
        if variable.startswith("X_AUTH") and value:
            found.setdefault(variable, []).append(value)
    return found


def identity(subject: str) -> dict[str, list[str]]:
    return {"X_AUTH_SUBJECT": [subject], "X_AUTH_SCOPES": ["me:read me:write"]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_application_learns_who_calls(client: httpx.Client, token: str, subject: str, method: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    body = b"a body" if method in ("POST", "PUT", "PATCH") else b""
    answer = client.request(method, "/orders/7?role=admin&scope=x", headers=bearer, content=body)
    assert answer.status_code == 200
    seen = answer.json()
    assert (seen["method"], seen["path"], seen["body"]) == (method, "/orders/7?role=admin&scope=x", body.decode())
    assert told(answer) == identity(subject)


def test_a_body_in_chunks_reaches_the_application(client: httpx.Client, token: str) -> None:
    answer = client.post("/", headers={"Authorization": f"Bearer {token}"}, content=iter([b"in ", b"chunks"]))
    assert (answer.status_code, answer.json()["body"]) == (200, "in chunks")


@pytest.mark.parametrize("authorization", ["", "Bearer x.y.z", "Basic dTpw"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_nothing_reaches_the_application_without_a_token(client: httpx.Client, method: str, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.request(method, "/orders/7", headers={**headers, **preflight})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="ostiary"')


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_a_client_does_not_say_who_it_is(
    client: httpx.Client, token: str, subject: str, spelling: str, case: type[str]
) -> None:
    forged = [("Authorization", f"Bearer {token}"), (case(spelling), "admin"), (case(spelling), "root")]
    answer = client.get("/orders/7", headers=forged)
    assert answer.status_code == 200
    assert told(answer) == identity(subject)
    assert client.get("/orders/7", headers=forged[1:]).status_code == 401


def test_a_role_is_asked_for(ostiary: ServerProcess, token: str, tmp_path: Path) -> None:
    with (
        application() as behind,
        proxy("nginx-forward-auth", ostiary.url, tmp_path, application=behind) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        refused = client.get("/administration/", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 403
        assert client.get("/administration/").status_code == 401
        assert client.get("/_authorize", headers={"Authorization": f"Bearer {token}"}).status_code == 404


@pytest.mark.parametrize("file", sorted(path.name for path in FORWARD_AUTH.iterdir()))
def test_the_page_shows_the_file_as_it_is(file: str) -> None:
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert (FORWARD_AUTH / file).read_text() in blocks
    assert file in {GUARDS[name].name for name in PROXIES}
