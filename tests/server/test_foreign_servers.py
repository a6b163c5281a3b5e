"""The product under the servers that people have: each started for real, by the command of docs/deploying.md."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Start
from tests.support.postgres_cluster import free_port
from tests.support.servers import ServerProcess
from tests.support.settings import environment_of, settings_for

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploying.md"
COMMANDS = re.findall(
    r"^ +((?:uvicorn|hypercorn|granian|gunicorn) .*)$",
    DOCUMENT.read_text().partition("## Other servers")[2],
    re.MULTILINE,
)
PROXY, CLIENT = "127.0.0.1", "203.0.113.7"
USER = {"username": "user1", "password": "correct horse battery"}


def command_for(documented: str, port: int) -> list[str]:
    """Return the arguments of `python` that run a command of the documentation on `port`."""
    program, *arguments = documented.replace("'", "").replace("8000", str(port)).split()
    return ["-m", program, *arguments]


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, start: Start, tmp_path: Path) -> Iterator[ServerProcess]:
    port = free_port()
    environment = environment_of(settings_for("", tmp_path / "data", trusted_proxies=PROXY))
    server = start(*command_for(request.param, port), **environment)
    server.url = f"http://127.0.0.1:{port}"
    yield server
    server.stop(signal.SIGTERM)
    assert "Traceback" not in server.output


def test_all_kinds_of_servers_are_documented() -> None:
    assert [command.split()[0] for command in COMMANDS] == ["uvicorn", "hypercorn", "granian", "gunicorn", "gunicorn"]


def test_a_journey_and_its_audit_trail(server: ServerProcess) -> None:
    transport = httpx.HTTPTransport(retries=40)  # until it listens
    with httpx.Client(base_url=server.url, timeout=60, transport=transport) as client:
        through_proxy = {"X-Forwarded-For": CLIENT}
        assert client.post("/register", json=USER, headers=through_proxy).status_code == 201
        assert client.post("/register", json=USER).status_code == 409
        token = client.post("/login", json=USER, headers=through_proxy).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}", **through_proxy}
        assert client.get("/protected", headers=bearer).json() == {"message": "This is a protected route!"}
        events = client.get("/me/audit-events", headers=bearer).json()["events"]
        assert {event["ip"] for event in events} == {CLIENT}
        docs = client.get("/docs").text
        assert "example-administrator" not in docs
        assert client.post("/logout", headers=bearer).status_code == 200
        for _ in range(20):  # whichever worker answers
            assert client.get("/protected", headers=bearer).status_code == 401
