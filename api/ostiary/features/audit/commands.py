"""`ostiary audit`: verify the audit trail."""

import sys

import click

from ostiary.feature import CommandLine
from ostiary.features.audit.service import Audit
from ostiary.features.audit.verification import verify


@click.group("audit")
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option(
    "--expect-head", metavar="HASH", help="The head from an earlier verification. It must still be in the trail."
)
@click.pass_obj
def verify_audit(command_line: CommandLine, expect_head: str | None) -> None:
    """Verify the audit trail and print its head.

    Exits with 1 and names the first event that was altered, removed or moved. Keep the head elsewhere: with it, the
    next verification notices if the end of the trail was cut off.
    """
    verdict = command_line.run(lambda context: verify(context.database, context.get(Audit), expect_head))
    click.echo(f"{verdict.events} events fit; head {verdict.head}")
    if verdict.misfit is not None:
        misfit = verdict.misfit
        click.echo(f"ostiary: event {misfit.seq} ({misfit.id}) does not fit: {misfit.reason}", err=True)
    elif not verdict.anchored:
        click.echo(f"ostiary: no event has the hash {expect_head}: the end of the trail was cut off", err=True)
    sys.exit(0 if verdict.is_whole else 1)
