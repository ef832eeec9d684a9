"""States of an annotation that could not be read."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; the next pull and the next import fill it."""
    op.execute(
        """
        CREATE TABLE unread (
            frame VARCHAR(32) NOT NULL,
            place VARCHAR(128) NOT NULL,
            lost TEXT NOT NULL,
            at VARCHAR(27) NOT NULL,
            CONSTRAINT pk_unread PRIMARY KEY (frame, place),
            CONSTRAINT fk_unread_frame FOREIGN KEY(frame) REFERENCES frame (id)
        )
        """
    )
