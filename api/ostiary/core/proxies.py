"""Trusted proxies, and the client address of a request that has passed through them."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ostiary.core.fields import OWS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYBODY = "*"
UNIX_SOCKET = "unix"
"""The word in the setting for peers on a Unix socket, which have no address."""
MAX_FORWARDED_FOR = 2048
"""Characters at the end of X-Forwarded-For that are read: about 50 hops."""

MAX_HOP = 64
"""Maximum characters of one address with brackets and port."""

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


@lru_cache(maxsize=1024)
def address_of(text: str) -> str:
    """Return a network address in canonical form. IPv4 addresses that are mapped into IPv6 become IPv4 addresses.

    The zone of a link-local address (`fe80::1%eth0`) names an interface of one machine and is removed. Returns an empty
    text if `text` is not an address.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _hop(text: str) -> str:
    """Return the address in one member of X-Forwarded-For, which may have a port; empty if it is not an address."""
    if len(text) > MAX_HOP:
        return ""
    found = _WITH_PORT.fullmatch(text)
    if found is not None:
        text = found[1] or found[2]
    return "" if "%" in text else address_of(text)


@dataclass(frozen=True)
class TrustedProxies:
    """Proxies that are trusted to name the origin of a request.

    everybody: trust all peers. unix_socket: trust all peers on a Unix socket.
    """

    networks: tuple[Network, ...] = ()
    unix_socket: bool = False
    everybody: bool = False

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.networks) or self.unix_socket or self.everybody

    def trusts(self, address: str) -> bool:
        """Return whether the address, in the form of `address_of`, is a trusted proxy; empty means a Unix socket."""
        if self.everybody:
            return True
        if not address:
            return self.unix_socket
        found = ipaddress.ip_address(address)
        return any(found in network for network in self.networks if network.version == found.version)

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """Return the address of the client behind the peer, which is a trusted proxy.

        forwarded_for: the value of X-Forwarded-For, to which each proxy has appended the address of its peer. It is
        read from the end up to the first address that is not a trusted proxy. If a member is not an address, reading
        stops, and the last proxy before it counts as the client.
        """
        client = peer
        for text in _from_the_end(forwarded_for):
            found = _hop(text)
            if not found:
                break
            client = found
            if not self.trusts(found):
                break
        return client


def _from_the_end(forwarded_for: str) -> Iterator[str]:
    """Yield the members of the list from the last to the first; empty ones do not count (RFC 9110 section 5.6.1)."""
    members = forwarded_for[-MAX_FORWARDED_FOR:].split(",")
    if len(forwarded_for) > MAX_FORWARDED_FOR:
        del members[0]  # it may have been cut
    return (text for text in (member.strip(OWS) for member in reversed(members)) if text)


def parse(setting: str) -> tuple[TrustedProxies, list[str]]:
    """Return the proxies that a setting names, and its faults, each as a sentence with the remedy.

    setting: addresses and networks, separated by commas; `unix`; `*`.
    """
    networks: list[Network] = []
    faults: list[str] = []
    words = [word.strip(OWS) for word in setting.split(",")] if setting.strip(OWS) else []
    for word in words:
        if word in (EVERYBODY, UNIX_SOCKET):
            continue
        try:
            networks.append(_network(word))
        except ValueError as error:
            faults.append(f"{word[:64]!r} is {error}")
    return TrustedProxies(tuple(networks), UNIX_SOCKET in words, EVERYBODY in words), faults


def _network(word: str) -> Network:
    """Return one network. Raises ValueError with the fault of `word` and the remedy."""
    otherwise = "not an address or network: use, for example, 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32, with commas"
    if "%" in word:
        raise ValueError(otherwise)
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise ValueError(otherwise) from None
    if str(network.network_address) != str(ipaddress.ip_address(word.partition("/")[0])):
        raise ValueError(f"an address in a network: write {network}, or the address alone")
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network
