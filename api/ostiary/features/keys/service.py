"""Signing keys: kept sealed in the database, shared by all workers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ostiary.core.access_tokens import SigningKey
from ostiary.core.clock import Clock
from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import SERVER, RequestInfo
from ostiary.core.sealing import Sealer, Unsealable
from ostiary.features.keys.events import SIGNING_KEY_ADDED
from ostiary.features.keys.models import SigningKeyRow
from ostiary.features.keys.rules import is_published, signing
from ostiary.features.revocation.service import Revocations
from ostiary.persistence.database import Database, is_duplicate
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

CURRENT = "current"
PURPOSE = "signing key"
RELOAD_EVERY = 5.0
"""Minimum seconds between two database queries for unknown keys in tokens."""


class KeysUnreadable(Exception):
    """The signing keys were sealed under another secret, or were altered."""


@dataclass(frozen=True)
class _LoadedKey:
    """A key in memory."""

    key: SigningKey
    activates_at: datetime
    retires_at: datetime | None
    sealed: bytes

    @property
    def kid(self) -> str:
        return self.key.kid


class Keys:
    """The signing keys in one worker: read on first use, and again after changes in the feed.

    A key is published before it signs and for as long as a token of it may be valid; see `rotation`.
    """

    def __init__(
        self,
        database: Database,
        revocations: Revocations,
        secret_key: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._database = database
        self._revocations = revocations
        self._sealer = Sealer(secret_key, PURPOSE, randomness)
        self._clock = clock
        self._randomness = randomness
        self._loaded: list[_LoadedKey] = []
        self._changed = False
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()
        revocations.on("keys", self._note_change)

    async def start(self) -> None:
        """Read the signing keys, or create the first one; raises KeysUnreadable and `database_unavailable`."""
        await self.ring()

    async def current(self) -> SigningKey:
        """Return the key that signs; raises KeysUnreadable and the problem `database_unavailable`."""
        await self._refresh()
        found = signing(self._loaded, self._clock.now())
        if found is None:
            raise KeysUnreadable("there is no signing key; make one with: ostiary keys rotate --now")
        return found.key

    async def ring(self) -> Mapping[str, SigningKey]:
        """Return the published keys by kid, and create the first if there is none; raises as `current` does.

        They may include a key that was just retired. The feed revokes its tokens.
        """
        if not self._loaded or self._changed:
            await self._load()
        return self._published()

    async def reloaded_ring(self) -> Mapping[str, SigningKey]:
        """Return the published keys by kid, read again unless that was just done; raises as `current` does.

        Reads are limited, because anybody can send a token with an unknown key. A change in the feed is read at once.
        Without contact to the feed, the database is queried each time.
        """
        in_touch = self._revocations.is_current()
        if not in_touch or self._changed or self._clock.timestamp() - self._loaded_at >= RELOAD_EVERY:
            await self._load()
        return self._published()

    async def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517 section 5); raises as `current` does.

        While the database is unavailable, the known keys are returned; no key can be retired during that time.
        """
        try:
            await self._refresh()
        except Problem as problem:
            if problem.kind is not DATABASE_UNAVAILABLE or not self._loaded:
                raise
        return {"keys": [key.to_jwk() for key in self._published().values()]}

    def _note_change(self, _: str) -> None:
        self._changed = True

    def _published(self) -> dict[str, SigningKey]:
        now = self._clock.now()
        return {loaded.kid: loaded.key for loaded in self._loaded if is_published(loaded, now)}

    async def _refresh(self) -> None:
        """Make sure that the keys match the database. It is queried only if the feed is not sufficient."""
        if not self._revocations.is_current() or self._changed or not self._loaded:
            await self._load()

    async def _load(self) -> None:
        async with self._loading:
            self._changed = False
            try:
                rows = await self._rows()
                if not rows:
                    await self._make_first()
                    rows = await self._rows()
                opened = {loaded.sealed: loaded.key for loaded in self._loaded}
                self._loaded = [
                    _LoadedKey(
                        opened.get(row.sealed_private_key) or self._open(row),
                        row.activates_at,
                        row.retires_at,
                        row.sealed_private_key,
                    )
                    for row in rows
                ]
            except BaseException:
                self._changed = True
                raise
            self._loaded_at = self._clock.timestamp()

    async def _rows(self) -> list[SigningKeyRow]:
        async with self._database.read() as session:
            return list(await session.scalars(select(SigningKeyRow).order_by(SigningKeyRow.kid)))

    async def _make_first(self) -> None:
        row = new_row(self._sealer, self._randomness.new_id(), self._clock.now(), self._clock.now())
        try:
            await self._database.write(self._insert, row)
        except IntegrityError as error:
            if not is_duplicate(error):  # another worker was faster; all that matters is that there is a key
                raise

    @staticmethod
    async def _insert(tx: Transaction, row: SigningKeyRow) -> None:
        tx.session.add(row)
        await tx.session.flush()  # of several workers only one comes further
        record_added(tx, SERVER, row)

    def _open(self, row: SigningKeyRow) -> SigningKey:
        try:
            return SigningKey.from_der(row.kid, self._sealer.unseal(row.sealed_private_key, row.kid))
        except (Unsealable, ValueError, TypeError) as error:
            raise KeysUnreadable(
                f"signing key {row.kid} cannot be opened: it was altered, or OSTIARY_SECRET_KEY is not the one under "
                "which it was sealed. Set the former secret; if it is lost: ostiary keys rotate --now, then "
                f"ostiary keys retire {row.kid}."
            ) from error


def new_row(sealer: Sealer, kid: str, created_at: datetime, activates_at: datetime) -> SigningKeyRow:
    """Return the row of a new key, which is the newest."""
    return SigningKeyRow(
        kid=kid,
        slot=CURRENT,
        sealed_private_key=sealer.seal(SigningKey.generate(kid).to_der(), kid),
        created_at=created_at,
        activates_at=activates_at,
    )


def record_added(tx: Transaction, info: RequestInfo, row: SigningKeyRow) -> None:
    """Record in the audit trail that `row` was added."""
    signs_from = row.activates_at.isoformat()
    tx.record(SIGNING_KEY_ADDED, info, user_id=None, kid=row.kid, signs_from=signs_from)
