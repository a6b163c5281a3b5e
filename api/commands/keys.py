"""`ostiary keys`: rotate the keys that sign access tokens."""

import asyncio
from datetime import datetime

import click

from api import settings as settings_module
from api.app import prepare
from api.commands.faults import one_line_faults
from api.features.keys.rotation import KeyState
from api.features.keys.rules import HEARD_OF_WITHIN
from api.services import Services, run_with_services


@click.group("keys")
def keys() -> None:
    """Manage the keys that sign access tokens."""


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def _told(key: KeyState) -> str:
    state = {
        "next": f"published, signs from {_moment(key.activates_at)}",
        "signs": "signs",
        "former": f"verifies until {_moment(key.retires_at)}" if key.retires_at else "verifies",
    }[key.state]
    return state if key.is_readable else f"{state}, CANNOT BE OPENED with this OSTIARY_SECRET_KEY"


@keys.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="Sign with the new key at once, not once everybody has it.")
@one_line_faults
def rotate_keys(at_once: bool) -> None:
    """Add a key. It signs as soon as everybody who keeps the published keys has it.

    The former key verifies until the last token that it has signed has expired; then it goes by itself. Running servers
    follow without a restart.
    """
    settings = prepare(settings_module.read())

    async def rotate(services: Services) -> KeyState:
        await services.revocations.start()
        added = await services.key_rotation.rotate(at_once=at_once)
        if at_once:
            await asyncio.sleep(HEARD_OF_WITHIN.total_seconds())
        return added

    added: KeyState = run_with_services(settings, rotate)
    click.echo(f"{added.kid}  {'signs' if at_once else _told(added)}")


@keys.command("list")
@one_line_faults
def list_keys() -> None:
    """Print a line for each key: id, when it was made, what it does."""
    settings = prepare(settings_module.read())
    found: list[KeyState] = run_with_services(settings, lambda services: services.key_rotation.known())
    for key in found:
        click.echo(f"{key.kid}  {_moment(key.created_at)}  {_told(key)}")


@keys.command("retire")
@click.argument("kid")
@one_line_faults
def retire_key(kid: str) -> None:
    """Remove the key KID at once. Every token that it has signed is refused from the next request on."""
    settings = prepare(settings_module.read())

    async def retire(services: Services) -> None:
        await services.revocations.start()
        await services.key_rotation.retire(kid)

    run_with_services(settings, retire)
    click.echo(f"Retired {kid}")
