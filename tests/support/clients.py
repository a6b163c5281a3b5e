"""Other services that call an application under test."""

import base64
from urllib.parse import quote_plus

from ostiary.features.clients.service import Clients, ServiceClient
from tests.conftest import App

FORM = "application/x-www-form-urlencoded"


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of RFC 6749 section 2.3.1."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def new_client(app: App, name: str = "a service", *, may_revoke: bool = True) -> dict[str, str]:
    """Make a service client and return the header that it authenticates with."""

    async def create() -> tuple[ServiceClient, str]:
        return await app.services.get(Clients).create(name, may_revoke=may_revoke)

    client, secret = app.run(create)
    return basic(client.client_id, secret)
