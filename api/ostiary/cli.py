"""The `ostiary` command."""

import sys

from ostiary.server import standard_streams  # first: it opens closed streams before other files take their numbers

# isort: split
from ostiary.server import signals

if sys.argv[1:2] == ["serve"]:  # the imports below take a second or two, and a stop signal can arrive during them
    signals.exit_at_once()

# isort: split
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import click
import structlog

from ostiary import __version__
from ostiary import settings as settings_module
from ostiary.app import create_asgi, prepare, run
from ostiary.commands.backup import backup, restore
from ostiary.commands.cleanup import cleanup
from ostiary.commands.database import CommandLine
from ostiary.commands.faults import Program
from ostiary.commands.limits import limits
from ostiary.commands.migrate import migrate
from ostiary.commands.spec import spec
from ostiary.core.addresses import in_url
from ostiary.core.common_passwords import is_common
from ostiary.features import FEATURES
from ostiary.features.keys.service import Keys
from ostiary.server.descriptors import RESERVED_DESCRIPTORS
from ostiary.server.http.limits import Limits
from ostiary.server.process import Process, serve

log = structlog.stdlib.get_logger(__name__)

CONTRACT_EXTRA = ("httpx", "pytest", "schemathesis")
"""The packages that `ostiary contract-test` needs in addition to Ostiary."""
OF_THE_PUBLIC = ("contract-test", "limits", "settings", "spec")
"""The commands that write no secrets, so their files keep the usual permissions."""


@click.group(cls=Program)
@click.version_option(__version__, prog_name="ostiary")
@click.pass_context
def main(context: click.Context) -> None:
    """Ostiary: authentication and authorization whose contract is proved."""
    context.obj = CommandLine()
    if 1 in standard_streams.CLOSED and context.invoked_subcommand != "serve":
        click.echo("ostiary: standard output is closed: open it, such as with >/dev/null, and try again", err=True)
        sys.exit(1)
    if context.invoked_subcommand not in OF_THE_PUBLIC:
        before = os.umask(0o077)  # the files that these commands create hold secrets
        context.call_on_close(lambda: os.umask(before))


main.add_command(backup)
main.add_command(limits)
main.add_command(migrate)
main.add_command(restore)
main.add_command(spec)
main.add_command(cleanup)
for feature in FEATURES:
    for command in feature.commands:
        main.add_command(command)


@main.command("serve")
@click.option("--host", help="Address to listen on (OSTIARY_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (OSTIARY_PORT).")
@click.option("--workers", type=click.IntRange(0, 256), help="Worker processes (OSTIARY_WORKERS).")
def serve_command(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API. Creates the database, the secret and the signing key if they do not exist."""
    asked = signals.take_over()
    settings = prepare(settings_module.read(host=host, port=port, workers=workers))
    asked.exit_if_stopped()
    # Once, before there are workers: if a key cannot be opened, one line reports it.
    run(settings, lambda context: context.get(Keys).ring())
    is_common("")  # loads the list, so that all workers share it
    asked.exit_if_stopped()

    def ready(bound: int) -> None:
        shown = in_url(settings.host)
        try:
            click.echo(f"Ostiary {__version__} ({settings.profile}) listens at http://{shown}:{bound}")
            click.echo(f"Swagger UI: http://{shown}:{bound}/docs")
        except OSError as error:
            standard_streams.discard_output()
            told = "standard output cannot be written; the server goes on without it"
            log.warning(told, reason=error.strerror, listens_at=f"http://{shown}:{bound}")

    bounds = Limits(
        keep_alive_seconds=settings.keep_alive_seconds,
        max_connections=settings.max_connections,
        max_connections_per_address=settings.max_connections_per_address,
        is_exempt=settings.proxies.trusts,
    )
    how = Process(
        settings.host,
        settings.port,
        settings.effective_workers,
        settings.drain_seconds,
        bounds,
        reserve=settings.database_pool_size + RESERVED_DESCRIPTORS,
    )
    sys.exit(serve(lambda: create_asgi(settings), how, ready))


class _Forwarded(click.Command):
    """A command without options of its own. It passes all arguments unchanged to another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep all of `args`, including `--help` and `--`."""
        ctx.args = args
        return args


@main.command("contract-test", cls=_Forwarded)
@click.pass_context
def contract_test(context: click.Context) -> None:
    """Test a deployment against the contract that it serves."""
    if not all(find_spec(needed) for needed in CONTRACT_EXTRA):
        click.echo("ostiary: the contract tests need more packages: pip install 'ostiary[contract]'", err=True)
        sys.exit(2)
    # -P: packages in the current directory are not imported in place of installed ones.
    command = [sys.executable, "-P", str(_contract_tests() / "__main__.py"), *context.args]
    sys.exit(subprocess.call(command))  # noqa: S603 - one of our own programs


def _contract_tests() -> Path:
    """Return the directory of the contract tests: in the installed package, or next to it in a checkout."""
    installed = Path(__file__).parent / "contract_tests"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "contract_tests"


@main.command("settings")
def show_settings() -> None:
    """Print every setting with its meaning and default, as a Markdown table."""
    click.echo(settings_module.table(), nl=False)


if __name__ == "__main__":
    main()
