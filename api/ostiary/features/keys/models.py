"""Tables of signing keys."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime


class SigningKeyRow(Base):
    """A signing key, its private part sealed.

    `slot`: "current" for the newest key, otherwise null, so that one of two concurrent rotations fails. `activates_at`:
    when it starts to sign. `retires_at`: when it is no longer published; known once it has a successor.
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Id, primary_key=True)
    slot: Mapped[str | None] = mapped_column(String(16), unique=True)
    sealed_private_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    activates_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
