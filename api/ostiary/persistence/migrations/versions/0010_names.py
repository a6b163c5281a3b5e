"""User names that look the same as another's are found.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from ostiary.core.names import skeleton

revision = "0010"
down_revision = "0009"

BATCH_SIZE = 1000


def upgrade() -> None:
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("users", sa.Column("username_skeleton", key, nullable=True))
    op.add_column("users", sa.Column("username_twin", sa.Integer(), server_default="0", nullable=False))
    _fill()
    # Names that look the same were allowed: whoever has one keeps it, numbered in the order of registration.
    op.execute(
        "UPDATE users SET username_twin = twins.number FROM (SELECT id, "
        "row_number() OVER (PARTITION BY username_skeleton ORDER BY id) - 1 AS number FROM users) AS twins "
        "WHERE twins.id = users.id AND twins.number > 0"
    )
    op.create_index("ix_users_username_skeleton", "users", ["username_skeleton", "username_twin"], unique=True)


def _fill() -> None:
    database = op.get_bind()
    read = sa.text("SELECT id, username FROM users WHERE id > :after ORDER BY id LIMIT :many")
    write = sa.text("UPDATE users SET username_skeleton = :skeleton WHERE id = :id")
    after = ""
    while rows := database.execute(read, {"after": after, "many": BATCH_SIZE}).all():
        database.execute(write, [{"id": user_id, "skeleton": skeleton(name)} for user_id, name in rows])
        after = rows[-1][0]
