"""The authorization server metadata for other services (RFC 8414)."""

import json
from typing import Any

from ostiary.web.cached_response import CachedResponse

MAX_AGE = 3600
"""Seconds for which others can cache it. It changes only with the settings."""
AUTHENTICATION = ["client_secret_basic", "client_secret_post"]


def metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of `issuer`. Its path, if any, is the prefix of the contract's paths.

    Ostiary has neither authorization nor token endpoint. RFC 8414 section 2 requires `response_types_supported`, and a
    missing `grant_types_supported` would mean two grants that Ostiary does not have. So both are present and empty.
    """
    base = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": [],
        "service_documentation": f"{base}/docs",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": AUTHENTICATION,
        "revocation_endpoint": f"{base}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
    }


class Metadata:
    """The cached response with the metadata."""

    def __init__(self, issuer: str) -> None:
        content = json.dumps(metadata(issuer), separators=(",", ":")).encode()
        self.held = CachedResponse(content, "application/json", {"Cache-Control": f"public, max-age={MAX_AGE}"})
