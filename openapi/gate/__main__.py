"""`python -m openapi.gate`: compare the contract of the last release with the present one."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from openapi.gate import NotAContract, compare, read, report

CONTRACT_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("gate")
@click.argument("old", type=CONTRACT_FILE, default="openapi/released.json")
@click.argument("new", type=CONTRACT_FILE, default="openapi/openapi.json")
@click.option("--markdown", is_flag=True, help="Print the changes in the form of the changelog.")
@click.option("--changelog", type=CONTRACT_FILE, help="Write the changes into this file, between its markers.")
@click.option("--policy", is_flag=True, help="Print what counts as breaking, as Markdown tables, and compare nothing.")
def main(old: Path, new: Path, markdown: bool, changelog: Path | None, policy: bool) -> None:
    """Report what changed from the contract OLD to the contract NEW.

    Exits with 1 if a change breaks clients and the major part of the version is the same. OLD is
    openapi/released.json and NEW is openapi/openapi.json by default.
    """
    if policy:
        click.echo(report.policy(), nl=False)
        return
    try:
        before, after = read(old), read(new)
        changes = compare(before, after)
        if changelog is not None:
            text = report.in_changelog(changelog.read_text(encoding="utf-8"), changes)
            changelog.write_text(text, encoding="utf-8")
    except (NotAContract, report.NoMarkers, OSError) as error:
        _fail(str(error))
    click.echo(report.markdown(changes) if markdown else "\n".join(report.lines(changes)) + "\n", nl=False)
    objection = report.objection(before, after, changes)
    if objection is not None:
        _fail(objection)


def _fail(reason: str) -> NoReturn:
    click.echo(f"openapi.gate: {reason}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m openapi.gate")
