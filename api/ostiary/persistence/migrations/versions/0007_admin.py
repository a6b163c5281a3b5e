"""Users are found by the beginning of a name or address, and those who are disabled.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            'ALTER TABLE users ALTER COLUMN username_key TYPE text COLLATE "C", '
            'ALTER COLUMN email_key TYPE text COLLATE "C"'
        )
    op.create_index(op.f("ix_users_email_key"), "users", ["email_key"], unique=True)
    disabled = sa.text("disabled_at IS NOT NULL")
    op.create_index("ix_users_disabled", "users", ["id"], sqlite_where=disabled, postgresql_where=disabled)
