"""What a physician typed beside the outlines: descriptions and flags."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier revisions have none."""
    op.execute("ALTER TABLE revision ADD COLUMN words TEXT")
