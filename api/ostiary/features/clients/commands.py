"""`ostiary clients`: manage the services that may introspect or revoke tokens."""

import sys

import click

from ostiary.feature import CommandLine
from ostiary.features.clients.service import MAX_NAME_LENGTH, Clients, ServiceClient


@click.group("clients")
def clients() -> None:
    """Manage the services that may introspect or revoke tokens."""


def _name(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise click.BadParameter(f"{name!r} is not 1 to {MAX_NAME_LENGTH} printable characters")
    return name


@clients.command("create")
@click.argument("name", callback=_name)
@click.option("--may-revoke", is_flag=True, help="Also allow it to revoke tokens of any user.")
@click.pass_obj
def create_client(command_line: CommandLine, name: str, *, may_revoke: bool) -> None:
    """Create a client called NAME and print its id and secret. The secret is shown only once."""
    client, secret = command_line.run(lambda context: context.get(Clients).create(name, may_revoke=may_revoke))
    click.echo(f"client_id: {client.client_id}")
    click.echo(f"client_secret: {secret}")


@clients.command("list")
@click.pass_obj
def list_clients(command_line: CommandLine) -> None:
    """Print a line for each client: id, time of creation, permissions, name."""
    found: list[ServiceClient] = command_line.run(lambda context: context.get(Clients).known())
    for client in found:
        may = "introspect, revoke" if client.may_revoke else "introspect"
        click.echo(f"{client.client_id}  {client.created_at:%Y-%m-%d %H:%M:%SZ}  {may:18}  {client.name}")


@clients.command("remove")
@click.argument("client_id", metavar="ID")
@click.pass_obj
def remove_client(command_line: CommandLine, client_id: str) -> None:
    """Remove the client ID. Its next request is refused."""
    removed: ServiceClient | None = command_line.run(lambda context: context.get(Clients).remove(client_id))
    if removed is None:
        click.echo(f"ostiary: there is no client {client_id!r}; see: ostiary clients list", err=True)
        sys.exit(1)
    click.echo(f"Removed {removed.name} ({removed.client_id})")
