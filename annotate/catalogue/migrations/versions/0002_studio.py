"""Columns for the loop through Label Studio: reviewed pictures, corrected drafts, places in the order."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Plain statements, because Alembic would rebuild SQLite's tables for the reference and lose their triggers.
_COLUMNS = (
    ("rendition", "reviewed_at VARCHAR(27)"),
    ("revision", "draft_model VARCHAR(64) CONSTRAINT fk_revision_draft_model REFERENCES model (id)"),
    ("task", "rank INTEGER"),
)


def upgrade() -> None:
    """Add the columns."""
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
