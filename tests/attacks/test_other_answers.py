"""Nobody gets another's answer, whatever a sender puts through a proxy that everybody shares."""

import asyncio

import pytest

from tests.attacks.conftest import Proxies
from tests.support.proxies import CONFIGURATIONS
from tests.support.smuggling import Damage, attack

pytestmark = pytest.mark.uncounted  # the server is a process of its own

SHORT = 2.0
LONG = 20.0
EVERYBODY = tuple(name for name in CONFIGURATIONS if name != "haproxy-edit")


def unharmed(damage: Damage) -> None:
    assert damage.foreign == []
    assert damage.is_enough
    # The hidden request is the body of a registration, and no JSON.
    assert set(damage.attacks) == {400}


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_request_hidden_behind_an_upgrade_offer_reaches_nobody(proxies: Proxies, name: str) -> None:
    unharmed(asyncio.run(attack(proxies.url(name), SHORT, f"short-{name}")))


@pytest.mark.attacks
@pytest.mark.parametrize("protocol", ["h2c", "foo/2", "websocket"])
@pytest.mark.parametrize("name", EVERYBODY)
def test_a_long_attack_reaches_nobody(proxies: Proxies, name: str, protocol: str) -> None:
    seconds = LONG if protocol == "h2c" else LONG / 4
    named = protocol.replace("/", "-")
    unharmed(asyncio.run(attack(proxies.url(name), seconds, f"long-{name}-{named}", protocol)))
