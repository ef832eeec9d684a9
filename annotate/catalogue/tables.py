"""The in-house database's tables. Migrations make them, and a test compares the two."""

from __future__ import annotations

from typing import Final, get_args

import sqlalchemy as sa

from ..settings.model import Purpose, Split
from .records import AnnotationState, Decision, ModelState, Origin, Reading, RenditionState, TaskState

SCHEMA: Final = "0007"
"""The newest migration, which this program reads and writes."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, kind: object) -> sa.CheckConstraint:
    """A column for one of a Literal's values."""
    listed = ", ".join(f"'{value}'" for value in get_args(kind))
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _time(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """UTC as ISO-8601 text of fixed width (`clock.py`): the same in every database, sorted as text, and exact.

    SQLite has no type for a time with a zone, and SQLAlchemy's substitute drops the zone silently.
    """
    return sa.Column(name, sa.String(27), nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Canonical JSON (`canonical.py`) as text: the same bytes in every database, so it can be hashed."""
    return sa.Column(name, sa.Text, nullable=nullable)


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

patient = sa.Table(
    "patient",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("split", sa.String(16)),  # set once: a trigger refuses to change it
    sa.Column("split_reason", sa.Text),
    _time("erased_at", nullable=True),
    _one_of("split", Split),
)

clip = sa.Table(
    "clip",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("patient", sa.ForeignKey("patient.id"), index=True),
    sa.Column("acquired", sa.String(27)),
    sa.Column("source_sha256", sa.String(64)),  # None for a clip of several files
    sa.Column("site", sa.Text),
    sa.Column("device", sa.Text),
)

frame = sa.Table(
    "frame",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("clip", sa.ForeignKey("clip.id"), nullable=False, index=True),
    sa.Column("source_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("index", sa.Integer, nullable=False),
    sa.Column("time_ms", sa.Float),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("spacing_row_mm", sa.Float),
    sa.Column("spacing_col_mm", sa.Float),
    sa.Column("spacing_source", sa.String(32)),
    _json("sector", nullable=True),
    sa.Column("eligible", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _time("added_at"),
    sa.CheckConstraint("height > 0 AND width > 0", name="size"),
)

rendition = sa.Table(
    "rendition",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),
    sa.Column("pixel_sha256", sa.String(64), primary_key=True, index=True),
    sa.Column("version", sa.Integer, nullable=False),  # 1, 2 ... within its frame; the last one counts
    sa.Column("perceptual_hash", sa.String(16)),
    sa.Column("deid_version", sa.String(32), nullable=False),
    sa.Column("path", sa.Text),  # relative to the workspace, POSIX; None once erased
    sa.Column("state", sa.String(16), nullable=False),
    _time("added_at"),
    _time("reviewed_at", nullable=True),  # when somebody confirmed that the picture does not show who the patient is
    sa.Column("small", sa.LargeBinary),  # 16 x 16 grey values; follows from the picture, None where not computed yet
    _json("deid", nullable=True),  # what was taken away, without its values; None from an older dmr
    sa.UniqueConstraint("frame", "version"),
    _one_of("state", RenditionState),
)

class_ = sa.Table(
    "class",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("color", sa.String(7), nullable=False),
    sa.Column("z", sa.Integer, nullable=False),
    sa.Column("inside", sa.ForeignKey("class.id")),
    sa.Column("merged_into", sa.ForeignKey("class.id")),  # for a retired class whose name is now another class's alias
    _time("retired_at", nullable=True),
)

alias = sa.Table(
    "alias",
    metadata,
    sa.Column("text", sa.Text, primary_key=True),
    sa.Column("class", sa.ForeignKey("class.id"), nullable=False),
    sa.Column("former_name", sa.Boolean, nullable=False),  # kept when dmr.toml does not list it
)

revision = sa.Table(
    "revision",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),  # hash of the blob in store/ with the same content
    sa.Column("sequence", sa.Integer, nullable=False, unique=True),  # order of arrival; no clock decides which is newer
    sa.Column("frame", sa.ForeignKey("frame.id"), nullable=False, index=True),
    sa.Column("rendition", sa.String(64), nullable=False),
    sa.Column("parent", sa.ForeignKey("revision.sha256")),  # the revision over which it was drawn
    sa.Column("previous", sa.ForeignKey("revision.sha256")),  # the author's last one: an unbroken chain for each author
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    _json("shapes"),
    _json("covered"),
    sa.Column("blind", sa.Boolean, nullable=False),
    sa.Column("raw_sha256", sa.String(64)),
    sa.Column("lead_time_s", sa.Float),
    _time("at"),
    sa.Column(
        "draft_model", sa.ForeignKey("model.id", name="fk_revision_draft_model")
    ),  # the model whose draft was corrected
    _json("words", nullable=True),  # typed beside the outlines; it may name a patient, and never leaves the workspace
    sa.Column("reading", sa.String(16), nullable=False, server_default="first"),
    sa.ForeignKeyConstraint(
        ["frame", "rendition"], ["rendition.frame", "rendition.pixel_sha256"], name="fk_revision_frame_rendition"
    ),
    _one_of("origin", Origin),
    _one_of("reading", Reading),
)

tombstone = sa.Table(
    "tombstone",
    metadata,
    sa.Column("revision", sa.ForeignKey("revision.sha256"), primary_key=True),
    sa.Column("frame", sa.ForeignKey("frame.id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    _time("at"),
)

head = sa.Table(
    "head",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("revision", sa.ForeignKey("revision.sha256"), nullable=False),  # withdrawn if it has a tombstone
)

truth = sa.Table(
    "truth",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),
    sa.Column("revision", sa.ForeignKey("revision.sha256"), nullable=False),  # computed from the heads
)

conflict = sa.Table(
    "conflict",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("frame", sa.ForeignKey("frame.id"), nullable=False, index=True),
    _json("revisions"),
    _time("at"),
    sa.Column("resolved_by", sa.ForeignKey("revision.sha256")),
    _time("resolved_at", nullable=True),
    sa.Column("classes", sa.Text, nullable=False, server_default="[]"),  # JSON: ids of what it is about, with the Dice
)

dataset = sa.Table(
    "dataset",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # SHA-256 of `revisions`
    _json("revisions"),
    _time("at"),
)

model = sa.Table(
    "model",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("parent", sa.ForeignKey("model.id")),
    _json("class_ids"),
    sa.Column("dataset", sa.ForeignKey("dataset.id")),
    sa.Column("test_version", sa.ForeignKey("dataset.id", name="fk_model_test_version")),
    sa.Column("state", sa.String(16), nullable=False),
    _time("at"),
    _one_of("state", ModelState),
)
_is_active = model.c.state == "active"
sa.Index("ix_model_one_active", model.c.state, unique=True, sqlite_where=_is_active, postgresql_where=_is_active)

activation = sa.Table(
    "activation",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.ForeignKey("model.id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    _time("at"),
)

prediction = sa.Table(
    "prediction",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),
    sa.Column("rendition", sa.String(64), primary_key=True),
    sa.Column("model", sa.ForeignKey("model.id"), primary_key=True, index=True),
    _json("shapes"),
    _json("scores"),
    sa.Column("embedding", sa.LargeBinary),  # little-endian float16
    _time("at"),
    sa.ForeignKeyConstraint(
        ["frame", "rendition"], ["rendition.frame", "rendition.pixel_sha256"], name="fk_prediction_frame_rendition"
    ),
)

queue = sa.Table(
    "queue",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("project", sa.Integer, nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("reader", sa.Text),
    sa.Column("cursor", sa.Text),  # time of the last pull
    sa.UniqueConstraint("server", "project"),
    _one_of("purpose", Purpose),
)

task = sa.Table(
    "task",
    metadata,
    sa.Column("queue", sa.ForeignKey("queue.id"), primary_key=True),
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),  # servers reuse the ids of deleted tasks
    sa.Column("remote_id", sa.Integer, nullable=False),
    sa.Column("model", sa.ForeignKey("model.id")),  # the model whose prediction was pushed
    sa.Column("pushed_sha256", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False),
    _time("at"),
    sa.Column("rank", sa.Integer),  # place in the order of the last push
    sa.Index("ix_task_queue_remote_id", "queue", "remote_id"),
    _one_of("state", TaskState),
)

remote_annotation = sa.Table(
    "remote_annotation",
    metadata,
    sa.Column("queue", sa.ForeignKey("queue.id"), primary_key=True),
    sa.Column("remote_id", sa.Integer, primary_key=True),
    sa.Column("frame", sa.ForeignKey("frame.id"), nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("raw_sha256", sa.String(64), nullable=False),  # as last seen on the server
    sa.Column("revision", sa.ForeignKey("revision.sha256")),  # the revision made of it; None for a skipped task
    sa.Column("state", sa.String(16), nullable=False),
    _one_of("state", AnnotationState),
)

unread = sa.Table(
    "unread",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),
    sa.Column("place", sa.String(128), primary_key=True),  # where the state lies that could not be read
    _json("lost"),  # ids of the classes that it may show otherwise, null where nobody can tell
    _time("at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("frame", sa.ForeignKey("frame.id"), primary_key=True),  # a frame is drawn once at most
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("blind", sa.Boolean, nullable=False),  # goes out without the model's draft
    sa.Column("model", sa.ForeignKey("model.id"), nullable=False),  # whose draft is measured
    _time("at"),
)

cycle = sa.Table(
    "cycle",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("incumbent", sa.ForeignKey("model.id")),
    sa.Column("candidate", sa.ForeignKey("model.id")),
    sa.Column("test_version", sa.ForeignKey("dataset.id")),
    sa.Column("verdict", sa.String(16)),
    _json("bounds", nullable=True),
    _json("selection", nullable=True),
    _time("at"),
    _one_of("verdict", Decision),
)
