"""What was taken away from a picture when it was de-identified."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of earlier pictures nothing is known, so a person must look at them before they are sent."""
    op.execute("ALTER TABLE rendition ADD COLUMN deid TEXT")
