"""Runs the migrations within the transaction that api.persistence.migrate has opened."""

from alembic import context

context.run_migrations()
