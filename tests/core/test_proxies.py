"""Which client a request comes from when it has passed proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.proxies import MAX_FORWARDED_FOR, TrustedProxies, address_of, parse

CLIENT = "203.0.113.7"


def proxies(setting: str) -> TrustedProxies:
    found, faults = parse(setting)
    assert faults == []
    return found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        *[
            (text, "")
            for text in ("", "junk", "1.2.3", "01.2.3.4", "1.2.3.4 ", "१.2.3.4", "[::1]", "1.2.3.4:5", "\xa0")
        ],
    ],
)
def test_addresses_have_one_form(text: str, address: str) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        (CLIENT, CLIENT),
        ("", "10.0.0.1"),
        ("junk", "10.0.0.1"),
        ("evil<script>", "10.0.0.1"),
        ("x" * 3000, "10.0.0.1"),
        ("198.51.100.1, 203.0.113.7", CLIENT),
        ("198.51.100.1, 203.0.113.7, 10.9.9.9,10.0.0.2", CLIENT),
        ("junk, 203.0.113.7", CLIENT),
        ("203.0.113.7, junk", "10.0.0.1"),
        ("203.0.113.7, junk, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.7,, ,\t", CLIENT),
        ("203.0.113.7:5678", CLIENT),
        ("::ffff:203.0.113.7", CLIENT),
        ("[2001:db8:0::1]:80", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("198.51.100.1, [::ffff:10.0.0.2]:80", "198.51.100.1"),
        ("[203.0.113.7]:x", "10.0.0.1"),
        ("203.0.113.7:", "10.0.0.1"),
        ("fe80::1%<script>", "10.0.0.1"),
        ("\xa0203.0.113.7", "10.0.0.1"),
        ("203.0.113.7 198.51.100.1", "10.0.0.1"),
        ("1.1.1.1," * 9000 + CLIENT, CLIENT),
        (CLIENT + ",10.0.0.2" * 9000, "10.0.0.2"),
        ("5" + "," * 3000, "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_is_no_trusted_proxy(forwarded_for: str, client: str) -> None:
    assert proxies("10.0.0.0/8").client_of("10.0.0.1", forwarded_for) == client


def test_a_member_that_the_bound_cuts_is_not_read() -> None:
    hops = ",10.0.0.2" * 227
    value = "1" + ("23.4.5.6" + hops)
    assert len(value) > MAX_FORWARDED_FOR > len(hops)
    assert proxies("10.0.0.0/8").client_of("10.0.0.1", value) == "10.0.0.2"


@pytest.mark.parametrize(
    ("setting", "trusted", "others"),
    [
        ("", [], ["10.0.0.1", "::1", ""]),
        ("10.0.0.1", ["10.0.0.1"], ["10.0.0.2", ""]),
        (" 10.0.0.1 ,\t2001:db8::/32", ["10.0.0.1", "2001:db8::5"], ["2001:db9::5"]),
        ("::ffff:10.0.0.1", ["10.0.0.1"], ["10.0.0.2"]),
        ("::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.1"]),
        ("unix", [""], ["127.0.0.1"]),
        ("*", ["10.0.0.1", "::1", ""], []),
    ],
)
def test_who_is_trusted(setting: str, trusted: list[str], others: list[str]) -> None:
    found = proxies(setting)
    assert bool(found) is bool(trusted)
    assert [found.trusts(address) for address in trusted + others] == [True] * len(trusted) + [False] * len(others)


@pytest.mark.parametrize(
    "word",
    ["garbage", "", "10.0.0", "10.0.0.0/33", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "proxy.example", "**", "UNIX"],
)
def test_what_is_no_address_is_a_fault(word: str) -> None:
    for setting in (f"10.0.0.1,{word}", f"{word},10.0.0.1"):
        _, faults = parse(setting)
        assert len(faults) == 1
        assert "use, for example, 10.0.0.1" in faults[0]


def test_an_address_in_a_network_is_a_fault_with_the_network() -> None:
    assert parse("10.0.0.1/8")[1] == ["'10.0.0.1/8' is an address in a network: write 10.0.0.0/8, or the address alone"]


@given(st.text(max_size=80), st.sampled_from(["10.0.0.0/8", "*", "unix"]))
def test_whatever_is_forwarded_the_client_is_an_address(forwarded_for: str, setting: str) -> None:
    client = proxies(setting).client_of("10.0.0.1", forwarded_for)
    assert address_of(client) == client != ""
