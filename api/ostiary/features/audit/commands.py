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
@click.option("--expect-head", metavar="HASH", help="The head that an earlier run printed; it must still exist.")
@click.pass_obj
def verify_audit(command_line: CommandLine, expect_head: str | None) -> None:
    """Verify the audit trail and print its head.

    If an event was altered, removed or moved, the command names the first such event and exits with 1. Keep the head in
    another place: with --expect-head, the next run also detects that the end of the trail was cut off.
    """
    verdict = command_line.run(lambda context: verify(context.database, context.get(Audit), expect_head))
    click.echo(f"{verdict.events} events fit; head {verdict.head}")
    if verdict.misfit is not None:
        misfit = verdict.misfit
        click.echo(f"ostiary: event {misfit.seq} ({misfit.id}) does not fit: {misfit.reason}", err=True)
    elif not verdict.anchored:
        click.echo(f"ostiary: no event has the hash {expect_head}: the end of the trail was cut off", err=True)
    sys.exit(0 if verdict.is_whole else 1)
