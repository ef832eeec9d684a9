"""Alembic's scripts that make and change the database's tables."""
