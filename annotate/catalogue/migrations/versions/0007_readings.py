"""Which reading a revision is, which classes a conflict is about, and queues for repeats."""

from __future__ import annotations

from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_READINGS = "reading IN ('first', 'second', 'repeat', 'adjudication')"
_PURPOSES = "purpose IN ('correct', 'audit', 'second-reading', 'adjudication', 'repeat')"
_QUEUE = f"""
    CREATE TABLE queue (
        id INTEGER NOT NULL,
        name VARCHAR(64) NOT NULL,
        server TEXT NOT NULL,
        project INTEGER NOT NULL,
        purpose VARCHAR(16) NOT NULL,
        reader TEXT,
        cursor TEXT,
        CONSTRAINT ck_queue_purpose CHECK ({_PURPOSES}),
        CONSTRAINT pk_queue PRIMARY KEY (id),
        CONSTRAINT uq_queue_server_project UNIQUE (server, project)
    )
"""


def upgrade() -> None:
    """Add the columns: all earlier revisions are first readings. Let queues have the purpose `repeat`."""
    op.execute(
        "ALTER TABLE revision ADD COLUMN reading VARCHAR(16) DEFAULT 'first' NOT NULL "
        f"CONSTRAINT ck_revision_reading CHECK ({_READINGS})"
    )
    op.execute("ALTER TABLE conflict ADD COLUMN classes TEXT DEFAULT '[]' NOT NULL")
    if context.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE queue DROP CONSTRAINT ck_queue_purpose")
        op.execute(f"ALTER TABLE queue ADD CONSTRAINT ck_queue_purpose CHECK ({_PURPOSES})")
        return
    # SQLite changes no check. Tasks name queues, so the references are looked at when all rows are there again.
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMP TABLE queue_before AS SELECT * FROM main.queue")
    op.execute("DROP TABLE main.queue")
    op.execute(_QUEUE)
    op.execute("INSERT INTO main.queue SELECT id, name, server, project, purpose, reader, cursor FROM queue_before")
    op.execute("DROP TABLE queue_before")
