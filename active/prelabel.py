"""`dmr prelabel`: take in scans, draw drafts, and rank the frames, each with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..annotate.catalogue.records import FrameRecord
from ..annotate.editing.checkout import Sheet, draft_sheets, held_out
from ..annotate.editing.edits import sync_checkout
from ..annotate.editing.none_left import why_none_is_left
from ..annotate.errors import BrokenInput
from ..annotate.formats.ranking_table import RankingRow
from ..annotate.intake.choice import KEY_FRAMES, Choice
from ..annotate.intake.ingest import ingest_scans, load_frame
from ..annotate.render.overlay import contact_sheet, draw_overlay
from ..annotate.scans.discover import Places, as_paths
from ..annotate.scans.images import encode_png
from ..annotate.system.store import write_atomic
from ..annotate.workspace import Session
from ..model.computing.device import pick_device
from .drafts import count_empty, no_model
from .ranking import rank_unlabelled
from .selection.select import Ranked, check_strategy

SHEET_FRAMES: Final = 24


@dataclass(frozen=True, slots=True)
class Prelabelled:
    """What `prelabel_scans` made: the ranking, its rows and its table, and a contact sheet of the first new frames."""

    ranking: tuple[Ranked, ...]
    rows: tuple[RankingRow, ...]
    table: Path
    sheet: Path


def prelabel_scans(
    s: Session,
    scans: Places,
    *,
    seed: int | None = None,
    pixels_reviewed: bool = False,
    choice: Choice = KEY_FRAMES,
) -> Prelabelled | None:
    """Bring scans in, draw drafts with the active model, and rank all frames that nobody has labelled yet.

    Without a model the frames are ranked for a cold start, without outlines.

    Args:
        s: A session that writes; its report gets counts, failures, oddities and words.
        scans: DICOM files, videos, images, ZIP archives, and folders of them.
        seed: Random seed; None for that of `dmr.toml`.
        pixels_reviewed: The user says that none of the frames shows who the patient is; this is recorded.
        choice: Which frames of a clip are taken.

    Returns:
        The ranking and a picture of the new frames that come first; None when every frame of the scans is labelled.

    Example:
        >>> outlines = dmr.draw_phantom(tmp / "scans", patients=1, frames=2, seed=7)
        >>> for path in outlines:
        ...     path.unlink()  # scans come without outlines
        >>> with workspace.session(write=True, device="cpu") as s:
        ...     done = dmr.prelabel_scans(s, [tmp / "scans"])
        >>> [ranked.rank for ranked in done.ranking]
        [1, 2]
    """
    pick_device(s.device)  # a wrong device is refused now, not after the scans were read
    check_strategy(s.settings.select.strategy)
    scans = as_paths(scans)
    sync_checkout(s)
    ids = ingest_scans(s, scans, choice=choice)
    unlabelled = {f.frame_id for f in s.catalogue.unlabelled_frames()}
    there = s.catalogue.frames(ids)
    new = [f for f in there if f.frame_id in unlabelled]
    drawn = s.catalogue.newest_revisions().keys()
    if labelled := sum(f.frame_id in drawn for f in there):
        s.report.count("labelled already", labelled)
    if dropped := sum(f.state == "erased" for f in there):
        s.report.count("frames dropped earlier", dropped)
    no_model = _say_no_model(s)
    if not new:
        s.report.say(f"Nothing to rank: {why_none_is_left(there, drawn)}.")
        return None
    ranking, statistics = rank_unlabelled(s, seed=seed)
    _count_drafts(s, new, statistics, with_model=not no_model)
    s.report.count("frames ranked", len(ranking.order) - len(ranking.again))
    s.report.data["ranking"] = [asdict(row) for row in ranking.rows]
    added = {f.frame_id for f in new}
    seen = {f.frame_id for f in new if pixels_reviewed or f.may_leave}
    first = [r for r in ranking.order if r.frame_id in seen][:SHEET_FRAMES]
    s.tell("Drawing the contact sheet", 0, None)
    sheet = _draw_sheet(s, first, draft_sheets(s.catalogue, [ranking.frames[r.frame_id] for r in first]))
    if pixels_reviewed:
        s.catalogue.mark_reviewed(added)
    return Prelabelled(ranking.order, ranking.rows, ranking.table, sheet)


def _count_drafts(
    s: Session, new: Sequence[FrameRecord], statistics: Mapping[str, Mapping[str, Any]], *, with_model: bool
) -> None:
    """Count empty drafts, and the new frames that get none."""
    held = held_out(s.catalogue, new)
    active = s.catalogue.active_model()
    if with_model and active is not None:
        count_empty(s, active.id, [f for f in new if f.frame_id in statistics.keys() - held])
    if held:
        s.report.count("frames of validation and test patients, without a draft", len(held))


def _say_no_model(s: Session) -> bool:
    """Whether no model is active; if so, the report says it."""
    if s.catalogue.active_model() is not None:
        return False
    s.report.say(f"{no_model(s.catalogue)}: the frames are ranked for a cold start, without outlines.")
    return True


def _draw_sheet(s: Session, ranking: Iterable[Ranked], sheets: Iterable[Sheet]) -> Path:
    """Draw a contact sheet of the frames that come first; those in quarantine have a page of their own."""
    cells: list[tuple[NDArray[np.uint8], str]] = []
    classes = s.settings.classes
    for r, sheet in zip(ranking, sheets, strict=True):
        try:
            pixels = load_frame(s.workspace, sheet.frame).pixels
        except BrokenInput:
            continue  # it was reported when its draft was due
        overlay = draw_overlay(pixels, sheet.annotation, classes=classes)
        score = "" if r.score is None else f" ({r.score:.2f})"
        cells.append((overlay, f"{r.rank}. {r.frame_id}{score}\n{r.reason}"))
    legend = {c.name: c.color for c in classes.active}
    path = s.workspace.reports_folder / "prelabel.png"
    write_atomic(path, encode_png(contact_sheet(cells, legend=legend)))
    return path
