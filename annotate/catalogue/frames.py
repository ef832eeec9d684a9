"""The catalogue's patients, clips, frames and renditions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..errors import CatalogueError
from ..settings.model import Split
from ..system.canonical import canonical_json, json_to_ring, ring_to_json
from ..system.clock import utc_now
from ..system.pipeline import batched
from . import tables as t
from .database import AT_ONCE, Database
from .records import FrameRecord, RenditionState

newest_rendition = (
    sa.select(t.rendition.c.frame, sa.func.max(t.rendition.c.version).label("version"))
    .group_by(t.rendition.c.frame)
    .subquery("newest")
)

frames_joined = (
    t.frame.join(t.clip, t.clip.c.id == t.frame.c.clip)
    .join(t.patient, t.patient.c.id == t.clip.c.patient, isouter=True)
    .join(newest_rendition, newest_rendition.c.frame == t.frame.c.id)
    .join(
        t.rendition,
        sa.and_(t.rendition.c.frame == newest_rendition.c.frame, t.rendition.c.version == newest_rendition.c.version),
    )
)
"""Each frame with its clip, its patient if known, and its newest rendition."""

frame_columns = (
    t.frame,
    t.clip.c.patient,
    t.clip.c.acquired,
    t.clip.c.source_sha256.label("clip_source_sha256"),
    t.clip.c.site,
    t.clip.c.device,
    t.rendition.c.pixel_sha256,
    t.rendition.c.perceptual_hash,
    t.rendition.c.deid_version,
    t.rendition.c.path,
    t.rendition.c.state,
    t.rendition.c.reviewed_at,
    t.rendition.c.small,
    t.rendition.c.deid,
)
"""The columns that `to_frame` reads."""

unlabelled = (
    sa.select(*frame_columns)
    .select_from(frames_joined.join(t.truth, t.truth.c.frame == t.frame.c.id, isouter=True))
    .where(t.truth.c.frame.is_(None), t.frame.c.eligible, t.rendition.c.state != "erased")
)

held = (
    sa.select(t.frame.c.id)
    .select_from(frames_joined)
    .where(
        t.rendition.c.state != "erased",
        t.rendition.c.reviewed_at.is_(None),
        sa.or_(t.rendition.c.state == "quarantined", t.rendition.c.deid.is_(None)),
    )
)
"""The frames whose picture may not leave the workspace yet, as `FrameRecord.may_leave` says of one."""


class FrameRows(Database):
    """Reads and writes of patients, clips, frames and renditions."""

    def known_frames(self, frame_ids: Iterable[str]) -> set[str]:
        """Which of these frames are in the catalogue."""
        with self.reading() as connection:
            return _present(connection, t.frame.c.id, frame_ids)

    def add_frames(self, records: Iterable[FrameRecord]) -> frozenset[str]:
        """Add frames with their patients, clips and renditions, in one commit. Existing entries stay as they are.

        A known frame with new pixels gets another rendition. If a frame's patient was unknown and is known now, the
        frame moves to that patient's clip.

        Returns:
            Ids of the new frames.
        """
        new: set[str] = set()
        with self.transaction() as connection:
            key_id = self.meta("key_id")
            for batch in batched(records, AT_ONCE):
                new |= _add_batch(connection, batch, key_id=key_id)
        return frozenset(new)

    def frames(self, frame_ids: Iterable[str] | None = None) -> list[FrameRecord]:
        """These frames without unknown ones, or all frames, in the order of their ids."""
        query = sa.select(*frame_columns).select_from(frames_joined)
        with self.reading() as connection:
            if frame_ids is None:
                rows: Sequence[Row[Any]] = connection.execute(query).all()
            else:
                rows = [
                    row
                    for ids in batched(dict.fromkeys(frame_ids), AT_ONCE)
                    for row in connection.execute(query.where(t.frame.c.id.in_(ids)))
                ]
        return sorted((to_frame(row) for row in rows), key=lambda frame: frame.frame_id)

    def frames_beginning(self, prefix: str, *, most: int) -> list[str]:
        """Ids that begin with this text, in order, at most `most`."""
        query = sa.select(t.frame.c.id).where(t.frame.c.id.startswith(prefix, autoescape=True))
        with self.reading() as connection:
            return list(connection.scalars(query.order_by(t.frame.c.id).limit(most)))

    def frames_from(self, source_sha256: str) -> list[str]:
        """Ids of the frames from the scan file with this hash, in the file's order."""
        query = sa.select(t.frame.c.id).where(t.frame.c.source_sha256 == source_sha256)
        with self.reading() as connection:
            return list(connection.scalars(query.order_by(t.frame.c["index"], t.frame.c.id)))

    def clip_members(self, clips: Iterable[str]) -> list[tuple[str, str, float]]:
        """All frames of these clips: clip, frame id, and time or else index in the file."""
        c = t.frame.c
        columns = (c.clip, c.id, sa.func.coalesce(c.time_ms, c["index"]))
        with self.reading() as connection:
            return [
                (clip, frame, float(place))
                for some in batched(dict.fromkeys(clips), AT_ONCE)
                for clip, frame, place in connection.execute(sa.select(*columns).where(c.clip.in_(some)))
            ]

    def unlabelled_frames(self) -> list[FrameRecord]:
        """The frames that are not drawn on, are eligible and can be shown, sorted by clip and by order in the clip."""
        query = unlabelled.order_by(t.frame.c.clip, t.frame.c["index"], t.frame.c.id)
        with self.reading() as connection:
            return [to_frame(row) for row in connection.execute(query)]

    def set_eligible(self, frame_ids: Iterable[str], *, eligible: bool) -> int:
        """Set whether these frames may be chosen for annotation.

        Returns:
            The number of frames for which that is new.
        """
        n = 0
        with self.transaction() as connection:
            for ids in batched(frame_ids, AT_ONCE):
                which = (t.frame.c.id.in_(ids), t.frame.c.eligible != eligible)
                n += connection.execute(sa.update(t.frame).where(*which).values(eligible=eligible)).rowcount
        return n

    def set_rendition_state(self, frame_id: str, *, pixel_sha256: str, state: RenditionState) -> None:
        """Quarantine or release a rendition, or record that its pixels were erased."""
        values: dict[str, str | None] = {"state": state}
        if state == "erased":
            values |= {"path": None, "small": None}
        with self.transaction() as connection:
            which = (t.rendition.c.frame == frame_id, t.rendition.c.pixel_sha256 == pixel_sha256)
            if connection.execute(sa.update(t.rendition).where(*which).values(**values)).rowcount == 0:
                raise CatalogueError(frame_id, "has no such rendition", "Ingest its scan first")

    def mark_reviewed(self, frame_ids: Iterable[str]) -> int:
        """Record that somebody looked at the newest pictures of these frames, and none shows who the patient is.

        Returns:
            The number of frames that were not marked before.
        """
        n = 0
        newest = sa.select(newest_rendition.c.version).where(newest_rendition.c.frame == t.rendition.c.frame)
        with self.transaction() as connection:
            for ids in batched(frame_ids, AT_ONCE):
                c = t.rendition.c
                which = (c.frame.in_(ids), c.reviewed_at.is_(None), c.version == newest.scalar_subquery())
                n += connection.execute(
                    sa.update(t.rendition).where(*which).values(reviewed_at=utc_now(), state="ok")
                ).rowcount
        return n

    def set_small(self, values: Mapping[tuple[str, str], bytes]) -> None:
        """Keep the small grey values of renditions, by frame id and pixel hash."""
        c = t.rendition.c
        own = sa.update(t.rendition).where(c.frame == sa.bindparam("f"), c.pixel_sha256 == sa.bindparam("p"))
        with self.transaction() as connection:
            for batch in batched(values.items(), AT_ONCE):
                rows = [{"f": frame, "p": pixels, "v": small} for (frame, pixels), small in batch]
                connection.execute(own.values(small=sa.bindparam("v")), rows)

    def splits(self) -> dict[str, Split | None]:
        """The split of every patient; None if not assigned yet."""
        with self.reading() as connection:
            return {row.id: row.split for row in connection.execute(sa.select(t.patient.c.id, t.patient.c.split))}

    def assign_splits(self, assigned: Mapping[str, tuple[Split, str]]) -> None:
        """Enter patients into the ledger for good, each with the reason for its split.

        Raises:
            CatalogueError: A patient is unknown, or is in another split already.
        """
        with self.transaction() as connection:
            known = self.splits()
            for patient, (split, reason) in assigned.items():
                if patient not in known:
                    raise CatalogueError(patient, "is no patient of this catalogue", "Import their frames first")
                if known[patient] not in (None, split):
                    raise CatalogueError(patient, f"is in {known[patient]} for good", f"Leave them out of {split}")
                if known[patient] is None:
                    chosen = sa.update(t.patient).where(t.patient.c.id == patient)
                    connection.execute(chosen.values(split=split, split_reason=reason))


