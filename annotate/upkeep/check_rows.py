"""Whether the catalogue's rows agree with themselves, with each other, and with what follows from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..catalogue import tables as t
from ..catalogue.agreement import Rule
from ..catalogue.catalogue import Catalogue
from ..catalogue.records import RevisionRecord
from ..catalogue.revisions import revision_json
from ..catalogue.truth import conflict_name, disputed_json, what_follows
from ..progress.tell import Tell
from ..scans.similarity import SMALL
from ..shapes import Annotation
from ..system.canonical import canonical_json, json_to_shapes
from ..system.store import sha256_hex
from .check_catalogue import meta_values, row_place
from .copy import REBUILD
from .fault import Fault

_META = ("workspace_id", "key_id", "created_at")
_AT_ONCE = 200
_NAMED_BY = (
    (t.head.c.revision, t.head.c.frame),
    (t.truth.c.revision, t.truth.c.frame),
    (t.tombstone.c.revision, t.tombstone.c.frame),
    (t.revision.c.parent, t.revision.c.frame),
    (t.revision.c.previous, t.revision.c.frame),
    (t.remote_annotation.c.revision, t.remote_annotation.c.frame),
)


def rows_agree(catalogue: Catalogue, *, tell: Tell) -> Iterator[Fault]:
    """All that is wrong with the rows of a catalogue, which may be a copy."""
    with catalogue.reading() as connection:
        class_ids = set(connection.scalars(sa.select(t.class_.c.id)))
        yield from _meta(connection)
        yield from _revisions(connection, class_ids, tell=tell)
        yield from _lost_revisions(connection)
        yield from _heads(connection)
        yield from _followed(connection, tell=tell)
        yield from _conflict_names(connection)
        yield from _datasets(connection)
        yield from _models(connection, class_ids)
        yield from _predictions(connection, class_ids, tell=tell)
        yield from _small(connection)


def _meta(connection: Connection) -> Iterator[Fault]:
    known = meta_values(connection)
    for key in _META:
        if key not in known:
            yield Fault(row_place("meta", (key,)), "is missing", REBUILD)
    if "key_id" in known:
        for patient in connection.scalars(sa.select(t.patient.c.id).where(t.patient.c.key_id != known["key_id"])):
            yield Fault(row_place("patient", (patient,)), "is named with another key than the workspace's")


def _revisions(connection: Connection, class_ids: set[int], *, tell: Tell) -> Iterator[Fault]:
    joined = t.revision.join(t.frame, t.frame.c.id == t.revision.c.frame)
    query = sa.select(t.revision, t.frame.c.height, t.frame.c.width).select_from(joined)
    for row in connection.execute(query).yield_per(_AT_ONCE):
        tell("Checking revisions", 1, None)
        place = row_place("revision", (row.sha256,))
        try:
            says = sha256_hex(said_by(row).encode())
            named = set(json.loads(row.covered)) | {shape["class"] for shape in json.loads(row.shapes)}
            canonical = all(
                canonical_json(json.loads(text)) == text for text in (row.shapes, row.covered, row.words or "0")
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield Fault(place, f"cannot be read ({type(error).__name__})", mend="said", given={"sha256": row.sha256})
            continue
        if says != row.sha256 or not canonical:
            yield Fault(place, f"says what has the hash {says[:12]}", mend="said", given={"sha256": row.sha256})
        for class_id in sorted(named - class_ids):
            yield Fault(place, f"names class {class_id}, which is not there", REBUILD)


def said_by(row: Row[Any]) -> str:
    """What a revision's blob says, from its row with the frame's height and width."""
    annotation = Annotation(
        row.height, row.width, json_to_shapes(json.loads(row.shapes)), frozenset(json.loads(row.covered))
    )
    return revision_json(
        RevisionRecord(
            frame=row.frame,
            rendition=row.rendition,
            author=row.author,
            origin=row.origin,
            annotation=annotation,
            parent=row.parent,
            blind=row.blind,
            raw_sha256=row.raw_sha256,
            draft_model=row.draft_model,
            words=row.words,
            reading=row.reading,
        ),
        previous=row.previous,
    )


def _lost_revisions(connection: Connection) -> Iterator[Fault]:
    there = sa.select(t.revision.c.sha256)
    lost = {
        sha256
        for column, _ in _NAMED_BY
        for sha256 in connection.scalars(sa.select(column).where(column.is_not(None), column.not_in(there)))
    }
    for sha256 in sorted(lost):
        yield Fault(row_place("revision", (sha256,)), "is missing", mend="lost", given={"sha256": sha256})


def _heads(connection: Connection) -> Iterator[Fault]:
    """An author's head is their last revision of a frame that is no repeat; each one comes after the one before it."""
    c = t.revision.c
    is_repeat = c.reading == "repeat"
    whose = (c.frame, c.author, is_repeat)
    listed = sa.select(
        c.frame,
        c.author,
        c.sha256,
        c.previous,
        is_repeat.label("is_repeat"),
        sa.func.lag(c.sha256).over(partition_by=whose, order_by=c.sequence).label("before"),
        sa.func.lead(c.sha256).over(partition_by=whose, order_by=c.sequence).label("after"),
    ).subquery()
    broken = sa.select(listed).where(listed.c.previous.is_distinct_from(listed.c.before))
    for row in connection.execute(broken):
        what = f"does not come after its author's revision before it, {str(row.before)[:12]}"
        yield Fault(row_place("revision", (row.sha256,)), what, REBUILD)
    last = sa.select(listed).where(listed.c.after.is_(None), ~listed.c.is_repeat).subquery()
    same = sa.and_(t.head.c.frame == last.c.frame, t.head.c.author == last.c.author)
    query = sa.select(last.c.frame, last.c.author).select_from(last.join(t.head, same, isouter=True))
    for row in connection.execute(query.where(t.head.c.revision.is_distinct_from(last.c.sha256))):
        what = "is not its author's last revision"
        yield Fault(row_place("head", (row.frame, row.author)), what, mend="derived", given={"frame": row.frame})
    nobody = sa.select(t.head.c.frame, t.head.c.author).select_from(t.head.join(last, same, isouter=True))
    for row in connection.execute(nobody.where(last.c.sha256.is_(None))):
        what = "is of an author who drew nothing on that frame"
        yield Fault(row_place("head", (row.frame, row.author)), what, mend="derived", given={"frame": row.frame})


