"""Tables of signing keys."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from api.persistence.base import Base, Id, UtcDateTime


class SigningKeyRow(Base):
    """A signing key, its private part sealed. `slot`: "current" on the one that signs, else nothing."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Id, primary_key=True)
    slot: Mapped[str | None] = mapped_column(String(16), unique=True)
    sealed_private_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
