"""The audit trail is only ever added to: the database refuses all else.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"

SQLITE = """
CREATE TRIGGER audit_events_no_{event} BEFORE {event} ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit events are only ever added'); END
"""

FUNCTION = """
CREATE FUNCTION audit_events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'audit events are only ever added'; END $$
"""

POSTGRES = """
CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_only_added()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)
        op.execute(POSTGRES)
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(SQLITE.format(event=event))
