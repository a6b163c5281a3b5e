"""Tables of accounts."""

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime

Key = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, as in SQLite, so that an index finds texts by prefix."""

_IS_DISABLED = "disabled_at IS NOT NULL"


class UserRow(Base):
    """A user who can log in. `username` is as typed, `username_key` is its unique form; likewise for `email`.

    username_skeleton: the common form of names that look alike; None for a user that an earlier release created after
    the migration. username_twin: 0, or a number that distinguishes users whose names looked alike before such names
    were refused. version: counts the changes that others see. password_version: counts the passwords.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_username_skeleton", "username_skeleton", "username_twin", unique=True),
        Index("ix_users_disabled", "id", sqlite_where=text(_IS_DISABLED), postgresql_where=text(_IS_DISABLED)),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    username: Mapped[str] = mapped_column(Text)
    username_key: Mapped[str] = mapped_column(Key, unique=True)
    username_skeleton: Mapped[str | None] = mapped_column(Key)
    username_twin: Mapped[int] = mapped_column(server_default="0")
    email: Mapped[str | None] = mapped_column(Text)
    email_key: Mapped[str | None] = mapped_column(Key, index=True, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    password_version: Mapped[int] = mapped_column(server_default="1")
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
