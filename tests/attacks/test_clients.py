"""Clients that offer an upgrade with every first request are served as any other, directly and through proxies."""

import asyncio
import json
import subprocess

import pytest

from tests.attacks.conftest import DIRECT, Proxies
from tests.support.programs import program
from tests.support.proxies import CONFIGURATIONS
from tests.support.raw_http import converse
from tests.support.smuggling import credentials, post

pytestmark = pytest.mark.uncounted

BEHIND = (DIRECT, *CONFIGURATIONS)


@pytest.mark.parametrize("behind", BEHIND)
def test_the_client_of_the_jdk_registers_and_logs_in(proxies: Proxies, java_client: list[str], behind: str) -> None:
    command = [*java_client, proxies.url(behind), f"jdk-{behind}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["201", "200", "409"], done


@pytest.mark.parametrize("behind", BEHIND)
def test_curl_that_offers_http_2_registers(proxies: Proxies, behind: str) -> None:
    url = proxies.url(behind)
    person = credentials(f"curl-{behind}").decode()
    command = [program("curl"), "--silent", "--http2", "--max-time", "30", "--write-out", "\n%{http_code}\n"]
    # Twice on one connection: the second answer is that of the second request.
    command += ["--json", person, f"{url}/register", f"{url}/login"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    registered, first, logged_in, second = filter(None, done.stdout.splitlines())
    assert (first, second) == ("201", "200"), done
    assert "access_token" not in registered
    assert "access_token" in json.loads(logged_in)


@pytest.mark.parametrize("behind", BEHIND)
def test_requests_on_one_connection_are_answered_in_order(proxies: Proxies, behind: str) -> None:
    person = credentials(f"order-{behind}")
    offer = ("Connection: Upgrade", "Upgrade: h2c")
    requests = [b"".join(post(path, person, *offer)) for path in ("/register", "/login", "/register")]
    answers = asyncio.run(converse(proxies.url(behind), requests))
    assert [int(answer.split(b" ", 2)[1]) for answer in answers] == [201, 200, 409]
