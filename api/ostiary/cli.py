"""The `ostiary` command."""

import sys

from ostiary.server import standard_streams  # first: it opens streams that are closed, before others take their place

# isort: split
from ostiary.server import signals

if sys.argv[1:2] == ["serve"]:  # before the imports below, which take a second or two: it may be told to stop in them
    signals.exit_at_once()

# isort: split
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import click
import structlog
from marshmallow import ValidationError

from ostiary import __version__
from ostiary import settings as settings_module
from ostiary.app import create_asgi, prepare
from ostiary.commands.backup import backup, restore
from ostiary.commands.cleanup import cleanup
from ostiary.commands.clients import clients
from ostiary.commands.database import use_database
from ostiary.commands.faults import Program, one_line_faults
from ostiary.commands.keys import keys
from ostiary.commands.limits import limits
from ostiary.commands.migrate import migrate
from ostiary.commands.sessions import sessions
from ostiary.commands.spec import spec
from ostiary.core.addresses import in_url
from ostiary.core.common_passwords import is_common
from ostiary.features.accounts.schemas import RegisterBody
from ostiary.features.accounts.service import Account
from ostiary.features.audit.verification import Verdict, verify
from ostiary.server.descriptors import RESERVED_DESCRIPTORS
from ostiary.server.http.limits import Limits
from ostiary.server.process import Process, serve
from ostiary.services import Services, run_with_services

log = structlog.stdlib.get_logger(__name__)

MAX_ROLE_LENGTH = 64
CONTRACT_EXTRA = ("httpx", "pytest", "schemathesis")
"""What `ostiary contract-test` needs beside Ostiary itself."""
OF_THE_PUBLIC = ("contract-test", "limits", "settings", "spec")
"""The commands whose files are for everybody to read."""


@click.group(cls=Program)
@click.version_option(__version__, prog_name="ostiary")
@click.pass_context
def main(context: click.Context) -> None:
    """Ostiary: authentication and authorization whose contract is proved."""
    if 1 in standard_streams.CLOSED and context.invoked_subcommand != "serve":
        click.echo("ostiary: standard output is closed: open it, such as with >/dev/null, and try again", err=True)
        sys.exit(1)
    if context.invoked_subcommand not in OF_THE_PUBLIC:
        before = os.umask(0o077)  # whatever these make holds secrets
        context.call_on_close(lambda: os.umask(before))


main.add_command(backup)
main.add_command(clients)
main.add_command(keys)
main.add_command(limits)
main.add_command(migrate)
main.add_command(restore)
main.add_command(sessions)
main.add_command(spec)
main.add_command(cleanup)


@main.command("serve")
@click.option("--host", help="Address to listen on (OSTIARY_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (OSTIARY_PORT).")
@click.option("--workers", type=click.IntRange(0, 256), help="Worker processes (OSTIARY_WORKERS).")
@one_line_faults
def serve_command(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API. Makes its database, secret and signing key if there are none."""
    asked = signals.take_over()
    settings = prepare(settings_module.read(host=host, port=port, workers=workers))
    asked.exit_if_stopped()
    # Once, before there are workers: keys that cannot be opened are told in a line.
    run_with_services(settings, lambda services: services.keys.ring())
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


def _roles(_context: click.Context, _parameter: click.Parameter, roles: tuple[str, ...]) -> tuple[str, ...]:
    for role in roles:
        if not 1 <= len(role) <= MAX_ROLE_LENGTH or not role.isascii() or not role.isprintable() or " " in role:
            raise click.BadParameter(
                f"{role!r} is not 1 to {MAX_ROLE_LENGTH} printable ASCII characters without a space"
            )
    return roles


@main.group("users")
def users() -> None:
    """Manage users on the server."""


@users.command("create")
@click.argument("username")
@click.option("--role", "roles", multiple=True, callback=_roles, help="A role to give, such as admin; may be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@one_line_faults
def create_user(username: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Create the user USERNAME. Asks for the password, or reads it from standard input."""
    settings = use_database()  # before the password is asked for: without a database it would be typed in vain
    if password_stdin:
        line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
        password = line.decode(errors="surrogateescape")
    else:
        password = _asked_password()
    try:
        f"{username}{password}".encode()
        username = RegisterBody().load({"username": username, "password": password})["username"]
    except UnicodeEncodeError:  # the operating system hands over bytes that are no text as lone surrogates
        click.echo("ostiary: the name and the password must be UTF-8", err=True)
        sys.exit(1)
    except ValidationError as error:
        messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
        for name, faults in messages.items():
            click.echo(f"ostiary: {name}: {' '.join(faults)}", err=True)
        sys.exit(1)

    async def register(services: Services) -> Account:
        return await services.accounts.register(username, password, roles)

    account = run_with_services(settings, register)
    click.echo(f"Created {account.username} ({account.id}) with the roles: {', '.join(account.roles) or 'none'}")


def _asked_password() -> str:
    """Ask for a new password at the terminal; ends the command where the locale cannot read what is typed."""
    try:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    except UnicodeError:
        click.echo(
            "ostiary: the password cannot be read in this locale: set LC_ALL=C.UTF-8, or use --password-stdin", err=True
        )
        sys.exit(1)


@main.group("audit")
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option("--expect-head", metavar="HASH", help="A head told before: it must still be there.")
@one_line_faults
def verify_audit(expect_head: str | None) -> None:
    """Tell whether the audit trail fits together, and its head.

    Exits with 1 and names the first event that was altered, removed or moved. Keep the head elsewhere: with it, the
    next verification notices if the end of the trail was cut off.
    """
    settings = use_database()
    verdict: Verdict = run_with_services(settings, lambda found: verify(found.database, found.audit, expect_head))
    click.echo(f"{verdict.events} events fit; head {verdict.head}")
    if verdict.misfit is not None:
        misfit = verdict.misfit
        click.echo(f"ostiary: event {misfit.seq} ({misfit.id}) does not fit: {misfit.reason}", err=True)
    elif not verdict.anchored:
        click.echo(f"ostiary: no event has the hash {expect_head}: the end of the trail was cut off", err=True)
    sys.exit(0 if verdict.is_whole else 1)


class _Forwarded(click.Command):
    """A command that has no options of its own: what stands behind it goes on to another program as it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep all of `args`, `--help` and `--` included."""
        ctx.args = args
        return args


@main.command("contract-test", cls=_Forwarded)
@click.pass_context
def contract_test(context: click.Context) -> None:
    """Compare a deployment with the contract that it serves."""
    if not all(find_spec(needed) for needed in CONTRACT_EXTRA):
        click.echo("ostiary: the contract tests need more packages: pip install 'ostiary[contract]'", err=True)
        sys.exit(2)
    # -P: packages in the current directory are not imported in place of installed ones.
    command = [sys.executable, "-P", str(_contract_tests() / "__main__.py"), *context.args]
    sys.exit(subprocess.call(command))  # noqa: S603 - a program of our own


def _contract_tests() -> Path:
    """Return the directory of the contract tests: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "contract_tests"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "contract_tests"


@main.command("settings")
def show_settings() -> None:
    """Print every setting with its meaning and default, as a Markdown table."""
    click.echo(settings_module.table(), nl=False)


if __name__ == "__main__":
    main()