def to_frame(row: Row[Any]) -> FrameRecord:
    """The frame in a row of `frame_columns`."""
    m = row._mapping
    row_mm, column_mm = m["spacing_row_mm"], m["spacing_col_mm"]
    return FrameRecord(
        frame_id=m[t.frame.c.id],
        clip_id=m["clip"],
        patient=m["patient"],
        source_sha256=m["source_sha256"],
        index=m["index"],
        height=m["height"],
        width=m["width"],
        pixel_sha256=m["pixel_sha256"],
        path=m["path"] or "",
        deid_version=m["deid_version"],
        perceptual_hash=m["perceptual_hash"],
        spacing_mm=None if row_mm is None or column_mm is None else (row_mm, column_mm),
        spacing_source=m["spacing_source"],
        sector=None if m["sector"] is None else json_to_ring(json.loads(m["sector"])),
        time_ms=m["time_ms"],
        eligible=m["eligible"],
        note=m["note"],
        state=m["state"],
        reviewed_at=m["reviewed_at"],
        clip_source_sha256=m["clip_source_sha256"],
        acquired=m["acquired"],
        site=m["site"],
        device=m["device"],
        small=m["small"],
        deid=m["deid"],
    )


def _present(connection: Connection, column: sa.Column[str], values: Iterable[str]) -> set[str]:
    return {
        v for some in batched(values, AT_ONCE) for v in connection.scalars(sa.select(column).where(column.in_(some)))
    }


