"""Tables of service clients."""

from datetime import datetime

from sqlalchemy import String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime


class ServiceClientRow(Base):
    """Another service that can introspect tokens.

    `secret_digest`: of the secret and the id together, so that one look-up finds the row that both belong to.
    `may_revoke`: whether it can also revoke tokens, all of which were issued to others (RFC 7009 section 2.1).
    """

    __tablename__ = "service_clients"

    client_id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    secret_digest: Mapped[str] = mapped_column(String(64), unique=True)
    may_revoke: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
