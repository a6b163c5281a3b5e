"""Calls the operations that somebody must be logged in for."""

from typing import Any

import httpx

from .answers import Contract, address
from .deployment import Deployment
from .people import User


class Operations:
    """Calls operations as one user or another, and compares each answer with the contract."""

    def __init__(self, deployment: Deployment, client: httpx.Client) -> None:
        self.definitions = {
            label: found
            for label, found in deployment.operations.items()
            if any("bearerAuth" in alternative for alternative in found["security"])
        }
        self.client = client
        self._contract = Contract(deployment.contract)

    def with_body(self) -> list[str]:
        """Return those that take a body."""
        return [label for label, found in self.definitions.items() if "requestBody" in found]

    def documenting(self, code: str) -> list[str]:
        """Return those that document a problem's code."""
        return [label for label, found in self.definitions.items() if f'"{code}"' in str(found).replace("'", '"')]

    def call(self, label: str, user: User | str, where: str = "", **kwargs: Any) -> httpx.Response:
        """Call an operation as `user`, or with an access token. where: the path, if it has parameters that matter."""
        method, path = label.split(" ")
        token = user if isinstance(user, str) else user.token()
        headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
        answer = self.client.request(method, where or address(path), headers=headers, **kwargs)
        assert self._contract.faults(method, path, answer) == [], label
        return answer
