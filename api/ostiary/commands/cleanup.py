"""`ostiary cleanup`: delete expired rows where no server does it by itself."""

import click

from ostiary.commands.database import CommandLine


@click.command("cleanup")
@click.pass_obj
def cleanup(command_line: CommandLine) -> None:
    """Delete expired rows of all features; print how many of each table.

    `ostiary serve` does so by itself. Under another server, run this from time to time; requests continue meanwhile.
    """
    deleted = command_line.run(lambda context: context.get_cleanup().round())
    for table, rows in sorted(deleted.items()):
        click.echo(f"{table}: {rows}")
