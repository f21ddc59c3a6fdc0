"""Alembic's environment, the same for every service: ``run_migrations`` brings the connection and its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
context.run_migrations()
