"""Alembic's entry: runs the scripts on the connection that `database.py` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

if context.is_offline_mode():
    context.configure(url=context.config.get_main_option("sqlalchemy.url"), literal_binds=True)
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=context.config.attributes.get("metadata"),  # where a new script is to be generated
    )

with context.begin_transaction():
    context.run_migrations()
