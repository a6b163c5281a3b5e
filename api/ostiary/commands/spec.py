"""`ostiary spec`: write the contract."""

import sys
from pathlib import Path

import click

from ostiary import settings as settings_module
from ostiary.app import make_flask
from ostiary.feature import Context
from ostiary.features import FEATURES
from ostiary.web.openapi import Contract
from ostiary.web.spec_export import TOOLS, NoServerAddress, exported, server_address, with_servers

CONTRACT_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("spec")
def spec() -> None:
    """The contract."""


def _servers(_context: click.Context, _parameter: click.Parameter, servers: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(server_address(server) for server in servers)
    except NoServerAddress as error:
        raise click.BadParameter(str(error)) from error


@spec.command("export")
@click.option("--output", type=CONTRACT_FILE, help="Write to this file.")
@click.option("--server", "servers", multiple=True, callback=_servers, metavar="URL", help="Where the API is served.")
@click.option("--for", "tool", type=click.Choice(sorted(TOOLS)), help="Adapt the document to this tool.")
def export_spec(output: Path | None, servers: tuple[str, ...], tool: str | None) -> None:
    """Write the OpenAPI document, byte for byte as the server returns it at /openapi.json.

    --server sets the address that generated clients and importers use. It may be given several times. Without it the
    address is `/`, which means nothing in a file. --for openapi-generator leaves out the parts that this tool refuses.
    """
    settings = settings_module.Settings()
    found: Contract = make_flask(Context(settings, FEATURES)).extensions["ostiary.contract"]
    text = found.text
    if servers or tool:
        document = with_servers(found.document, servers)
        text = exported(TOOLS[tool](document) if tool else document)
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output)) from error  # for a full disk, the error lacks the name
