"""The table of revocations."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from api.persistence.base import Base, BigId


class RevocationRow(Base):
    """Something that no longer counts, from this position of the feed on. Rows are added and, once expired, deleted.

    kind: see service.Kind. subject: the id of what no longer counts. expires_at: seconds since 1970-01-01 UTC, when the
    last access token that it concerns has expired.
    """

    __tablename__ = "revocations"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(36), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
