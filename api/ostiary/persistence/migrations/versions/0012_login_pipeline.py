"""Sessions store how their user logged in, and a login that needs more evidence is kept until it is complete.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from ostiary.persistence.base import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # The defaults are those of every session so far, and of those that an earlier release begins after the migration.
    op.add_column("sessions", sa.Column("amr", sa.Text(), nullable=False, server_default="pwd"))
    op.add_column("sessions", sa.Column("acr", sa.String(16), nullable=False, server_default="aal1"))
    op.create_table(
        "pending_logins",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("password_version", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pending_logins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pending_logins")),
    )
    op.create_index(op.f("ix_pending_logins_user_id"), "pending_logins", ["user_id"])
    op.create_index(op.f("ix_pending_logins_expires_at"), "pending_logins", ["expires_at"])
