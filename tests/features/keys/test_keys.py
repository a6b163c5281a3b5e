"""Signing keys and their publication."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from ostiary.app import run
from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.feature import Context
from ostiary.features import FEATURES
from ostiary.features.keys.models import SigningKeyRow
from ostiary.features.keys.service import Keys, KeysUnreadable
from ostiary.persistence.transaction import Transaction
from tests.conftest import App
from tests.support.people import person
from tests.support.rivals import rivals_of


def test_the_jwks_is_public_and_holds_no_private_part(app: App) -> None:
    answer = app.client.get("/.well-known/jwks.json")
    (key,) = answer.json["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_two_applications_that_start_at_once_make_one_key(app: App) -> None:
    async def race() -> list[list[str]]:
        async with rivals_of(app, 4) as rivals:
            rings = await asyncio.gather(*(rival.get(Keys).ring() for rival in rivals))
        return [sorted(ring) for ring in rings]

    rings = asyncio.run(race())
    assert all(ring == rings[0] for ring in rings)
    assert len(rings[0]) == 1


def test_another_secret_cannot_open_the_keys(app: App) -> None:
    person(app)
    settings = replace(app.settings, secret_key="quite another secret, also long enough")

    async def start() -> None:
        services = Context(settings, FEATURES)
        try:
            await services.start()
        finally:
            await services.stop()

    with pytest.raises(KeysUnreadable, match="OSTIARY_SECRET_KEY"):
        asyncio.run(start())


def test_a_key_that_was_altered_cannot_be_opened(app: App) -> None:
    app.run(app.services.get(Keys).ring)

    async def alter(tx: Transaction) -> None:
        row = (await tx.session.scalars(select(SigningKeyRow))).one()
        row.sealed_private_key = row.sealed_private_key[:-1] + bytes([row.sealed_private_key[-1] ^ 1])

    app.run(app.services.database.write, alter)
    with pytest.raises(KeysUnreadable, match="altered"):
        run(app.settings, lambda services: services.get(Keys).ring())


def test_the_jwks_is_not_sent_again_to_who_has_it(app: App) -> None:
    first = app.client.get("/.well-known/jwks.json")
    again = app.client.get("/.well-known/jwks.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "public, max-age=300")


def test_the_jwks_is_answered_while_the_database_is_away(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    known = app.client.get("/.well-known/jwks.json").json

    async def away() -> None:
        raise DATABASE_UNAVAILABLE()

    monkeypatch.setattr(app.services.get(Keys), "_rows", away)
    assert app.client.get("/.well-known/jwks.json").json == known
