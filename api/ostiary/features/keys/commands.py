"""`ostiary keys`: rotate the keys that sign access tokens."""

import asyncio
from datetime import datetime, timedelta

import click

from ostiary.feature import CommandLine, Context
from ostiary.features.keys.rotation import KeyRotation, KeyState
from ostiary.features.keys.rules import HEARD_OF_WITHIN, JWKS_MAX_AGE, PUBLISHED_AHEAD, VERIFIERS_COOLDOWN
from ostiary.features.revocation.service import Revocations

SOON = int(VERIFIERS_COOLDOWN.total_seconds()) + 5
"""Seconds after which verifiers with usual settings know a new key."""
NOT_YET_EVERYWHERE = f"""\
Services that fetched the public keys just before refuse tokens of the new key until they fetch the keys again.
PyJWT and jose wait {VERIFIERS_COOLDOWN.seconds} seconds between two fetches; others wait up to {JWKS_MAX_AGE} seconds.
To publish a key first and sign with it later: ostiary keys rotate --sign-after {SOON}"""


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
@click.option("--now", "at_once", is_flag=True, help="Sign with the new key at once, before all verifiers know it.")
@click.option(
    "--sign-after",
    type=click.IntRange(0, int(PUBLISHED_AHEAD.total_seconds())),
    metavar="SECONDS",
    help=f"Publish the new key at once and sign with it after this time; {SOON} is enough for most verifiers.",
)
@click.pass_obj
def rotate_keys(command_line: CommandLine, at_once: bool, sign_after: int | None) -> None:
    """Add a key. It begins to sign when all verifiers that cache the published keys have it.

    With --now or --sign-after it begins sooner and replaces a key that has not begun to sign yet. Verifiers that
    fetched the keys just before refuse its tokens until they fetch the keys again: PyJWT and jose after 30 seconds,
    others later.

    The former key verifies tokens until the last token that it signed has expired; then it is removed automatically.
    Running servers need no restart.
    """
    if at_once and sign_after is not None:
        raise click.UsageError("give --now or --sign-after, not both")
    seconds = 0 if at_once else sign_after

    async def rotate(context: Context) -> KeyState:
        await context.get(Revocations).start()
        added = await context.get(KeyRotation).rotate(
            sign_after=None if seconds is None else timedelta(seconds=seconds)
        )
        if seconds == 0:
            await asyncio.sleep(HEARD_OF_WITHIN.total_seconds())
        return added

    added: KeyState = command_line.run(rotate)
    click.echo(f"{added.kid}  {'signs' if seconds == 0 else _told(added)}")
    if seconds is not None and seconds < SOON:
        click.echo(NOT_YET_EVERYWHERE, err=True)


@keys.command("list")
@click.pass_obj
def list_keys(command_line: CommandLine) -> None:
    """Print a line for each key: id, time of creation, state."""
    found: list[KeyState] = command_line.run(lambda context: context.get(KeyRotation).known())
    for key in found:
        click.echo(f"{key.kid}  {_moment(key.created_at)}  {_told(key)}")


@keys.command("retire")
@click.argument("kid")
@click.pass_obj
def retire_key(command_line: CommandLine, kid: str) -> None:
    """Remove the key KID at once. From the next request on, every token that it signed is refused."""

    async def retire(context: Context) -> None:
        await context.get(Revocations).start()
        await context.get(KeyRotation).retire(kid)

    command_line.run(retire)
    click.echo(f"Retired {kid}")
