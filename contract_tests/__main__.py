"""`ostiary contract-test`: the suite as a command, against any deployment."""

import os
import sys
from pathlib import Path

import click
import pytest

HERE = Path(__file__).parent
REPORT_DIR = "contract-report"


@click.command("contract-test", epilog="What stands after -- is handed to pytest, for example: -- -k bad_bodies -x")
@click.option("--url", help="The deployment to test. Without it: a server of the suite's own, for every answer.")
@click.option("--time-budget", type=click.IntRange(1), metavar="SECONDS", help="Generate cases for at least this long.")
@click.option("--max-examples", type=click.IntRange(1), help="Generated cases for each operation (default: 150).")
@click.option("--seed", help="A number generates the same cases each time (default: 1); `random` others.")
@click.option("--admin-username", help="An administrator; the password stands in CONTRACT_ADMIN_PASSWORD.")
@click.option("--client-id", help="A service client; its secret stands in CONTRACT_CLIENT_SECRET.")
@click.option("--report-dir", default=REPORT_DIR, show_default=True, help="Where contract.html and JUnit files go.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def main(pytest_arguments: tuple[str, ...], url: str | None, **options: str | int | None) -> None:
    """Compare a deployment of Ostiary with the contract that it serves.

    Registers throwaway users and removes them at the end. Exits with 1 when something is not as the contract says; each
    finding has a curl line that shows it.
    """
    arguments = [str(HERE), f"--rootdir={HERE}", f"--config-file={HERE / 'pytest.ini'}"]
    arguments += [] if url is None else [f"--base-url={url}"]
    arguments += [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    # Plugins that happen to be installed beside the suite have no part in its judgement.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.exit(pytest.main([*arguments, *pytest_arguments]))


if __name__ == "__main__":
    main(prog_name="ostiary contract-test")
