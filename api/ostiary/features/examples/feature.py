"""The example administrator and client, which Swagger UI acts as in development."""

from ostiary.feature import Context, Feature
from ostiary.features.accounts.service import Accounts
from ostiary.features.clients.service import Clients
from ostiary.features.examples.administrator import ExampleAdministrator
from ostiary.features.examples.client import ExampleClient
from ostiary.features.examples.service import Examples


def _examples(context: Context) -> Examples:
    secret, present = context.settings.secret_key, context.has_examples
    return Examples(
        ExampleAdministrator(context.get(Accounts), secret, present=present),
        ExampleClient(context.get(Clients), secret, present=present),
    )


async def _after_reset(context: Context) -> None:
    await context.get(Examples).administrator.restore()


FEATURE = Feature(name="examples", services={Examples: _examples}, after_reset=_after_reset)
