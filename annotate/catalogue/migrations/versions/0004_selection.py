"""The audit slice, and the frames' down-scaled grey values."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; the values of earlier frames are computed when a ranking needs them."""
    binary = "BYTEA" if op.get_context().dialect.name == "postgresql" else "BLOB"
    op.execute(f"ALTER TABLE rendition ADD COLUMN small {binary}")
    op.execute(
        """
        CREATE TABLE audit (
            frame VARCHAR(32) NOT NULL,
            round INTEGER NOT NULL,
            blind BOOLEAN NOT NULL,
            model VARCHAR(64) NOT NULL,
            at VARCHAR(27) NOT NULL,
            CONSTRAINT pk_audit PRIMARY KEY (frame),
            CONSTRAINT fk_audit_frame FOREIGN KEY(frame) REFERENCES frame (id),
            CONSTRAINT fk_audit_model FOREIGN KEY(model) REFERENCES model (id)
        )
        """
    )
