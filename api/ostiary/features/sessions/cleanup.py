"""Deletion of sessions, refresh tokens and pending logins that are no longer needed.

Who reads them, and why nobody misses what is deleted here:

- A refresh: a token that has expired buys nothing, used or not, nor does one whose session has ended or expired;
  `Rotation.rotate` says so before it looks whether the token was used, and it says the same of one that is not there.
  A used token that has not expired stays while its session lives: its second use is the theft alarm.
- Within the grace time the successor of a used token is read. It was made when that was used, a minute ago at most, so
  it has not been expired for `KEPT_FOR`.
- Introspection and revocation by other services take an expired token for one that never was, whether it is still kept
  or not; an ended session's tokens are inactive, and ending that session again changes nothing.
- A user's list of sessions shows, and ends, live ones only.
- The last use of a session is written where its row is; where there is none, nothing is written.
- Access tokens are checked without this table. Those of an ended session are refused through the revocation feed, as
  long as they would last; none lasts longer than its session (`AccessTokens.issue`).
- A pending login that has expired is refused, whether its row is still there or not.
- The audit trail names sessions by their ids, and refers to no row.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, bindparam, delete, select
from sqlalchemy.sql.dml import ReturningDelete

from ostiary.core.clock import Clock
from ostiary.features.sessions.models import PendingLoginRow, RefreshTokenRow, SessionRow
from ostiary.persistence.base import UtcDateTime, table_of
from ostiary.persistence.transaction import Transaction

KEPT_FOR = timedelta(days=1)
"""How long expired rows and ended sessions are kept.

Nobody needs them, but so nothing has to be exact: neither the clocks of several servers, the fastest of which would
else delete what still counts for the others, nor the order of a deletion and a request that has read the row a moment
before. And whoever looks into a theft that was noticed today finds the session's row, not its events alone.
"""

_SESSIONS = table_of(SessionRow)
_TOKENS = table_of(RefreshTokenRow)
_LOGINS = table_of(PendingLoginRow)


def _oldest(key: ColumnElement[str], time: ColumnElement[object]) -> Select[str]:
    """Return a query for the keys of `most` rows whose time came before all others', up to the moment `before`.

    On PostgreSQL it locks the rows, and skips rows that are locked by others, such as a refresh or the cleanup of
    another worker, so that deadlocks cannot occur.
    """
    return (
        select(key)
        .where(time <= bindparam("before", type_=UtcDateTime))
        .order_by(time)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


_EXPIRED_TOKENS = _oldest(_TOKENS.c.digest, _TOKENS.c.expires_at)
_EXPIRED_SESSIONS = _oldest(_SESSIONS.c.id, _SESSIONS.c.expires_at)
_ENDED_SESSIONS = _oldest(_SESSIONS.c.id, _SESSIONS.c.ended_at)
_EXPIRED_LOGINS = _oldest(_LOGINS.c.digest, _LOGINS.c.expires_at)
_KEYS: BindParameter[Sequence[str]] = bindparam("keys", expanding=True)
_TOKENS_OF = select(_TOKENS.c.digest).where(_TOKENS.c.session_id.in_(_KEYS)).limit(bindparam("most", type_=Integer))
_DELETE_TOKENS = delete(_TOKENS).where(_TOKENS.c.digest.in_(_KEYS)).returning(_TOKENS.c.digest)
_DELETE_LOGINS = delete(_LOGINS).where(_LOGINS.c.digest.in_(_KEYS)).returning(_LOGINS.c.digest)
_DELETE_SESSIONS = delete(_SESSIONS).where(_SESSIONS.c.id.in_(_KEYS)).returning(_SESSIONS.c.id)


class SessionCleanup:
    """The cleanup jobs of sessions, refresh tokens and pending logins; see `ostiary.persistence.cleanup.CleanupJob`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def expired_tokens(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete refresh tokens that have expired, used or not, the oldest first."""
        digests = await self._keys(tx, _EXPIRED_TOKENS, most)
        return {_TOKENS.name: await _delete(tx, _DELETE_TOKENS, digests)}

    async def expired_sessions(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete sessions that have expired, the oldest first."""
        return await _delete_sessions(tx, await self._keys(tx, _EXPIRED_SESSIONS, most), most)

    async def ended_sessions(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete sessions that have ended, the earliest first."""
        return await _delete_sessions(tx, await self._keys(tx, _ENDED_SESSIONS, most), most)

    async def expired_logins(self, tx: Transaction, most: int) -> Mapping[str, int]:
        """Delete pending logins that have expired, the oldest first."""
        digests = await self._keys(tx, _EXPIRED_LOGINS, most)
        return {_LOGINS.name: await _delete(tx, _DELETE_LOGINS, digests)}

    async def _keys(self, tx: Transaction, oldest: Select[str], most: int) -> Sequence[str]:
        return (await tx.session.scalars(oldest, {"before": self._clock.now() - KEPT_FOR, "most": most})).all()


async def _delete_sessions(tx: Transaction, ids: Sequence[str], most: int) -> Mapping[str, int]:
    """Delete `most` of these sessions' tokens. If that was all of them, delete the sessions as well."""
    tokens = (await tx.session.scalars(_TOKENS_OF, {"keys": ids, "most": most})).all() if ids else []
    has_more = len(tokens) == most
    return {
        _TOKENS.name: await _delete(tx, _DELETE_TOKENS, tokens),
        _SESSIONS.name: 0 if has_more else await _delete(tx, _DELETE_SESSIONS, ids),
    }


async def _delete(tx: Transaction, statement: ReturningDelete[str], keys: Sequence[str]) -> int:
    return len((await tx.session.scalars(statement, {"keys": keys})).all()) if keys else 0
