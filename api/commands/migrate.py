"""`ostiary migrate`: the database, created or brought to this version's schema without a server."""

import click

from api import settings as settings_module
from api.app import prepare
from api.commands import database
from api.commands.faults import one_line_faults


@click.command("migrate")
@one_line_faults
def migrate() -> None:
    """Create the database if there is none, and bring it to the schema of this version, as `ostiary serve` does."""
    settings = prepare(settings_module.read())
    click.echo(f"The database {database.name(settings)} is ready for this version")
