"""`ostiary users`: create users on the server."""

import sys

import click
from marshmallow import ValidationError

from ostiary.feature import CommandLine
from ostiary.features.accounts.schemas import RegisterBody
from ostiary.features.accounts.service import Accounts

MAX_ROLE_LENGTH = 64


def _roles(_context: click.Context, _parameter: click.Parameter, roles: tuple[str, ...]) -> tuple[str, ...]:
    for role in roles:
        if not 1 <= len(role) <= MAX_ROLE_LENGTH or not role.isascii() or not role.isprintable() or " " in role:
            raise click.BadParameter(
                f"{role!r} is not 1 to {MAX_ROLE_LENGTH} printable ASCII characters without a space"
            )
    return roles


@click.group("users")
def users() -> None:
    """Manage users on the server."""


@users.command("create")
@click.argument("username")
@click.option("--role", "roles", multiple=True, callback=_roles, help="A role to give, such as admin; may be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.pass_obj
def create_user(command_line: CommandLine, username: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Create the user USERNAME. Asks for a password, or reads it from standard input."""
    command_line.open()  # first: nobody should type a password if there is no database
    if password_stdin:
        line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
        password = line.decode(errors="surrogateescape")
    else:
        password = _asked_password()
    try:
        f"{username}{password}".encode()
        username = RegisterBody().load({"username": username, "password": password})["username"]
    except UnicodeEncodeError:  # bytes that are not text arrive as lone surrogates
        click.echo("ostiary: the name and the password must be UTF-8", err=True)
        sys.exit(1)
    except ValidationError as error:
        messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
        for name, faults in messages.items():
            click.echo(f"ostiary: {name}: {' '.join(faults)}", err=True)
        sys.exit(1)

    account = command_line.run(lambda context: context.get(Accounts).register(username, password, roles))
    click.echo(f"Created {account.username} ({account.id}) with the roles: {', '.join(account.roles) or 'none'}")


def _asked_password() -> str:
    """Ask for a new password at the terminal. Ends the command if the locale cannot decode the input."""
    try:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    except UnicodeError:
        click.echo(
            "ostiary: the password cannot be read in this locale: set LC_ALL=C.UTF-8, or use --password-stdin", err=True
        )
        sys.exit(1)
