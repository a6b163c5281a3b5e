"""Other services that call the server under test."""

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

SCHEME = "clientAuth"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class ServiceClient:
    """The id and secret of a service client."""

    client_id: str
    secret: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header (RFC 6749 section 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def is_for_services(operation: dict[str, Any]) -> bool:
    """Return whether an operation of the contract is for service clients, not for users."""
    return any(SCHEME in schemes for schemes in operation.get("security", []))
