"""The configurations of docs/deploying.md as they are, TLS included, and the page that shows them."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.certificates import Certificate, make_certificate
from tests.support.proxies import CONFIGURATIONS, DOCUMENTED, ROOT, UNDER_A_PATH, proxy
from tests.support.servers import ServerProcess
from tests.support.smuggling import PASSWORD

pytestmark = pytest.mark.uncounted

PAGE = ROOT / "docs" / "deploying.md"
SHOWN = ("caddy", "nginx", "nginx-websocket", "haproxy")
FORGED = "198.51.100.66"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=SHOWN)
def client(
    request: pytest.FixtureRequest, ostiary: ServerProcess, certificate: Certificate, tmp_path: Path
) -> Iterator[httpx.Client]:
    """A client that speaks TLS to the proxy."""
    trust = ssl.create_default_context(cafile=str(certificate.certificate))
    with (
        proxy(request.param, ostiary.url, tmp_path, certificate) as url,
        httpx.Client(base_url=url, verify=trust, timeout=30) as found,
    ):
        yield found


def test_a_session_has_the_address_that_the_proxy_saw(client: httpx.Client, request: pytest.FixtureRequest) -> None:
    person = {"username": f"tls-{request.node.callspec.params['client']}", "password": PASSWORD}
    forged = {"X-Forwarded-For": FORGED, "X-Forwarded-Proto": "gopher"}
    assert client.post("/register", json=person, headers=forged).status_code == 201
    token = client.post("/login", json=person, headers=forged).json()["access_token"]
    sessions = client.get("/me/sessions", headers={"Authorization": f"Bearer {token}", **forged})
    assert [one["ip"] for one in sessions.json()["sessions"]] == ["127.0.0.1"]


@pytest.mark.parametrize("file", sorted(path.name for path in DOCUMENTED.iterdir()))
def test_the_page_shows_the_file_as_it_is(file: str) -> None:
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert (DOCUMENTED / file).read_text() in blocks


def test_every_configuration_that_is_shown_is_started_by_tests() -> None:
    started = {CONFIGURATIONS[name].name for name in SHOWN}
    started |= {file.name for file in UNDER_A_PATH.values()}  # in tests/browser/test_prefix.py
    assert {path.name for path in DOCUMENTED.iterdir()} == started | {"ostiary.service"}
