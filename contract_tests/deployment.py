"""What is tested."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from .answers import operations
from .people import Credentials
from .server import ServerProcess
from .services import ServiceClient, is_for_services
from .watch import Watch


class NoDeployment(Exception):
    """There is nothing that could be tested."""


@dataclass(frozen=True)
class Deployment:
    """Where it is, its administrator and a service client if they are known, its process if the suite started it, what
    it promises.
    """

    base_url: str
    administrator: Credentials | None
    service: ServiceClient | None
    process: ServerProcess | None
    contract: dict[str, Any] = field(repr=False)
    watch: Watch = field(repr=False)

    @classmethod
    def at(
        cls,
        base_url: str,
        administrator: Credentials | None = None,
        service: ServiceClient | None = None,
        process: ServerProcess | None = None,
    ) -> "Deployment":
        """Ask the server at `base_url` for its contract; raises NoDeployment."""
        try:
            contract = httpx.get(base_url + "/openapi.json", timeout=30).raise_for_status().json()
        except httpx.TransportError as error:
            raise NoDeployment(f"nobody answers at {base_url}: {error}") from error
        except (httpx.HTTPStatusError, ValueError) as error:
            raise NoDeployment(f"{base_url} does not answer its contract at /openapi.json: {error}") from error
        return cls(base_url, administrator, service, process, contract, Watch(contract))

    @property
    def operations(self) -> dict[str, dict[str, Any]]:
        """The operations of the contract, named like `POST /login`."""
        return operations(self.contract)

    @property
    def privileged(self) -> list[str]:
        """The operations that need a role, or a scope that comes with one."""
        return [
            label
            for label, found in self.operations.items()
            if any(alternative.get("bearerAuth") for alternative in found["security"])
        ]

    @property
    def for_services(self) -> list[str]:
        """The operations that only a service client may call."""
        return [label for label, found in self.operations.items() if is_for_services(found)]

    def client(self, timeout: float = 30) -> httpx.Client:
        """Return a client whose answers are watched; timeout in seconds."""
        return self.watch.client(self.base_url, timeout)
