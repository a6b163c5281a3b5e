"""The identities that Swagger UI uses for operations that need a role or are for other services."""

from dataclasses import dataclass

from ostiary.features.examples.administrator import ExampleAdministrator
from ostiary.features.examples.client import ExampleClient


@dataclass(frozen=True)
class Examples:
    """The example administrator and the example service client."""

    administrator: ExampleAdministrator
    client: ExampleClient

    async def start(self) -> None:
        """Create or remove both, as the settings say; raises the problem `database_unavailable`."""
        await self.administrator.settle()
        await self.client.settle()
