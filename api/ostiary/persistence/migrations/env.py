"""Run the migrations in the transaction that ostiary.persistence.migrate has opened."""

from alembic import context

context.run_migrations()
