"""Tables of idempotency keys."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime


class IdempotencyKeyRow(Base):
    """The key of a running or an answered request. The row reveals neither the key nor the body.

    `digest`: of the operation, the caller and the key. `fingerprint`: of all these and the body. `claim`: names the
    request that does the work. `sealed_answer`: none while it does; to be opened with the key and the body alone.
    """

    __tablename__ = "idempotency_keys"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    claim: Mapped[str] = mapped_column(Id)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sealed_answer: Mapped[bytes | None] = mapped_column(LargeBinary)
