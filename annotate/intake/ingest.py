"""Ingest scans: each picture of a scan becomes a frame, under a name that does not reveal the patient."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..catalogue.records import FrameRecord
from ..errors import BrokenInput
from ..origins.index import Seen, remember
from ..report import Report
from ..scans.decoding.values import Source
from ..scans.deidentify import Cleaning, plan_cleaning
from ..scans.discover import files_below
from ..scans.given import CLIP_SUFFIXES
from ..scans.identity import Key, clip_id, frame_id, keyed_name, load_key, pseudonym, shifted_date
from ..scans.images import IMAGE_SUFFIXES, encode_png, read_frames
from ..scans.similarity import NEAR_COPY, perceptual_hash, small_grey
from ..settings.model import PATIENT_UNKNOWN, Settings, match_patient
from ..shapes import Frame
from ..system.canonical import canonical_json
from ..system.pipeline import ahead, batched_by_weight, side_by_side
from ..system.store import sha256_hex, write_many
from ..workspace import Session, Workspace
from .choice import KEY_FRAMES, Choice
from .reading import NamedFrame, read_scans

DEID_VERSION: Final = "sector-2"
"""A frame's PNG has its pixels written anew, without metadata, and all outside the ultrasound image blanked."""

MADE_ELIGIBLE: Final = "frames that may be chosen now"
"""The count of frames that were there already, and were not chosen before `--all`."""

BATCH: Final = 64  # frames in memory, written and committed together
BATCH_PIXELS: Final = 6_000_000  # in memory together, where frames are large: three batches are at once


def frame_record(item: NamedFrame, *, key: Key, settings: Settings) -> FrameRecord:
    """The catalogue's record of a frame whose pixels are blanked. The file's own patient counts before its name's."""
    frame, about, cleaning = item.frame, item.about, item.cleaning
    patient, clip = match_patient(settings, item.name)
    if about is not None:
        patient = about.patient or patient
        clip = f"file {about.sha256}" if about.is_clip else clip
    owner = pseudonym(key, patient) if patient else None
    spacing = frame.spacing_mm or settings.geometry.spacing_mm
    own_id = frame_id(key, source_sha256=frame.source_sha256, index=frame.index)
    return FrameRecord(
        frame_id=own_id,
        clip_id=clip_id(key, patient=owner, clip=clip, source_sha256=frame.source_sha256),
        patient=owner,
        source_sha256=frame.source_sha256,
        index=frame.index,
        height=frame.height,
        width=frame.width,
        pixel_sha256=sha256_hex(frame.pixels.tobytes()),
        path=f"frames/{own_id}.png",
        deid_version=DEID_VERSION,
        perceptual_hash=perceptual_hash(frame.pixels),
        spacing_mm=spacing,
        spacing_source=None if spacing is None else "file" if frame.spacing_mm else "dmr.toml",
        sector=frame.sector,
        time_ms=frame.time_ms,
        eligible=item.eligible,
        note="; ".join([*frame.notes, *([f"looks like {item.looks_like}"] if item.looks_like else [])]),
        state="quarantined" if cleaning is not None and cleaning.unsure else "ok",
        clip_source_sha256=about.sha256 if about is not None and about.is_clip else None,
        acquired=shifted_date(key, patient=owner, acquired=about.acquired) if about is not None else None,
        site=keyed_name(key, "site", about.site) if about is not None else None,
        device=keyed_name(key, "device", about.device) if about is not None else None,
        small=small_grey(frame.pixels),
        deid=None if cleaning is None else _deid_record(cleaning, about),
    )


def _deid_record(cleaning: Cleaning, about: Source | None) -> str:
    """What was taken away, without its values."""
    removed = list(about.removed) if about is not None else []
    told = {"by": cleaning.by, "blanked": round(cleaning.blanked, 4), "unsure": cleaning.unsure, "removed": removed}
    return canonical_json(told)


def cleaned(item: NamedFrame, *, drawn: NDArray[np.bool_] | None = None) -> NamedFrame:
    """The frame with all blanked that lies outside its ultrasound image.

    Args:
        item: A frame; one that was cleaned already stays as it is.
        drawn: `(height, width)` bool, pixels that somebody outlined, as in `plan_cleaning`.
    """
    if item.cleaning is not None:
        return item
    regions = item.about.regions if item.about is not None else ()
    cleaning = plan_cleaning([item.frame.pixels], regions=regions, drawn=drawn)
    frame = replace(item.frame, pixels=cleaning.clean(item.frame.pixels), sector=cleaning.sector)
    return replace(item, frame=frame, cleaning=cleaning)


