"""`ostiary migrate`: create the database, or migrate it to the schema of this version, without a server."""

import click

from ostiary import settings as settings_module
from ostiary.app import prepare
from ostiary.commands import database


@click.command("migrate")
def migrate() -> None:
    """Create the database if there is none, and migrate it to the schema of this version, as `ostiary serve` does."""
    settings = prepare(settings_module.read())
    click.echo(f"The database {database.name(settings)} is ready for this version")
