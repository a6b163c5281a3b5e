"""Other services that call an application under test."""

import base64
from urllib.parse import quote_plus

from tests.conftest import App

FORM = "application/x-www-form-urlencoded"


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of RFC 6749 section 2.3.1."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def new_client(app: App, name: str = "a service") -> dict[str, str]:
    """Make a service client and return the header that it authenticates with."""
    client, secret = app.run(app.services.clients.create, name)
    return basic(client.client_id, secret)