def _followed(connection: Connection, *, tell: Tell) -> Iterator[Fault]:
    """The truth and the open conflicts are those that follow from the heads."""
    if Rule.read(connection) is None:  # of an older dmr: the next command that opens the catalogue finds them anew
        return
    c = t.conflict.c
    frames = set(
        connection.scalars(sa.union(sa.select(t.head.c.frame), sa.select(t.truth.c.frame), sa.select(c.frame)))
    )
    for frame in sorted(frames - set(connection.scalars(_plain_frames()))):
        tell("Checking what is true", 1, None)
        truth, contradicting, disputed = what_follows(connection, frame)
        given = {"frame": frame}
        if connection.scalar(sa.select(t.truth.c.revision).where(t.truth.c.frame == frame)) != truth:
            what = f"is not what follows from the frame's revisions: {truth and truth[:12]}"
            yield Fault(row_place("truth", (frame,)), what, mend="derived", given=given)
        query = sa.select(c.revisions, c.classes).where(c.frame == frame, c.resolved_at.is_(None))
        opened = [tuple(row) for row in connection.execute(query)]
        follows = [(canonical_json(contradicting), disputed_json(disputed))] if contradicting else []
        if opened != follows:
            what = "does not follow from the frame's revisions"
            yield Fault(row_place("conflict", (frame,)), what, mend="derived", given=given)


def _plain_frames() -> sa.Select[tuple[str]]:
    """The many frames with one head, never withdrawn, that is the truth: nothing else can follow there."""
    h = t.head.c
    alone = sa.select(h.frame).group_by(h.frame).having(sa.func.count() == 1)
    true = sa.and_(t.truth.c.frame == h.frame, t.truth.c.revision == h.revision)
    return (
        sa.select(h.frame)
        .select_from(t.head.join(t.truth, true))
        .where(
            h.frame.in_(alone),
            h.frame.not_in(sa.select(t.tombstone.c.frame)),
            h.frame.not_in(sa.select(t.conflict.c.frame)),
        )
    )


def _conflict_names(connection: Connection) -> Iterator[Fault]:
    for row in connection.execute(sa.select(t.conflict)):
        if row.id != conflict_name(row.frame, row.revisions):
            yield Fault(row_place("conflict", (row.id,)), "says what has another id", REBUILD)


def _datasets(connection: Connection) -> Iterator[Fault]:
    there = set(connection.scalars(sa.select(t.revision.c.sha256)))
    for row in connection.execute(sa.select(t.dataset)).yield_per(_AT_ONCE):
        place = row_place("dataset", (row.id,))
        if sha256_hex(row.revisions.encode()) != row.id:
            yield Fault(place, "says what has another hash", REBUILD)
            continue
        for sha256 in sorted(set(json.loads(row.revisions)) - there):
            yield Fault(place, f"names revision {sha256}, which is not there")


def _models(connection: Connection, class_ids: set[int]) -> Iterator[Fault]:
    last = connection.scalar(sa.select(t.activation.c.model).order_by(t.activation.c.sequence.desc()).limit(1))
    for row in connection.execute(sa.select(t.model)):
        place = row_place("model", (row.id,))
        try:
            unknown = sorted(set(json.loads(row.class_ids)) - class_ids)
        except (ValueError, TypeError):
            yield Fault(place, "its class ids cannot be read", REBUILD)
            continue
        for class_id in unknown:
            yield Fault(place, f"names class {class_id}, which is not there", REBUILD)
        if (row.state == "active") != (row.id == last):
            yield Fault(place, f"is {row.state}, and {last or 'none'} was activated last", REBUILD)


def _predictions(connection: Connection, class_ids: set[int], *, tell: Tell) -> Iterator[Fault]:
    for row in connection.execute(sa.select(t.prediction)).yield_per(_AT_ONCE):
        tell("Checking predictions", 1, None)
        try:
            unknown = {s.class_id for s in json_to_shapes(json.loads(row.shapes))} - class_ids
            fine = not unknown and canonical_json(json.loads(row.scores)) == row.scores
        except (ValueError, TypeError, KeyError):
            fine = False
        if not fine or len(row.embedding or b"") % 2:
            place = row_place("prediction", (row.frame, row.rendition, row.model))
            yield Fault(place, "cannot be read", "`dmr prelabel` on the same scans makes it anew")


def _small(connection: Connection) -> Iterator[Fault]:
    """Small grey values are 16 x 16 bytes, or not computed yet."""
    c = t.rendition.c
    query = sa.select(c.frame, c.pixel_sha256).where(sa.func.length(c.small) != SMALL * SMALL)
    for row in connection.execute(query):
        what = f"its small grey values are not {SMALL} x {SMALL}"
        yield Fault(row_place("rendition", (row.frame, row.pixel_sha256)), what, REBUILD)
