"""`ostiary sessions`: end all sessions, or those that began recently."""

import sys
from datetime import UTC, datetime

import click

from ostiary.feature import CommandLine
from ostiary.features.sessions.management import SessionManagement


@click.group("sessions")
def sessions() -> None:
    """Manage sessions on the server."""


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time such as 2026-11-23T12:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@sessions.command("end")
@click.option("--all", "everybody", is_flag=True, help="End every session.")
@click.option("--since", metavar="TIME", callback=_moment, help="End the sessions that began at TIME or later (UTC).")
@click.pass_obj
def end_sessions(command_line: CommandLine, everybody: bool, since: datetime | None) -> None:
    """End sessions with all their tokens and print how many. Users must log in again. API keys stay valid.

    After a restore, sessions that were ended after the backup are open again. The database does not show which ones, so
    end all of them.
    """
    if everybody == (since is not None):
        click.echo("ostiary: choose the sessions: --all, or --since TIME", err=True)
        sys.exit(2)
    ended: int = command_line.run(lambda context: context.get(SessionManagement).end_since(since))
    click.echo(f"Ended {ended} sessions")
