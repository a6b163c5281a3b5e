"""Signing keys: made once, kept sealed in the database, shared by all workers."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.access_tokens import SigningKey
from api.core.clock import Clock
from api.core.randomness import Randomness
from api.core.sealing import Sealer, Unsealable
from api.features.keys.models import SigningKeyRow
from api.persistence.database import Database, is_duplicate

CURRENT = "current"
RELOAD_EVERY = 5.0
"""Seconds between two looks at the database for keys that tokens name and nobody knows."""


class KeysUnreadable(Exception):
    """The signing keys were sealed under another secret, or were altered."""


class Keys:
    """The signing keys. They are read with the first use and kept; `ring` holds each by its kid."""

    def __init__(self, database: Database, secret_key: str, clock: Clock, randomness: Randomness) -> None:
        self._database = database
        self._sealer = Sealer(secret_key, "signing key", randomness)
        self._clock = clock
        self._randomness = randomness
        self._ring: dict[str, SigningKey] = {}
        self._current: SigningKey | None = None
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()

    async def current(self) -> SigningKey:
        """Return the key that signs; raises KeysUnreadable and the problem `database_unavailable`."""
        await self.ring()
        if self._current is None:
            raise KeysUnreadable("no signing key is marked as the current one")
        return self._current

    async def ring(self) -> Mapping[str, SigningKey]:
        """Return all keys by kid, making the first if there is none; raises as `current` does."""
        if not self._ring:
            async with self._loading:
                if not self._ring:
                    await self._load()
        return self._ring

    async def reloaded_ring(self) -> Mapping[str, SigningKey]:
        """Return all keys by kid, read anew unless that was done a moment ago; raises as `current` does.

        Bounded, because anybody can send a token that names an unknown key.
        """
        async with self._loading:
            if self._clock.timestamp() - self._loaded_at >= RELOAD_EVERY:
                await self._load()
        return self._ring

    async def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517 section 5)."""
        return {"keys": [key.to_jwk() for key in (await self.ring()).values()]}

    async def _load(self) -> None:
        rows = await self._rows()
        if not rows:
            await self._make_first()
            rows = await self._rows()
        ring = {row.kid: self._open(row) for row in rows}
        self._current = next((ring[row.kid] for row in rows if row.slot == CURRENT), None)
        self._ring = ring
        self._loaded_at = self._clock.timestamp()

    async def _rows(self) -> list[SigningKeyRow]:
        async with self._database.read() as session:
            return list(await session.scalars(select(SigningKeyRow).order_by(SigningKeyRow.kid)))

    async def _make_first(self) -> None:
        key = SigningKey.generate(self._randomness.new_id())
        row = SigningKeyRow(
            kid=key.kid,
            slot=CURRENT,
            sealed_private_key=self._sealer.seal(key.to_der(), key.kid),
            created_at=self._clock.now(),
        )

        async def insert(session: AsyncSession) -> None:
            session.add(row)

        try:
            await self._database.write(insert)
        except IntegrityError as error:
            if not is_duplicate(error):  # another worker was quicker: there is a key, and that is all that matters
                raise

    def _open(self, row: SigningKeyRow) -> SigningKey:
        try:
            return SigningKey.from_der(row.kid, self._sealer.unseal(row.sealed_private_key, row.kid))
        except (Unsealable, ValueError, TypeError) as error:
            raise KeysUnreadable(
                f"signing key {row.kid} cannot be opened: OSTIARY_SECRET_KEY is not the one under which it was sealed. "
                "Set the former secret."
            ) from error
