"""The `ostiary` command."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
from marshmallow import ValidationError

from api import __version__
from api import settings as settings_module
from api.app import create_asgi, make_flask, prepare
from api.commands.clients import clients
from api.commands.faults import one_line_faults
from api.commands.keys import keys
from api.commands.tidy import tidy
from api.features.accounts.schemas import RegisterBody
from api.features.accounts.service import Account
from api.features.audit.verification import Verdict, verify
from api.server.process import Process, serve
from api.services import Services, make_services, run_with_services
from api.web.compatibility import Document, compare, report

LONGEST_ROLE = 64
CONTRACT_EXTRA = ("contract_tests", "httpx", "pytest", "schemathesis")
"""What `ostiary contract-test` needs beside Ostiary itself."""


@click.group()
@click.version_option(__version__, prog_name="ostiary")
def main() -> None:
    """Ostiary: authentication and authorization whose contract is proved."""


main.add_command(clients)
main.add_command(keys)
main.add_command(tidy)


@main.command("serve")
@click.option("--host", help="Address to listen on (OSTIARY_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (OSTIARY_PORT).")
@click.option("--workers", type=click.IntRange(0, 256), help="Worker processes (OSTIARY_WORKERS).")
@one_line_faults
def serve_command(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API. Makes its database, secret and signing key if there are none."""
    settings = prepare(settings_module.read(host=host, port=port, workers=workers))
    # Once, before there are workers: keys that cannot be opened are told in a line.
    run_with_services(settings, lambda services: services.keys.ring())

    def ready(bound: int) -> None:
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(f"Ostiary {__version__} ({settings.profile}) listens at http://{shown}:{bound}")
        click.echo(f"Swagger UI: http://{shown}:{bound}/docs")
        sys.stdout.flush()

    how = Process(
        settings.host,
        settings.port,
        settings.effective_workers,
        settings.drain_seconds,
        settings.trusted_proxies,
    )
    sys.exit(serve(lambda: create_asgi(settings), how, ready))


def _roles(_context: click.Context, _parameter: click.Parameter, roles: tuple[str, ...]) -> tuple[str, ...]:
    for role in roles:
        if not 1 <= len(role) <= LONGEST_ROLE or not role.isascii() or not role.isprintable() or " " in role:
            raise click.BadParameter(f"{role!r} is not 1 to {LONGEST_ROLE} printable ASCII characters without a space")
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
    if password_stdin:
        line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
        password = line.decode(errors="surrogateescape")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        f"{username}{password}".encode()
        RegisterBody().load({"username": username, "password": password})
    except UnicodeEncodeError:  # the operating system hands over bytes that are no text as lone surrogates
        click.echo("ostiary: the name and the password must be UTF-8", err=True)
        sys.exit(1)
    except ValidationError as error:
        messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
        for name, faults in messages.items():
            click.echo(f"ostiary: {name}: {' '.join(faults)}", err=True)
        sys.exit(1)
    settings = prepare(settings_module.read())

    async def register(services: Services) -> Account:
        return await services.accounts.register(username, password, roles)

    account = run_with_services(settings, register)
    click.echo(f"Created {account.username} ({account.id}) with the roles: {', '.join(account.roles) or 'none'}")


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
    settings = prepare(settings_module.read())
    verdict: Verdict = run_with_services(settings, lambda found: verify(found.database, found.audit, expect_head))
    click.echo(f"{verdict.events} events fit; head {verdict.head}")
    if verdict.misfit is not None:
        misfit = verdict.misfit
        click.echo(f"ostiary: event {misfit.seq} ({misfit.id}) does not fit: {misfit.reason}", err=True)
    elif not verdict.anchored:
        click.echo(f"ostiary: no event has the hash {expect_head}: the end of the trail was cut off", err=True)
    sys.exit(0 if verdict.is_whole else 1)


@main.group("spec")
def spec() -> None:
    """The contract."""


@spec.command("export")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@one_line_faults
def export_spec(output: Path | None) -> None:
    """Write the OpenAPI document, the same bytes that the server answers at /openapi.json."""
    settings = settings_module.Settings()
    text = make_flask(settings, make_services(settings)).extensions["ostiary.contract"].text
    if output is None:
        sys.stdout.buffer.write(text)
    else:
        output.write_bytes(text)


CONTRACT_FILE = click.Path(dir_okay=False, path_type=Path)


@spec.command("compare")
@click.argument("old", type=CONTRACT_FILE, default="openapi/released.json")
@click.argument("new", type=CONTRACT_FILE, default="openapi/openapi.json")
@click.option("--markdown", is_flag=True, help="Print the changes as they stand in the changelog.")
@click.option("--changelog", type=CONTRACT_FILE, help="Write the changes into this file, between its markers.")
@click.option("--policy", is_flag=True, help="Print what counts as breaking, as Markdown tables, and compare nothing.")
@one_line_faults
def compare_specs(old: Path, new: Path, markdown: bool, changelog: Path | None, policy: bool) -> None:
    """Tell what changed from the contract OLD to the contract NEW.

    Exits with 1 if a change breaks clients and the major part of the version did not move. OLD is
    openapi/released.json and NEW is openapi/openapi.json unless said otherwise.
    """
    if policy:
        click.echo(report.policy(), nl=False)
        return
    before, after = Document.read(old), Document.read(new)
    changes = compare(before, after)
    click.echo(report.markdown(changes) if markdown else "\n".join(report.lines(changes)) + "\n", nl=False)
    if changelog is not None:
        changelog.write_text(report.in_changelog(changelog.read_text(encoding="utf-8"), changes), encoding="utf-8")
    objection = report.objection(before, after, changes)
    if objection is not None:
        click.echo(f"ostiary: {objection}", err=True)
        sys.exit(1)


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
    command = [sys.executable, "-m", "contract_tests", *context.args]
    sys.exit(subprocess.call(command))  # noqa: S603 - a program of our own


@main.command("settings")
def show_settings() -> None:
    """Print every setting with its meaning and default, as a Markdown table."""
    click.echo(settings_module.table(), nl=False)


if __name__ == "__main__":
    main()
