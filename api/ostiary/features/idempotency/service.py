"""Idempotency keys: claims and stored answers."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ostiary.core.clock import Clock
from ostiary.core.idempotency import IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, Asked, KeptAnswer
from ostiary.core.problems import Problem
from ostiary.core.randomness import Randomness
from ostiary.core.sealing import Sealer, derive
from ostiary.features.idempotency.models import IdempotencyKeyRow
from ostiary.persistence.database import Database, is_duplicate
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)

CLAIM_SECONDS = 60
"""After this time a claim without an answer lapses: whoever had it was killed, or must find that it has lost it."""

_TRIES = 3


@dataclass(frozen=True)
class _Names:
    """The stored values of a request, and the secret that opens its answer. The secret is not stored."""

    digest: str
    fingerprint: str
    secret: str


class Claim:
    """The right of one request to do the work of its key, for `CLAIM_SECONDS`."""

    def __init__(self, service: "Idempotency", names: _Names, claim: str, database: Database) -> None:
        self._service = service
        self._names = names
        self._claim = claim
        self._database = database
        self._deferred = database.defer_commit()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Defer the commit of all writes inside, until `keep` or `release`."""
        with self._deferred.in_force():
            yield

    async def keep(self, answer: KeptAnswer) -> None:
        """Commit the writes together with `answer`, which repetitions get from now on.

        If the claim has lapsed and another request has taken it, all is rolled back and the problem
        `idempotency_key_in_use` raised: nothing is done twice. Also raises the problem `database_unavailable`.
        """
        await self._deferred.commit(partial(self._keep, answer))

    async def _keep(self, answer: KeptAnswer, tx: Transaction) -> None:
        statement = self._service.answered(self._names, answer).where(IdempotencyKeyRow.claim == self._claim)
        if await tx.session.scalar(statement.returning(IdempotencyKeyRow.digest)) is None:
            log.warning("a request took too long: its idempotency key was claimed anew, and it was rolled back")
            raise IDEMPOTENCY_KEY_IN_USE()

    async def release(self, *, commit: bool) -> None:
        """Free the key again. commit: whether to commit the writes.

        Raises nothing: there is an error already, and a key that stays claimed lapses by itself. Goes on to its end
        when the client goes away.
        """
        await asyncio.shield(self._database.finish(self._release(commit=commit)))

    async def _release(self, *, commit: bool) -> None:
        try:
            if commit:
                await self._deferred.commit(self._forget)
            else:
                await self._deferred.roll_back()
                await self._database.write(self._forget)
        except Problem as problem:
            log.warning("an idempotency key stays claimed until it lapses", cause=problem.kind.code)

    async def _forget(self, tx: Transaction) -> None:
        await tx.session.execute(
            delete(IdempotencyKeyRow).where(
                IdempotencyKeyRow.digest == self._names.digest,
                IdempotencyKeyRow.claim == self._claim,
                IdempotencyKeyRow.sealed_answer.is_(None),  # a commit that nobody waited for may have succeeded
            )
        )


async def _give_back(writing: asyncio.Future[Claim | None]) -> None:
    claim = await writing
    if claim is not None:
        await claim.release(commit=False)


class Idempotency:
    """The use cases of idempotency keys. keep_seconds: for how long an answer is given again."""

    def __init__(
        self, database: Database, secret_key: str, clock: Clock, randomness: Randomness, keep_seconds: int
    ) -> None:
        self._database = database
        self._key = derive(secret_key, "idempotency keys")
        self._clock = clock
        self._randomness = randomness
        self._keep = timedelta(seconds=keep_seconds)

    async def begin(self, asked: Asked) -> Claim | KeptAnswer:
        """Return the stored answer, or a claim if this is the first request.

        Raises the problems `idempotency_key_in_use`, `idempotency_key_reused` and `database_unavailable`.
        """
        names = self._names(asked)
        for _ in range(_TRIES):
            found = await self._find(names)
            if found is not None:
                return self._answer(names, found)
            claim = await self._claim(names)
            if claim is not None:
                return claim
        raise IDEMPOTENCY_KEY_IN_USE()

    def answered(self, names: _Names, answer: KeptAnswer) -> Update:
        """Return the statement that turns a claim into an answer."""
        sealed = self._sealer(names).seal(json.dumps(asdict(answer)).encode(), names.digest)
        return (
            update(IdempotencyKeyRow)
            .where(IdempotencyKeyRow.digest == names.digest, IdempotencyKeyRow.sealed_answer.is_(None))
            .values(sealed_answer=sealed, expires_at=self._clock.now() + self._keep)
        )

    async def _find(self, names: _Names) -> IdempotencyKeyRow | None:
        query = select(IdempotencyKeyRow).where(
            IdempotencyKeyRow.digest == names.digest, IdempotencyKeyRow.expires_at > self._clock.now()
        )
        async with self._database.read() as session:
            return await session.scalar(query)

    def _answer(self, names: _Names, found: IdempotencyKeyRow) -> KeptAnswer:
        if not hmac.compare_digest(found.fingerprint, names.fingerprint):
            raise IDEMPOTENCY_KEY_REUSED()
        if found.sealed_answer is None:
            raise IDEMPOTENCY_KEY_IN_USE()
        return KeptAnswer(**json.loads(self._sealer(names).unseal(found.sealed_answer, names.digest)))

    async def _claim(self, names: _Names) -> Claim | None:
        """Return a claim, or None if another request was faster."""
        writing = self._database.finish(self._write_claim(names))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The client went away, but its write continues: otherwise nobody could use the key.
            self._database.finish(_give_back(writing))
            raise

    async def _write_claim(self, names: _Names) -> Claim | None:
        claim = self._randomness.new_id()
        try:
            await self._database.write(self._add, names, claim, self._clock.now())
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            return None
        return Claim(self, names, claim, self._database)

    @staticmethod
    async def _add(tx: Transaction, names: _Names, claim: str, now: datetime) -> None:
        await tx.session.execute(
            delete(IdempotencyKeyRow).where(
                IdempotencyKeyRow.digest == names.digest, IdempotencyKeyRow.expires_at <= now
            )
        )
        await tx.session.execute(
            insert(IdempotencyKeyRow).values(
                digest=names.digest,
                fingerprint=names.fingerprint,
                claim=claim,
                expires_at=now + timedelta(seconds=CLAIM_SECONDS),
            )
        )

    def _names(self, asked: Asked) -> _Names:
        # The body may hold a password. What is kept of it cannot be guessed at with the database and the secret key
        # alone: it takes the client's key as well, which nothing keeps.
        parts = [asked.operation.encode(), asked.caller.encode(), asked.key.encode()]
        secret = self._code(b"request", *parts, asked.body)
        return _Names(self._code(b"key", *parts), derive(secret, "idempotency fingerprint").hex(), secret)

    def _code(self, purpose: bytes, *parts: bytes) -> str:
        code = hmac.new(self._key, purpose, hashlib.sha256)
        for part in parts:
            code.update(len(part).to_bytes(8, "big") + part)
        return code.hexdigest()

    def _sealer(self, names: _Names) -> Sealer:
        return Sealer(names.secret, "idempotent answer", self._randomness)
