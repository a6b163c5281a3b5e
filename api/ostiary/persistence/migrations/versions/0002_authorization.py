"""Roles with permissions, what ends a session, audit events; users can be disabled.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from ostiary.persistence.base import BigId, UtcDateTime

revision = "0002"
down_revision = "0001"

KEEP = 86400
"""Seconds: no access token that is older than this release lives longer."""


def upgrade() -> None:
    op.add_column("users", sa.Column("disabled_at", UtcDateTime(), nullable=True))
    op.add_column("users", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("users", sa.Column("password_version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("users", sa.Column("email", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("email_key", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("last_seen_at", UtcDateTime(), nullable=True))
    _roles()
    _revocations()
    op.create_table(
        "audit_events",
        sa.Column("seq", BigId, nullable=False, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=True),
        sa.Column("actor_id", sa.String(36), nullable=True),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_events_id")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_events_previous_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_events_user_id_seq"), "audit_events", ["user_id", "seq"])


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_roles")),
    )
    op.create_table(
        "role_permissions",
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("permission", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name=op.f("fk_role_permissions_role"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_role_permissions")),
    )
    op.execute(
        "INSERT INTO roles (name, description, version, created_at) "
        "VALUES ('admin', 'May do everything.', 1, CURRENT_TIMESTAMP)"
    )
    op.execute(
        "INSERT INTO roles (name, description, version, created_at) "
        "SELECT DISTINCT role, '', 1, CURRENT_TIMESTAMP FROM user_roles WHERE role <> 'admin'"
    )
    with op.batch_alter_table("user_roles") as table:
        table.create_foreign_key(op.f("fk_user_roles_role"), "roles", ["role"], ["name"], ondelete="CASCADE")
    op.create_index(op.f("ix_user_roles_role"), "user_roles", ["role"])


def _revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("seq", BigId, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_revocations")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_revocations_subject"), "revocations", ["subject"])
    op.create_index(op.f("ix_revocations_expires_at"), "revocations", ["expires_at"])
    epoch = "EXTRACT(EPOCH FROM now())" if op.get_bind().dialect.name == "postgresql" else "unixepoch()"
    op.execute(
        "INSERT INTO revocations (kind, subject, expires_at) "  # noqa: S608 - nothing here comes from outside
        f"SELECT 'session', id, {epoch} + {KEEP} FROM sessions WHERE ended_at IS NOT NULL"
    )
