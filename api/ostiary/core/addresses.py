"""Network addresses: wildcards, loopback, and their forms in URLs."""

import ipaddress

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Wildcard addresses, each with the loopback address at which this machine can reach it."""


def in_url(host: str) -> str:
    """Return `host` in its form for URLs: an IPv6 address in brackets (RFC 3986 section 3.2.2, RFC 6874)."""
    return f"[{host.replace('%', '%25', 1)}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether `host` is a loopback address: localhost, 127.0.0.0/8 or ::1, with or without brackets."""
    name = host.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def without_port(authority: str) -> str:
    """Return the host in a Host header field (RFC 9110 section 7.2), without validating it."""
    host, colon, port = authority.rpartition(":")
    return host if colon and (not port or (port.isascii() and port.isdigit())) else authority
