"""Rules that decide whether the database still has the known history. The two followers supply the facts."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, ColumnElement, Select, String, bindparam, func, literal_column, select

from ostiary.features.audit.service import hash_of_event, last_event
from ostiary.features.revocation.models import FeedIdentityRow, RevocationRow

Reason = Literal[
    "audit_trail",
    "copied_files",
    "database_oid",
    "feed_file",
    "generation",
    "position",
    "restored_row",
    "system_identifier",
    "timeline",
    "token",
    "wal_position",
]
"""The sign by which a database that went back is recognised."""
MARK = 16
"""Number of compared characters of an audit event's hash."""
REASONS: tuple[str, ...] = get_args(Reason)


@dataclass(frozen=True)
class Known:
    """The known state of the history from an earlier look. generation: None before the first look.

    audit, audit_mark: number of the last audit event, and the beginning of its hash. wal: a position of PostgreSQL's
    log on the disk.
    """

    generation: str | None = None
    position: int = 0
    audit: int = 0
    audit_mark: str = ""
    wal: int = 0


@dataclass(frozen=True)
class Found:
    """The result of one look. generation: None if the database has none yet. since: the position at which it began.

    last: the position of the last entry. known_audit_mark: that of the audit event of the number that was asked for.
    facts: what PostgreSQL tells of itself that its row contradicts.
    """

    generation: str | None
    since: int
    last: int
    known_audit_mark: str
    audit: int
    audit_mark: str
    wal: int = 0
    facts: Reason | None = None

    @classmethod
    def of(cls, row: Any, wal: int = 0, facts: Reason | None = None) -> "Found":
        """Return the first six columns of a look's row."""
        generation, since, last, known_hash, audit, audit_hash = tuple(row)[:6]
        return cls(generation, since, last, (known_hash or "")[:MARK], audit, audit_hash[:MARK], wal, facts)

    def as_known(self, wal: int = 0) -> Known:
        """Return this state as the known one."""
        return Known(self.generation, self.last, self.audit, self.audit_mark, wal)


def sign(known: Known, position: int, found: Found) -> Reason | None:
    """Return the sign that the database went back; None if it has the known history.

    known: from the last look. position: that of the last entry which was read, perhaps later.
    """
    if found.facts is not None:
        return found.facts
    if found.last < max(position, known.position):
        return "position"
    if known.generation is None or found.generation == known.generation:
        if known.audit and found.known_audit_mark != known.audit_mark:
            return "audit_trail"
        return "wal_position" if found.wal < known.wal else None
    # If the entry is above everything known, another worker has recognised it and revoked everything issued before.
    return None if found.since > known.position else "generation"


# Not values, so that the text of the query takes none but `audit`.
_ZERO: ColumnElement[int] = literal_column("0", BigInteger)
_NOTHING: ColumnElement[str] = literal_column("''", String)


def look(last: ColumnElement[int], *more: ColumnElement[Any]) -> Select[Any]:
    """Return the query of a look: takes `audit`, the number of the audit event that is known.

    last: the position of the last entry, as a column. more: what the kind of database tells besides.
    """

    def of_row(column: Any) -> Any:
        return select(column).scalar_subquery()

    return select(
        of_row(FeedIdentityRow.generation).label("generation"),
        func.coalesce(of_row(FeedIdentityRow.position), _ZERO).label("since"),
        func.coalesce(last, _ZERO).label("last"),
        hash_of_event(bindparam("audit", type_=BigInteger)).label("known_audit_hash"),
        func.coalesce(last_event(), _ZERO).label("audit"),
        func.coalesce(hash_of_event(last_event()), _NOTHING).label("audit_hash"),
        *more,
    )


def last_row() -> ColumnElement[int]:
    """Return the position of the last entry that is kept, as a column."""
    return select(func.max(RevocationRow.seq)).scalar_subquery()
