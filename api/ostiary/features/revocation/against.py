"""The database query for one bearer, for workers whose memory is not current."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from ostiary.features.revocation.models import RevocationRow

EVERYONE = "everyone"
"""The subject of an entry of this kind."""

_ONE: ColumnElement[Any] = literal_column("1")
_POSITION = bindparam("position", type_=BigInteger)
_LAST = select(func.coalesce(func.max(RevocationRow.seq), 0)).scalar_subquery()
_IS_KEPT = and_(RevocationRow.kept_session.is_not(None), RevocationRow.kept_session == bindparam("session"))
_ENTRY = select(_ONE).where(
    or_(
        RevocationRow.subject == bindparam("session"),
        RevocationRow.subject == bindparam("kid"),
        RevocationRow.subject == bindparam("api_key"),
        and_(RevocationRow.subject == bindparam("user"), RevocationRow.seq > _POSITION, ~_IS_KEPT),
        and_(RevocationRow.subject == EVERYONE, RevocationRow.seq > _POSITION),
    )
)

AHEAD: Select[Any] = select(_ONE).where(_POSITION > _LAST)
"""Finds a row if the bearer was issued after a position that the feed has not reached: that history was undone."""

AGAINST: CompoundSelect[Any] = union_all(_ENTRY, AHEAD)
"""Finds a row where an entry stands against the bearer, or so."""
