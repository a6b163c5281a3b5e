"""Tables of roles."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ostiary.persistence.base import Base, Id, UtcDateTime


class RoleRow(Base):
    """A role. `version` counts its changes."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    description: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RolePermissionRow(Base):
    """A scope that a role gives."""

    __tablename__ = "role_permissions"

    role: Mapped[str] = mapped_column(String(64), ForeignKey("roles.name", ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(String(64), primary_key=True)


class UserRoleRow(Base):
    """A role that a user holds."""

    __tablename__ = "user_roles"

    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.name", ondelete="CASCADE"), primary_key=True, index=True
    )
