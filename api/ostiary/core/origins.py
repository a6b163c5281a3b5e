"""The web origins that may call from a browser (RFC 6454; Fetch standard, "HTTP CORS protocol")."""

import ipaddress
import re

DEFAULT_PORTS = {"http": 80, "https": 443}
"""Browsers leave these out of an origin."""

_SEPARATORS = re.compile(r"[,\s]+")
_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([1-9][0-9]{0,4}))?"
)
_EXAMPLE = "use, for example, https://app.example or http://localhost:5173"
_REWRITE = "is not written as browsers send it: write"
_REFUSED = {
    "*": f"would let every page call: list the origins, {_EXAMPLE}",
    "null": f"is the origin of every sandboxed page and local file: {_EXAMPLE}",
}


def parse(setting: str) -> tuple[frozenset[str], list[str]]:
    """Return the origins that a setting lists, and its faults, each as a sentence with the remedy.

    setting: origins as browsers send them, separated by commas or white space. An origin is compared character by
    character (RFC 6454 section 6.2), so it has to be written as a browser writes it: in lower case, without a path, and
    without the default port of its scheme.
    """
    words = [word for word in _SEPARATORS.split(setting) if word]
    faults = [f"{word[:64]!r} {fault}" for word in words if (fault := _fault(word))]
    return frozenset(words), faults


def _fault(word: str) -> str:
    """Return the fault of one origin; empty if it has none."""
    if word in _REFUSED:
        return _REFUSED[word]
    found = _ORIGIN.fullmatch(word)
    if found is None:
        return _otherwise(word)
    scheme, host, port = found.groups()
    if port is not None and int(port) > 65535:
        return "has a port above 65535"
    if port is not None and DEFAULT_PORTS.get(scheme) == int(port):
        return f"{_REWRITE} {scheme}://{host}"
    return _address_fault(scheme, host, port)


def _otherwise(word: str) -> str:
    """Return the fault of a word that is not an origin."""
    meant = word.lower().rstrip("/")
    if meant != word and _ORIGIN.fullmatch(meant):
        return f"{_REWRITE} {meant}"
    return f"is not an origin (scheme://host or scheme://host:port): {_EXAMPLE}"


def _address_fault(scheme: str, host: str, port: str | None) -> str:
    """Return the fault of the IPv6 address in an origin; empty if there is none."""
    if not host.startswith("["):
        return ""
    try:
        address = ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return f"has no IPv6 address in its brackets: {_EXAMPLE}"
    if str(address) == host[1:-1]:
        return ""
    rest = "" if port is None else f":{port}"
    return f"{_REWRITE} {scheme}://[{address}]{rest}"
