"""The tables of the revocation feed."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, BigId, Id


class RevocationRow(Base):
    """A revocation at this position of the feed. Rows are added and, once expired, deleted.

    kind: see service.Kind. subject: the id of what is revoked. expires_at: seconds since 1970-01-01 UTC, when the last
    access token that it concerns has expired. kept_session: the one session of a user that goes on.
    """

    __tablename__ = "revocations"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(36), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    kept_session: Mapped[str | None] = mapped_column(Id)


class FeedIdentityRow(Base):
    """The single row that identifies the history of the database.

    generation: changes whenever the database was found to have gone back. position: that of the entry which was
    written then. The others are PostgreSQL's: the server's system identifier and timeline, the database's oid (all
    null where they cannot be read), and the transaction that wrote the row. A restored row was written by another one.
    """

    __tablename__ = "feed_identity"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    generation: Mapped[str] = mapped_column(Id)
    position: Mapped[int] = mapped_column(BigInteger)
    system: Mapped[str | None] = mapped_column(String(20))
    timeline: Mapped[int | None] = mapped_column(BigInteger)
    database: Mapped[int | None] = mapped_column(BigInteger)
    written_by: Mapped[int | None] = mapped_column(BigInteger)
