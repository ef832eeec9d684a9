"""The first tables of the catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_IS_ERASED = """EXISTS (
    SELECT 1 FROM frame JOIN clip ON clip.id = frame.clip JOIN patient ON patient.id = clip.patient
    WHERE frame.id = {frame} AND patient.erased_at IS NOT NULL)"""
_MOVED = "OLD.split IS NOT NULL AND (NEW.split IS NULL OR NEW.split <> OLD.split)"

# The database itself enforces this for every program: a drawing is never changed, and deleted only for a patient who
# was erased; a patient's split is set once. A later `batch_alter_table` would drop its table's triggers.
_TRIGGERS = (
    ("revision_as_is", "BEFORE UPDATE ON revision", "1 = 1", "a revision is never changed"),
    ("revision_kept", "BEFORE DELETE ON revision", "NOT {is_erased}", "a revision is never deleted"),
    ("tombstone_as_is", "BEFORE UPDATE ON tombstone", "1 = 1", "a tombstone is never changed"),
    ("tombstone_kept", "BEFORE DELETE ON tombstone", "NOT {is_erased}", "a tombstone is never deleted"),
    ("patient_split_once", "BEFORE UPDATE OF split ON patient", _MOVED, "a patient stays in one split"),
)


def _make_triggers(dialect: str) -> None:
    if dialect == "sqlite":
        trigger = "CREATE TRIGGER {name} {event} WHEN {when} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        is_erased = _IS_ERASED.format(frame="OLD.frame")
    else:
        trigger = "CREATE TRIGGER {name} {event} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION dmr_refuse('{message}')"
        is_erased = "dmr_is_erased(OLD.frame)"  # a condition takes no subquery there
        op.execute(
            "CREATE FUNCTION dmr_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE FUNCTION dmr_is_erased(frame_id varchar) RETURNS boolean LANGUAGE sql STABLE AS "
            f"$$ SELECT {_IS_ERASED.format(frame='frame_id')} $$"
        )
    for name, event, when, message in _TRIGGERS:
        condition = when.format(is_erased=is_erased)
        op.execute(trigger.format(name=name, event=event, when=condition, message=message))


def upgrade() -> None:
    """Make every table, and the triggers that keep the promises."""
    op.create_table(
        "class",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("z", sa.Integer(), nullable=False),
        sa.Column("inside", sa.Integer(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("retired_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["inside"], ["class.id"], name=op.f("fk_class_inside")),
        sa.ForeignKeyConstraint(["merged_into"], ["class.id"], name=op.f("fk_class_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class")),
        sa.UniqueConstraint("name", name=op.f("uq_class_name")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revisions", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("split", sa.String(length=16), nullable=True),
        sa.Column("split_reason", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.String(length=27), nullable=True),
        sa.CheckConstraint("split IN ('train', 'validation', 'test')", name=op.f("ck_patient_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_table(
        "queue",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("reader", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('correct', 'audit', 'second-reading', 'adjudication')", name=op.f("ck_queue_purpose")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
        sa.UniqueConstraint("server", "project", name=op.f("uq_queue_server_project")),
    )
    op.create_table(
        "alias",
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("class", sa.Integer(), nullable=False),
        sa.Column("former_name", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["class"], ["class.id"], name=op.f("fk_alias_class")),
        sa.PrimaryKeyConstraint("text", name=op.f("pk_alias")),
    )
    op.create_table(
        "clip",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("patient", sa.String(length=32), nullable=True),
        sa.Column("acquired", sa.String(length=27), nullable=True),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["patient"], ["patient.id"], name=op.f("fk_clip_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clip")),
    )
    op.create_index(op.f("ix_clip_patient"), "clip", ["patient"], unique=False)
    op.create_table(
        "model",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("class_ids", sa.Text(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=True),
        sa.Column("test_version", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.CheckConstraint(
            "state IN ('candidate', 'active', 'undecided', 'rejected', 'retired')", name=op.f("ck_model_state")
        ),
        sa.ForeignKeyConstraint(["dataset"], ["dataset.id"], name=op.f("fk_model_dataset")),
        sa.ForeignKeyConstraint(["parent"], ["model.id"], name=op.f("fk_model_parent")),
        sa.ForeignKeyConstraint(["test_version"], ["dataset.id"], name="fk_model_test_version"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
    )
    op.create_index(
        "ix_model_one_active",
        "model",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "activation",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["model.id"], name=op.f("fk_activation_model")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_activation")),
    )
    op.create_table(
        "cycle",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("incumbent", sa.String(length=64), nullable=True),
        sa.Column("candidate", sa.String(length=64), nullable=True),
        sa.Column("test_version", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("bounds", sa.Text(), nullable=True),
        sa.Column("selection", sa.Text(), nullable=True),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.CheckConstraint("verdict IN ('promoted', 'undecided', 'rejected')", name=op.f("ck_cycle_verdict")),
        sa.ForeignKeyConstraint(["candidate"], ["model.id"], name=op.f("fk_cycle_candidate")),
        sa.ForeignKeyConstraint(["incumbent"], ["model.id"], name=op.f("fk_cycle_incumbent")),
        sa.ForeignKeyConstraint(["test_version"], ["dataset.id"], name=op.f("fk_cycle_test_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycle")),
    )
    op.create_table(
        "frame",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("clip", sa.String(length=32), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("time_ms", sa.Float(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("spacing_row_mm", sa.Float(), nullable=True),
        sa.Column("spacing_col_mm", sa.Float(), nullable=True),
        sa.Column("spacing_source", sa.String(length=32), nullable=True),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("eligible", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_at", sa.String(length=27), nullable=False),
        sa.CheckConstraint("height > 0 AND width > 0", name=op.f("ck_frame_size")),
        sa.ForeignKeyConstraint(["clip"], ["clip.id"], name=op.f("fk_frame_clip")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frame")),
    )
    op.create_index(op.f("ix_frame_clip"), "frame", ["clip"], unique=False)
    op.create_index(op.f("ix_frame_source_sha256"), "frame", ["source_sha256"], unique=False)
    op.create_table(
        "rendition",
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("pixel_sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("perceptual_hash", sa.String(length=16), nullable=True),
        sa.Column("deid_version", sa.String(length=32), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_at", sa.String(length=27), nullable=False),
        sa.CheckConstraint("state IN ('ok', 'quarantined', 'erased')", name=op.f("ck_rendition_state")),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_rendition_frame")),
        sa.PrimaryKeyConstraint("frame", "pixel_sha256", name=op.f("pk_rendition")),
        sa.UniqueConstraint("frame", "version", name=op.f("uq_rendition_frame_version")),
    )
    op.create_index(op.f("ix_rendition_pixel_sha256"), "rendition", ["pixel_sha256"], unique=False)
    op.create_table(
        "task",
        sa.Column("queue", sa.Integer(), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("remote_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("pushed_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.CheckConstraint("state IN ('pushed', 'labelled', 'skipped', 'gone')", name=op.f("ck_task_state")),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_task_frame")),
        sa.ForeignKeyConstraint(["model"], ["model.id"], name=op.f("fk_task_model")),
        sa.ForeignKeyConstraint(["queue"], ["queue.id"], name=op.f("fk_task_queue")),
        sa.PrimaryKeyConstraint("queue", "frame", name=op.f("pk_task")),
    )
    op.create_index("ix_task_queue_remote_id", "task", ["queue", "remote_id"], unique=False)
    op.create_table(
        "prediction",
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("rendition", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("shapes", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["frame", "rendition"], ["rendition.frame", "rendition.pixel_sha256"], name="fk_prediction_frame_rendition"
        ),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_prediction_frame")),
        sa.ForeignKeyConstraint(["model"], ["model.id"], name=op.f("fk_prediction_model")),
        sa.PrimaryKeyConstraint("frame", "rendition", "model", name=op.f("pk_prediction")),
    )
    op.create_index(op.f("ix_prediction_model"), "prediction", ["model"], unique=False)
    op.create_table(
        "revision",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("rendition", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("shapes", sa.Text(), nullable=False),
        sa.Column("covered", sa.Text(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("raw_sha256", sa.String(length=64), nullable=True),
        sa.Column("lead_time_s", sa.Float(), nullable=True),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.CheckConstraint("origin IN ('import', 'labelme', 'studio', 'consensus')", name=op.f("ck_revision_origin")),
        sa.ForeignKeyConstraint(
            ["frame", "rendition"], ["rendition.frame", "rendition.pixel_sha256"], name="fk_revision_frame_rendition"
        ),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_revision_frame")),
        sa.ForeignKeyConstraint(["parent"], ["revision.sha256"], name=op.f("fk_revision_parent")),
        sa.ForeignKeyConstraint(["previous"], ["revision.sha256"], name=op.f("fk_revision_previous")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_revision")),
        sa.UniqueConstraint("sequence", name=op.f("uq_revision_sequence")),
    )
    op.create_index(op.f("ix_revision_frame"), "revision", ["frame"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("revisions", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("resolved_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_conflict_frame")),
        sa.ForeignKeyConstraint(["resolved_by"], ["revision.sha256"], name=op.f("fk_conflict_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict")),
    )
    op.create_index(op.f("ix_conflict_frame"), "conflict", ["frame"], unique=False)
    op.create_table(
        "head",
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_head_frame")),
        sa.ForeignKeyConstraint(["revision"], ["revision.sha256"], name=op.f("fk_head_revision")),
        sa.PrimaryKeyConstraint("frame", "author", name=op.f("pk_head")),
    )
    op.create_table(
        "remote_annotation",
        sa.Column("queue", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Integer(), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("raw_sha256", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.CheckConstraint("state IN ('live', 'skipped', 'gone')", name=op.f("ck_remote_annotation_state")),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_remote_annotation_frame")),
        sa.ForeignKeyConstraint(["queue"], ["queue.id"], name=op.f("fk_remote_annotation_queue")),
        sa.ForeignKeyConstraint(["revision"], ["revision.sha256"], name=op.f("fk_remote_annotation_revision")),
        sa.PrimaryKeyConstraint("queue", "remote_id", name=op.f("pk_remote_annotation")),
    )
    op.create_table(
        "tombstone",
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_tombstone_frame")),
        sa.ForeignKeyConstraint(["revision"], ["revision.sha256"], name=op.f("fk_tombstone_revision")),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "truth",
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["frame"], ["frame.id"], name=op.f("fk_truth_frame")),
        sa.ForeignKeyConstraint(["revision"], ["revision.sha256"], name=op.f("fk_truth_revision")),
        sa.PrimaryKeyConstraint("frame", name=op.f("pk_truth")),
    )
    _make_triggers(op.get_context().dialect.name)