def frame_batches(frames: Iterable[NamedFrame]) -> Iterator[list[NamedFrame]]:
    """Frames in lists that fit into memory."""
    return batched_by_weight(frames, BATCH, weight=lambda item: item.frame.pixels.size, most=BATCH_PIXELS)


def add_frames(s: Session, items: Sequence[NamedFrame], *, before: Collection[str] = ()) -> list[FrameRecord]:
    """Add a batch of frames to the workspace: first the pictures, then the rows that name them.

    Args:
        s: A session that writes.
        items: The frames.
        before: Ids of the frames that the same command has read before; one that comes again is counted as that.

    Returns:
        The records of all frames in order, new or not.
    """
    key = load_key(s.catalogue.meta("key_id"))
    items = side_by_side(cleaned, items)
    records = side_by_side(lambda item: frame_record(item, key=key, settings=s.settings), items)
    known = {f.frame_id: f for f in s.catalogue.frames(r.frame_id for r in records)}
    whole = _whole_pictures(s.workspace, known.values(), report=s.report)
    new_pictures: list[tuple[Path, NamedFrame]] = []
    for place, (record, item) in enumerate(zip(records, items, strict=True)):
        there = known.get(record.frame_id)
        path = s.workspace.absolute(record.path)
        if there is not None and there.state == "erased":  # somebody dropped it
            records[place] = replace(record, pixel_sha256=there.pixel_sha256, path="", state="erased")
            continue
        if there is not None and there.deid_version == DEID_VERSION and there.frame_id in whole:
            # Another computer's JPEG decoder may differ by a grey level, so the picture that was drawn on stays.
            records[place] = replace(record, pixel_sha256=there.pixel_sha256, path=there.path)
        else:
            new_pictures.append((path, item))
    encoded = side_by_side(lambda new: encode_png(new[1].frame.pixels), new_pictures)
    write_many(dict(zip((path for path, _ in new_pictures), encoded, strict=True)))
    new = s.catalogue.add_frames(records)
    seen = (Seen(r.frame_id, i.source, r.index) for r, i in zip(records, items, strict=True) if i.source is not None)
    remember(key.id, seen, report=s.report)
    different = len({r.frame_id for r in records} - set(before))
    s.report.count("frames added", len(new))
    s.report.count("frames already there", different - len(new))
    if different < len(records):
        s.report.count("frames that came twice, taken once", len(records) - different)
    return records


def _whole_pictures(workspace: Workspace, frames: Iterable[FrameRecord], *, report: Report) -> set[str]:
    """The frames whose PNG is the picture that the catalogue names; a damaged one is written anew by the caller."""
    there = [frame for frame in frames if frame.path and workspace.absolute(frame.path).exists()]
    whole = set()
    for frame, is_whole in zip(there, side_by_side(lambda frame: _is_whole(workspace, frame), there), strict=True):
        if is_whole:
            whole.add(frame.frame_id)
        else:
            report.note("its picture was damaged (written anew)", frame.frame_id)
    return whole


def _is_whole(workspace: Workspace, frame: FrameRecord) -> bool:
    try:
        load_frame(workspace, frame)
    except (BrokenInput, OSError):
        return False
    return True


def ingest_scans(s: Session, scans: Sequence[Path], *, choice: Choice = KEY_FRAMES) -> list[str]:
    """Add scans to the workspace.

    Args:
        s: A session that writes.
        scans: DICOM files, videos, images, ZIP archives, and folders of them at any depth.
        choice: Which frames of a clip are taken.

    Returns:
        Ids of all frames, new or not, in the order read, without repeats.
    """
    ids: dict[str, None] = {}
    own = s.workspace.own_folders
    total = _Total(len(files_below(scans, IMAGE_SUFFIXES | CLIP_SUFFIXES, without=own)), choice.every)
    s.report.count("frames added", 0)
    reading = read_scans(scans, report=s.report, without=own, choice=choice, find_text=s.settings.imports.find_text)
    for batch in ahead(frame_batches(reading), depth=1):
        for record in add_frames(s, batch, before=ids.keys()):
            if record.frame_id not in ids and record.patient is None:
                s.report.note(PATIENT_UNKNOWN, record.frame_id)
            ids[record.frame_id] = None
        s.tell("Reading scans", len(batch), total.after(batch))
    if choice.all:
        there = [f.frame_id for f in s.catalogue.frames(ids) if f.state != "erased"]
        if changed := s.catalogue.set_eligible(there, eligible=True):
            s.report.count(MADE_ELIGIBLE, changed)
    _hold_whole_clips(s, ids)
    note_near_copies(s, ids)
    return list(ids)


