"""Rotation of the signing keys, with overlap: a rotation never invalidates valid tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ostiary.core.clock import Clock
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import OPERATOR
from ostiary.core.sealing import Sealer, Unsealable
from ostiary.features.keys.events import SIGNING_KEY_RETIRED
from ostiary.features.keys.models import SigningKeyRow
from ostiary.features.keys.rules import HEARD_OF_WITHIN, PUBLISHED_AHEAD, is_published, last_use, signing
from ostiary.features.keys.service import CURRENT, PURPOSE, new_row, record_added
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.persistence.database import Database, is_duplicate
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)


class KeyRefused(Exception):
    """The state of the keys does not allow the operation; the message says why and what to do."""


@dataclass(frozen=True)
class KeyState:
    """A key as an operator sees it.

    state: "next" is published and signs from `activates_at` on, "signs" does, "former" verifies until `retires_at`.
    is_readable: whether the present secret opens it.
    """

    kid: str
    state: Literal["next", "signs", "former"]
    is_readable: bool
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None


class KeyRotation:
    """Key operations for operators. token_seconds: the maximum lifetime of an access token.

    Nothing here decrypts a key, so that unreadable keys can be replaced and retired.
    """

    def __init__(
        self,
        database: Database,
        revocations: Revocations,
        secret_key: str,
        clock: Clock,
        randomness: Randomness,
        *,
        token_seconds: int,
    ) -> None:
        self._database = database
        self._revocations = revocations
        self._sealer = Sealer(secret_key, PURPOSE, randomness)
        self._clock = clock
        self._randomness = randomness
        self._token_seconds = token_seconds

    async def rotate(self, *, sign_after: timedelta | None = None) -> KeyState:
        """Add a key and return it when every worker knows it.

        It is published from now on and signs once everybody who keeps the published keys has it; with `sign_after` that
        much later, but not before the workers know it, and in the place of a key that was to sign later. The former
        stays published until its last token has expired.
        Raises KeyRefused while a rotation is under way, and the problem `database_unavailable`.
        """
        kid = self._randomness.new_id()
        try:
            found = await self._revocations.write(self._rotate, kid, sign_after)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise KeyRefused("somebody else has just rotated the keys; see: ostiary keys list") from error
        log.info("a signing key was added", kid=kid, signs_from=found.activates_at.isoformat())
        return found

    async def _rotate(self, tx: RevokingTransaction, kid: str, sign_after: timedelta | None) -> KeyState:
        now = self._clock.now()
        rows = await self._locked(tx, now)
        signer = signing(rows, now)
        for row in [row for row in rows if row is not signer and row.activates_at > now]:
            if sign_after is None:
                raise KeyRefused(
                    f"a rotation is under way: key {row.kid} signs from {row.activates_at:%Y-%m-%d %H:%M:%SZ} on. "
                    "In an emergency: ostiary keys rotate --now"
                )
            await tx.session.delete(row)  # it has not signed anything
            _record_retired(tx, row.kid)
        activates_at = now + (PUBLISHED_AHEAD if sign_after is None else max(sign_after, HEARD_OF_WITHIN))
        if signer is None:
            activates_at = now
        if signer is not None:
            signer.slot = None
            signer.retires_at = last_use(activates_at, self._token_seconds)
        await tx.session.flush()
        added = new_row(self._sealer, kid, now, activates_at)
        tx.session.add(added)
        await tx.session.flush()
        await tx.announce_keys()
        record_added(tx, OPERATOR, added)
        return self._state(added, signer or added, now)

    async def retire(self, kid: str) -> None:
        """Remove a key. Every worker refuses its tokens from the next request on.

        Retiring the next key cancels its rotation. Raises KeyRefused for an unknown key and for the key that signs, and
        the problem `database_unavailable`.
        """
        await self._revocations.write(self._retire, kid)
        log.warning("a signing key was retired; what it has signed is refused", kid=kid)

    async def _retire(self, tx: RevokingTransaction, kid: str) -> None:
        now = self._clock.now()
        rows = await self._locked(tx, now)
        signer = signing(rows, now)
        row = next((row for row in rows if row.kid == kid), None)
        if row is None:
            raise KeyRefused(f"there is no key {kid!r}; see: ostiary keys list")
        if row is signer or signer is None:
            raise KeyRefused(f"key {kid} signs; let another do so first: ostiary keys rotate --now")
        await tx.session.delete(row)
        await tx.session.flush()
        if row.activates_at > now:
            signer.slot = CURRENT
            signer.retires_at = None
            await tx.session.flush()
        await tx.revoke_key(kid)
        await tx.announce_keys()
        _record_retired(tx, kid)

    async def known(self) -> list[KeyState]:
        """Return the keys, the oldest first; raises the problem `database_unavailable`."""
        return await self._database.write(self._known)

    async def _known(self, tx: Transaction) -> list[KeyState]:
        now = self._clock.now()
        rows = await self._locked(tx, now)
        signer = signing(rows, now)
        return [self._state(row, signer, now) for row in rows]

    @staticmethod
    async def _locked(tx: Transaction, now: datetime) -> list[SigningKeyRow]:
        """Return the published keys, locked until the commit, and delete the others."""
        query = select(SigningKeyRow).order_by(SigningKeyRow.activates_at, SigningKeyRow.kid).with_for_update()
        rows = list(await tx.session.scalars(query))
        past = [row.kid for row in rows if not is_published(row, now)]
        if past:
            await tx.session.execute(delete(SigningKeyRow).where(SigningKeyRow.kid.in_(past)))
        return [row for row in rows if row.kid not in past]

    def _state(self, row: SigningKeyRow, signer: SigningKeyRow | None, now: datetime) -> KeyState:
        state: Literal["next", "signs", "former"] = "next" if row.activates_at > now else "former"
        if row is signer:
            state = "signs"
        try:
            self._sealer.unseal(row.sealed_private_key, row.kid)
            is_readable = True
        except Unsealable:
            is_readable = False
        return KeyState(row.kid, state, is_readable, row.created_at, row.activates_at, row.retires_at)


def _record_retired(tx: Transaction, kid: str) -> None:
    tx.record(SIGNING_KEY_RETIRED, OPERATOR, user_id=None, kid=kid)
