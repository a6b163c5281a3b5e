"""A transaction that may revoke, and the one place that adds entries to the feed."""

from typing import Any, Literal

from sqlalchemy import BigInteger, Insert, Select, String, insert, literal, select

from ostiary.core.clock import Clock
from ostiary.features.revocation.against import EVERYONE
from ostiary.features.revocation.following import Follower
from ostiary.features.revocation.models import RevocationRow
from ostiary.persistence.transaction import Transaction

Kind = Literal["session", "user", "key", "api_key", "everyone", "keys"]
"""What an entry says.

session, key, api_key: credentials of this session, signed with this key, or this API key itself, are revoked.
user: what was issued to this user before this position is revoked, except for a session that the entry may name.
everyone: everything issued before this position is revoked.
keys: the signing keys have changed and must be read again; nothing is revoked.
"""
KEYS = "keys"
"""The subject of an entry of this kind: not a kid, or the entry would revoke that key."""


class FeedWriter:
    """Adds entries to the feed.

    keep: seconds for which an entry is kept. follower: announces entries to the other workers.
    """

    def __init__(self, clock: Clock, follower: Follower, keep: int) -> None:
        self._clock = clock
        self._follower = follower
        self._keep = keep

    def row(self, kind: Kind, subject: str) -> dict[str, Any]:
        """Return the columns of an entry."""
        return {"kind": kind, "subject": subject, "expires_at": self.expires_at()}

    def expires_at(self) -> int:
        """Return when an entry of now expires, in seconds since 1970-01-01 UTC."""
        return int(self._clock.timestamp()) + self._keep

    async def add(self, tx: Transaction, statement: Insert, rows: list[dict[str, Any]] | None = None) -> int:
        """Run a statement that adds entries, announce them, and return the position of the last one."""
        await tx.session.execute(statement, rows)
        return await self._follower.announce(tx)


class RevokingTransaction(Transaction):
    """What `Revocations.write` passes to a unit of work: a transaction that may also revoke.

    Only one runs at a time, so the feed is in the order of the commits. Every worker knows a revocation when
    `Revocations.write` returns.
    """

    def __init__(self, tx: Transaction, feed: FeedWriter) -> None:
        super().__init__(tx._state)
        self._feed = feed
        self.position: int | None = None
        """The position of the last entry that was added; None: none yet."""

    async def revoke_session(self, *session_ids: str) -> None:
        """Revoke the tokens of these sessions; the list may be empty."""
        await self._add("session", *session_ids)

    async def revoke_sessions(self, session_ids: Select[Any]) -> None:
        """Revoke the tokens of the sessions that a query returns, however many, in one statement."""
        await self._add_all("session", session_ids)

    async def revoke_user(self, user_id: str, *, keep_session: str | None = None) -> None:
        """Revoke everything issued to a user so far, whatever rows exist. keep_session: except for this session."""
        row = self._feed.row("user", user_id) | {"kept_session": keep_session}
        self.position = await self._feed.add(self, insert(RevocationRow), [row])

    async def revoke_users(self, user_ids: Select[Any]) -> None:
        """Revoke everything issued so far to the users that a query returns, in one statement."""
        await self._add_all("user", user_ids)

    async def revoke_api_key(self, api_key_id: str) -> None:
        """Revoke an API key."""
        await self._add("api_key", api_key_id)

    async def revoke_key(self, kid: str) -> None:
        """Revoke everything that a signing key has signed."""
        await self._add("key", kid)

    async def revoke_everyone(self, *, at: int | None = None) -> None:
        """Revoke everything issued so far. at: the position of the entry; None: the next one."""
        row = self._feed.row("everyone", EVERYONE) | ({} if at is None else {"seq": at})
        self.position = await self._feed.add(self, insert(RevocationRow), [row])

    async def announce_keys(self) -> None:
        """Have every worker read the signing keys again; nothing is revoked."""
        await self._add("keys", KEYS)

    async def _add(self, kind: Kind, *subjects: str) -> None:
        if subjects:
            rows = [self._feed.row(kind, subject) for subject in subjects]
            self.position = await self._feed.add(self, insert(RevocationRow), rows)

    async def _add_all(self, kind: Kind, subjects: Select[Any]) -> None:
        (subject,) = subjects.subquery().c
        rows = select(literal(kind, String), subject, literal(self._feed.expires_at(), BigInteger))
        statement = insert(RevocationRow).from_select(["kind", "subject", "expires_at"], rows)
        self.position = await self._feed.add(self, statement)