def _hold_whole_clips(s: Session, ids: Iterable[str]) -> None:
    """Hold all frames of a clip of which some are in quarantine, and say how many wait."""
    frames = s.catalogue.frames(ids)
    doubtful = {f.clip_id for f in frames if f.state == "quarantined" and f.clip_source_sha256 is not None}
    for f in frames:
        if f.clip_id in doubtful and f.state == "ok" and f.reviewed_at is None:
            s.catalogue.set_rendition_state(f.frame_id, pixel_sha256=f.pixel_sha256, state="quarantined")
    if held := sum(not f.may_leave and f.state != "erased" for f in s.catalogue.frames(ids)):
        s.report.count("frames in quarantine", held)
        s.report.say("Some frames may show who the patient is: look at them with `dmr quarantine show`.")


class _Total:
    """How many frames there will be: of a file that was not opened yet, one."""

    def __init__(self, files: int, every: int) -> None:
        self._frames, self._every, self._opened = files, every, set[str]()

    def after(self, batch: Sequence[NamedFrame]) -> int:
        for item in batch:
            new = item.frame.source_sha256 not in self._opened
            self._opened.add(item.frame.source_sha256)
            frames = 1 if item.about is None else item.about.frames
            if frames is None:  # only decoding tells
                self._frames += not new
            elif new:
                self._frames += -(-frames // self._every) - 1
        return self._frames


def note_near_copies(s: Session, frame_ids: Iterable[str]) -> None:
    """Report which of these frames look like another frame of the workspace.

    Within a patient, this is normal for cine frames. Between two patients, it may be one patient under two names: then
    frames of a training patient would be in the test.
    """
    frames = [f for f in s.catalogue.frames() if f.perceptual_hash is not None]
    if len(frames) < 2:
        return
    wanted = set(frame_ids)
    bits = np.array([int(f.perceptual_hash or "0", 16) for f in frames], np.uint64)
    own, other = 0, []
    for i, f in enumerate(frames):
        if f.frame_id not in wanted:
            continue
        near = np.bitwise_count(bits ^ bits[i]) <= NEAR_COPY
        near[i] = False
        twins = [frames[j] for j in np.flatnonzero(near)]
        if any(t.patient != f.patient for t in twins):
            other.append(f.frame_id)
        elif any(t.clip_id != f.clip_id or t.clip_source_sha256 is None for t in twins):
            own += 1
    if own:
        s.report.count("near-copies of another frame of their patient", own)
    for frame in other:
        s.report.note("looks like a frame of another patient (one patient under two names?)", frame)


def load_frame(workspace: Workspace, record: FrameRecord) -> Frame:
    """A frame of the workspace, with its pixels.

    Raises:
        BrokenInput: Its PNG is missing, damaged, or not the one in the catalogue.
    """
    frame = next(read_frames(workspace.absolute(record.path)))
    if sha256_hex(frame.pixels.tobytes()) != record.pixel_sha256:
        raise BrokenInput(record.path, "is not the picture recorded in the catalogue", "Restore it from a backup")
    return replace(
        frame,
        source_sha256=record.source_sha256,
        index=record.index,
        spacing_mm=record.spacing_mm,
        sector=record.sector,
    )


def with_small_grey(s: Session, frames: Sequence[FrameRecord]) -> list[FrameRecord]:
    """The same frames with their small grey values; those that an older dmr ingested get them now, and keep them.

    A frame whose picture cannot be read is reported and stays as it is.

    Args:
        s: A session that writes.
        frames: Frames of the catalogue.
    """
    missing = [f for f in frames if f.small is None]
    if not missing:
        return list(frames)
    found: dict[tuple[str, str], bytes] = {}
    s.tell("Looking at frames", 0, len(missing))
    for record in missing:
        try:
            found[record.frame_id, record.pixel_sha256] = small_grey(load_frame(s.workspace, record).pixels)
        except BrokenInput as error:
            s.report.fail(error)
        s.tell("Looking at frames", 1, len(missing))
    s.catalogue.set_small(found)
    return [replace(f, small=f.small or found.get((f.frame_id, f.pixel_sha256))) for f in frames]
