"""`ostiary cleanup`: delete what nobody needs any more, where no server does it by itself."""

from collections import Counter

import click

from ostiary.commands.database import use_database
from ostiary.commands.faults import one_line_faults
from ostiary.services import run_with_services


@click.command("cleanup")
@one_line_faults
def cleanup() -> None:
    """Delete expired and ended sessions and refresh tokens; print how many rows of each table.

    `ostiary serve` does so by itself. Under another server run this now and then; requests go on meanwhile.
    """
    settings = use_database()
    deleted: Counter[str] = run_with_services(settings, lambda services: services.cleanup.round())
    for table, rows in sorted(deleted.items()):
        click.echo(f"{table}: {rows}")
