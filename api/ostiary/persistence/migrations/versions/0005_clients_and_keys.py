"""Service clients; signing keys that rotate.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from ostiary.persistence.base import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "service_clients",
        sa.Column("client_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_service_clients")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_service_clients_secret_digest")),
    )
    op.add_column("signing_keys", sa.Column("activates_at", UtcDateTime(), nullable=True))
    op.add_column("signing_keys", sa.Column("retires_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE signing_keys SET activates_at = created_at")
    with op.batch_alter_table("signing_keys") as signing_keys:
        signing_keys.alter_column("activates_at", existing_type=UtcDateTime(), nullable=False)
