"""What an address says about who can reach it."""

import ipaddress

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Addresses that stand for all of this machine's, with one at which this machine itself reaches them."""


def in_url(host: str) -> str:
    """Return `host` as URLs have it: an IPv6 address in brackets (RFC 3986 section 3.2.2, RFC 6874)."""
    return f"[{host.replace('%', '%25', 1)}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether `host` leads to this machine alone: localhost, 127.0.0.0/8 or ::1, in brackets or not."""
    name = host.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def without_port(authority: str) -> str:
    """Return the host in a Host header field (RFC 9110 section 7.2), whatever that is worth."""
    host, colon, port = authority.rpartition(":")
    return host if colon and (not port or (port.isascii() and port.isdigit())) else authority
