"""Signing keys and their publication."""

import asyncio
from dataclasses import replace

import pytest

from api.app import make_services
from api.core.access_tokens import SigningKey
from api.features.keys.models import SigningKeyRow
from api.features.keys.service import Keys, KeysUnreadable
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import person


def test_the_jwks_is_public_and_holds_no_private_part(app: App) -> None:
    answer = app.client.get("/.well-known/jwks.json")
    (key,) = answer.json["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_two_applications_that_start_at_once_make_one_key(app: App) -> None:
    async def race() -> list[list[str]]:
        rivals = [make_services(app.settings) for _ in range(4)]
        rings = await asyncio.gather(*(rival.keys.ring() for rival in rivals))
        for rival in rivals:
            await rival.stop()
        return [sorted(ring) for ring in rings]

    rings = asyncio.run(race())
    assert all(ring == rings[0] for ring in rings)
    assert len(rings[0]) == 1


def test_another_secret_cannot_open_the_keys(app: App) -> None:
    person(app)
    settings = replace(app.settings, secret_key="quite another secret, also long enough")

    async def start() -> None:
        services = make_services(settings)
        try:
            await services.start()
        finally:
            await services.stop()

    with pytest.raises(KeysUnreadable, match="OSTIARY_SECRET_KEY"):
        asyncio.run(start())


def test_a_key_made_elsewhere_is_found_when_a_token_names_it(
    make_app: MakeApp, database_url: str, clock: FakeClock
) -> None:
    app, other = make_app(database_url), make_app(database_url)
    app.run(app.services.keys.ring)
    key = SigningKey.generate("0199f6a2-0000-7000-8000-000000000001")

    async def add(session) -> None:
        sealed = app.services.keys._sealer.seal(key.to_der(), key.kid)
        session.add(SigningKeyRow(kid=key.kid, slot=None, sealed_private_key=sealed, created_at=clock.now()))

    ada = person(app)
    other.run(other.services.database.write, add)
    other.run(other.services.keys.ring)
    other.services.keys._current = key
    pair = other.client.post("/refresh", json={"refresh_token": ada.tokens["refresh_token"]}).json
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    # A look at the database for an unknown key is allowed every few seconds.
    assert app.client.get("/protected", headers=bearer).json["code"] == "invalid_token"
    clock.move(5)
    assert app.client.get("/protected", headers=bearer).status_code == 200


def test_without_a_current_key_nothing_is_signed(app: App) -> None:
    keys: Keys = app.services.keys
    app.run(keys.ring)
    keys._current = None
    with pytest.raises(KeysUnreadable, match="current"):
        app.run(keys.current)