def _add_batch(connection: Connection, batch: Sequence[FrameRecord], *, key_id: str) -> set[str]:
    now = utc_now()
    patients = {r.patient: {"id": r.patient, "key_id": key_id} for r in batch if r.patient is not None}
    _insert_missing(connection, t.patient, patients)
    _insert_missing(connection, t.clip, {r.clip_id: _clip_row(r) for r in batch})
    new = _insert_missing(connection, t.frame, {r.frame_id: _frame_row(r) | {"added_at": now} for r in batch})
    _name_patients(connection, [r for r in batch if r.frame_id not in new and r.patient is not None])
    _add_renditions(connection, batch, now=now)
    return new


def _insert_missing(connection: Connection, table: sa.Table, rows: Mapping[str, Mapping[str, Any]]) -> set[str]:
    missing = rows.keys() - _present(connection, table.c.id, rows)
    if missing:
        connection.execute(sa.insert(table), [dict(rows[i]) for i in sorted(missing)])
    return missing


def _clip_row(r: FrameRecord) -> dict[str, Any]:
    return {
        "id": r.clip_id,
        "patient": r.patient,
        "acquired": r.acquired,
        "source_sha256": r.clip_source_sha256,
        "site": r.site,
        "device": r.device,
    }


def _frame_row(r: FrameRecord) -> dict[str, Any]:
    row_mm, column_mm = r.spacing_mm or (None, None)
    return {
        "id": r.frame_id,
        "clip": r.clip_id,
        "source_sha256": r.source_sha256,
        "index": r.index,
        "time_ms": r.time_ms,
        "height": r.height,
        "width": r.width,
        "spacing_row_mm": row_mm,
        "spacing_col_mm": column_mm,
        "spacing_source": r.spacing_source,
        "sector": None if r.sector is None else canonical_json(ring_to_json(r.sector)),
        "eligible": r.eligible,
        "note": r.note,
    }


def _name_patients(connection: Connection, known: Iterable[FrameRecord]) -> None:
    """Move frames to their patients' clips, if the patients were unknown and are known now."""
    nameless = sa.select(t.clip.c.id).where(t.clip.c.patient.is_(None))
    for r in known:
        chosen = sa.update(t.frame).where(t.frame.c.id == r.frame_id, t.frame.c.clip.in_(nameless))
        connection.execute(chosen.values(clip=r.clip_id))


def _add_renditions(connection: Connection, batch: Sequence[FrameRecord], *, now: str) -> None:
    c = t.rendition.c
    found = connection.execute(
        sa.select(c.frame, c.pixel_sha256, c.version).where(c.frame.in_([r.frame_id for r in batch]))
    ).all()
    known = {(row.frame, row.pixel_sha256) for row in found}
    versions: dict[str, int] = {}
    for row in found:
        versions[row.frame] = max(row.version, versions.get(row.frame, 0))
    rows = []
    for r in batch:
        if (r.frame_id, r.pixel_sha256) not in known:
            known.add((r.frame_id, r.pixel_sha256))
            versions[r.frame_id] = versions.get(r.frame_id, 0) + 1
            rows.append(
                {
                    "frame": r.frame_id,
                    "pixel_sha256": r.pixel_sha256,
                    "version": versions[r.frame_id],
                    "perceptual_hash": r.perceptual_hash,
                    "deid_version": r.deid_version,
                    "path": r.path or None,
                    "state": r.state,
                    "added_at": now,
                    "small": r.small,
                    "deid": r.deid,
                }
            )
    if rows:
        connection.execute(sa.insert(t.rendition), rows)
