"""Runs the migrations within the transaction that ostiary.persistence.migrate has opened."""

from alembic import context

context.run_migrations()
