"""The contract as a file, with the addresses of servers and adaptations for tools."""

import copy
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ostiary.web.schema_bounds import schemas_of


class NoServerAddress(ValueError):
    """An address is not allowed in `servers`; the message says why."""


def server_address(text: str) -> str:
    """Return the http or https address of a server for `servers`, without a trailing slash.

    Raises NoServerAddress for a relative address, because a file has no base address (OpenAPI 3.1 section 4.8.5), and
    for an address with a query, a fragment or credentials.
    """
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise NoServerAddress(f"{text!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
        raise NoServerAddress(f"{text!r} is not an address such as https://id.example/auth")
    if parts.query or parts.fragment or parts.username is not None or not text.isprintable() or " " in text:
        raise NoServerAddress(f"{text!r} has more than a scheme, a host, a port and a path")
    return text.rstrip("/")


def with_servers(document: dict[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """Return the contract with these servers instead of its own; unchanged if none are given."""
    return {**document, "servers": [{"url": address} for address in addresses]} if addresses else document


def for_openapi_generator(document: dict[str, Any]) -> dict[str, Any]:
    """Return the contract as OpenAPI Generator 7 reads it.

    The generator accepts only text as `requestBody` of a link, although OpenAPI 3.1 section 4.8.20 allows any value.
    Other values are removed. `const` (JSON Schema 2020-12 section 6.1.3) becomes an equivalent `enum` with one value.
    """
    changed = copy.deepcopy(document)
    for item in changed["paths"].values():
        for method, operation in item.items():
            for response in operation["responses"].values() if method != "parameters" else ():
                for link in response.get("links", {}).values():
                    if not isinstance(link.get("requestBody", ""), str):
                        del link["requestBody"]
    for schema in schemas_of([changed["paths"], changed["components"]]):
        if "const" in schema:
            schema["enum"] = [schema.pop("const")]
    return changed


TOOLS = {"openapi-generator": for_openapi_generator}
"""The adaptations, by the name of the tool."""


def exported(document: dict[str, Any]) -> bytes:
    """Return the bytes of the file, indented by two spaces."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
