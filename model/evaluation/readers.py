"""How well readers agree with each other, and with themselves, on the frames that were read more than once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from ...annotate.catalogue.agreement import as_merged
from ...annotate.catalogue.records import FrameRecord, Revision
from ...annotate.geometry.raster import shapes_to_layers
from ...annotate.render.text_table import text_table
from ...annotate.workspace import Session
from .bootstrap import BOUNDS, drawn_patients, patients_of, resampled_means, sums_by_patient
from .metrics import FrameScore, score_mask, score_table

Kind = Literal["inter", "intra"]

RESAMPLES: Final = 2000
FIGURES: Final = {"dice": "Dice", "hd95": "HD95 px", "assd": "ASSD px", "hd95_mm": "HD95 mm", "assd_mm": "ASSD mm"}
_DRAWN: Final = ("first", "second")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two drawings of a frame by people who did not see each other's, or by one person who did not see their own.

    Attributes:
        kind: `inter`: two readers. `intra`: a repeat and what its author drew before it.
        frame: The frame.
        one: The earlier drawing.
        other: The later one.
    """

    kind: Kind
    frame: FrameRecord
    one: Revision
    other: Revision

    @property
    def drafted(self) -> bool:
        """Whether one of them began with a model's draft: then they agree more than readers alone would."""
        return any(revision.record.draft_model is not None for revision in (self.one, self.other))


def reading_pairs(s: Session) -> list[Pair]:
    """All pairs of independent drawings of a frame; what was withdrawn, and decisions about others', do not count."""
    found = []
    for frame in s.catalogue.frames(s.catalogue.frames_read_again()):
        history = [revision for revision in s.catalogue.history(frame.frame_id) if not revision.withdrawn]
        found += [Pair("inter", frame, one, other) for one, other in combinations(_independent(history), 2)]
        found += [Pair("intra", frame, before, repeat) for before, repeat in _repeated(history)]
    return found


def _independent(history: Sequence[Revision]) -> list[Revision]:
    """Each author's newest reading that was not drawn over somebody else's, by time."""
    author_of = {revision.sha256: revision.record.author for revision in history}
    newest: dict[str, Revision] = {}
    corrected = set()
    for revision in history:
        record = revision.record
        if record.parent is not None and author_of.get(record.parent) != record.author:
            corrected.add(record.author)
        elif record.reading in _DRAWN and record.author not in corrected:
            newest[record.author] = revision
    return sorted(newest.values(), key=lambda revision: (revision.record.at, revision.sha256))


def _repeated(history: Sequence[Revision]) -> Iterator[tuple[Revision, Revision]]:
    """Each author's last repeat with what they had drawn before it."""
    last = {revision.record.author: revision for revision in history if revision.record.reading == "repeat"}
    for author, repeat in last.items():
        own = [r for r in history if r.record.author == author and r.record.reading in _DRAWN]
        before = [r for r in own if r.record.at <= repeat.record.at]
        if before:
            yield max(before, key=lambda r: (r.record.at, r.sequence)), repeat


def pair_scores(pairs: Sequence[Pair], *, names: Mapping[int, str], merged: Mapping[int, int]) -> pd.DataFrame:
    """A row for each pair and class that both cover, as `metrics.score_table` gives it: the later is `predicted`."""
    scores: list[FrameScore] = []
    for pair in pairs:
        one, other = (as_merged(revision.record.annotation, merged) for revision in (pair.one, pair.other))
        for class_id in sorted(one.covered & other.covered & names.keys()):
            drawn, again = (
                shapes_to_layers(a.shapes, class_ids=[class_id], height=a.height, width=a.width)[0]
                for a in (one, other)
            )
            scores.append(
                score_mask(
                    again,
                    drawn,
                    frame=pair.frame.frame_id,
                    patient=pair.frame.patient,
                    name=names[class_id],
                    spacing_mm=pair.frame.spacing_mm,
                )
            )
    return score_table(scores)


def agreement(table: pd.DataFrame, *, names: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """A row for each class that is drawn in some pair.

    Args:
        table: As `pair_scores` gives it.
        names: The classes, in order.
        seed: Of the bootstrap.

    Returns:
        For each class: `class`, `pairs` in which somebody drew it, `patients`, `one_only` (pairs in which only one drew
        it; their Dice is 0), and the mean of each of `FIGURES`, None where it is not known. `dice_low` and `dice_high`
        are the 95 % interval over patients, None with fewer than two patients.
    """
    rows = []
    for name in names:
        own = table[(table["name"] == name) & table["dice"].notna()]
        if own.empty:
            continue
        row: dict[str, Any] = {
            "class": name,
            "pairs": len(own),
            "patients": len(set(patients_of(own))),
            "one_only": int(((own["predicted"] == 0) | (own["drawn"] == 0)).sum()),
        }
        row |= {figure: _known(own[figure].mean()) for figure in FIGURES}
        row["dice_low"], row["dice_high"] = _interval(own, seed=seed)
        rows.append(row)
    return rows


def agreement_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of `agreement` for a terminal."""
    known = [figure for figure in FIGURES if figure == "dice" or any(row[figure] is not None for row in rows)]
    head = ["class", "pairs", "patients", "one only", "Dice", "95 %", *(FIGURES[f] for f in known if f != "dice")]
    told = [
        [
            str(row["class"]),
            *(str(row[key]) for key in ("pairs", "patients", "one_only")),
            f"{row['dice']:.3f}",
            "-" if row["dice_low"] is None else f"{row['dice_low']:.2f} to {row['dice_high']:.2f}",
            *("-" if row[f] is None else f"{row[f]:.1f}" for f in known if f != "dice"),
        ]
        for row in rows
    ]
    return text_table([head, *told])


def _interval(own: pd.DataFrame, *, seed: int) -> tuple[float | None, float | None]:
    patients = sorted(set(patients_of(own)))
    if len(patients) < 2:
        return None, None
    sums, counts = sums_by_patient(own, own["dice"], patients=patients, names=[str(own["name"].iloc[0])])
    drawn = drawn_patients(len(patients), resamples=RESAMPLES, seed=seed)
    low, high = np.nanquantile(resampled_means(sums, counts, drawn)[:, 0], BOUNDS)
    return float(low), float(high)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
