"""`ostiary cleanup`: delete expired rows, for deployments without `ostiary serve`."""

import click

from ostiary.commands.database import CommandLine
from ostiary.persistence.cleanup import Cleanup


@click.command("cleanup")
@click.pass_obj
def cleanup(command_line: CommandLine) -> None:
    """Delete expired rows of all features and print the number of deleted rows for each table.

    `ostiary serve` does this automatically. With another server, run this command regularly. The server can keep
    running.
    """
    deleted = command_line.run(lambda context: context.get(Cleanup).round())
    for table, rows in sorted(deleted.items()):
        click.echo(f"{table}: {rows}")
