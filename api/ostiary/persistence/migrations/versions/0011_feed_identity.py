"""A database that went back is recognised, and all sessions of a user but one end without a look at their rows.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "feed_identity",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.String(20), nullable=True),
        sa.Column("timeline", sa.BigInteger(), nullable=True),
        sa.Column("database", sa.BigInteger(), nullable=True),
        sa.Column("written_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_feed_identity"),
    )
    op.add_column("revocations", sa.Column("kept_session", sa.String(36), nullable=True))
