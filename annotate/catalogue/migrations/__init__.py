"""The database's tables through time: Alembic's scripts."""
