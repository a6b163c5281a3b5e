"""What an address says about who can reach it."""

import ipaddress


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
    return host if colon and (not port or port.isdigit()) else authority
