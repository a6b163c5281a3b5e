"""Service clients may revoke tokens only where the operator has said so.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("service_clients", sa.Column("may_revoke", sa.Boolean(), server_default=sa.false(), nullable=False))
