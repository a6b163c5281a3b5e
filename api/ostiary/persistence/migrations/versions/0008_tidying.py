"""Sessions and refresh tokens that nobody needs any more are found, the oldest first.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index(op.f("ix_refresh_tokens_expires_at"), "refresh_tokens", ["expires_at"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index("ix_sessions_ended", "sessions", ["ended_at"], sqlite_where=ended, postgresql_where=ended)
