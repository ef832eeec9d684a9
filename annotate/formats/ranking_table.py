"""`reports/ranking.csv`: the ranking, for people and for `dmr open`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..report import Report
from ..system.store import write_atomic

COLUMNS: Final = ("rank", "frame", "score", "reason", "clip", "position", "guessed_dice", "seconds", "again")
"""Programs may rely on the order of the first four columns. New columns are added at the end.

After them comes a column `score_CLASS` for each class, where a model ranks.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRow:
    """A line of the ranking.

    Attributes:
        rank: Place in the ranking, from 1.
        frame: The frame's id.
        score: How informative the frame is, None without a model.
        reason: The reason for its place, in a sentence.
        clip: The clip's id.
        position: The frame's place in its clip, from 1.
        guessed_dice: Mean guessed Dice over the structures of the draft, 0 to 1; None without a draft.
        seconds: Predicted time to correct the draft; None without a draft, or if nobody can tell.
        again: The revision of a labelled frame that is to be drawn again; empty for a new frame.
        scores: How uncertain each class is, 0 to 1, by its name; empty without a draft.
    """

    rank: int
    frame: str
    score: float | None
    reason: str
    clip: str
    position: int
    guessed_dice: float | None
    seconds: float | None = None
    again: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


def write_table(path: Path, rows: Iterable[RankingRow]) -> None:
    """Write a ranking as CSV, UTF-8."""
    rows = list(rows)
    classes = list(dict.fromkeys(name for r in rows for name in r.scores))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, *(f"score_{name}" for name in classes)))
    for r in rows:
        reason = " ".join(r.reason.split())  # one line for each frame
        seconds = _number(r.seconds, ".0f")
        scores = (_number(r.scores.get(name)) for name in classes)
        writer.writerow(
            (
                *(r.rank, r.frame, _number(r.score), reason, r.clip, r.position),
                *(_number(r.guessed_dice), seconds, r.again, *scores),
            )
        )
    write_atomic(path, text.getvalue().encode("utf-8"))


def _number(value: float | None, form: str = ".4f") -> str:
    return "" if value is None else format(value, form)


@dataclass(frozen=True, slots=True)
class RankedFrame:
    """What a ranking says of a frame.

    Attributes:
        again: The revision that is to be drawn again, empty for a new frame.
        reason: Why it has its place; empty where nobody knows.
    """

    again: str = ""
    reason: str = ""


def ranked_frames(path: Path, *, report: Report | None = None) -> dict[str, RankedFrame]:
    """Frame ids of a ranking, the first one first, each with what it says of them.

    Tables of an older dmr have fewer columns, and a spreadsheet may have saved the table again with semicolons. Lines
    that cannot be read are passed over.

    Args:
        path: The table.
        report: Told of what is passed over.

    Returns:
        Nothing where there is no ranking.

    Raises:
        OSError: The file cannot be opened.
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    frames: dict[str, RankedFrame] = {}
    odd = "a line of the ranking cannot be read (passed over)"
    while True:
        try:
            row = next(rows, None)
        except csv.Error:  # a field of megabytes
            if report is not None:
                report.note(odd, f"{path.name}, line {rows.line_num + 1}: a field is too long")
            continue
        if report is not None and "frame" not in (rows.fieldnames or ()):
            report.note("the ranking has no column 'frame': frames come in no special order", path.name)
            return frames
        if row is None:
            return frames
        if frame := row.get("frame"):
            frames.setdefault(frame, RankedFrame(row.get("again") or "", " ".join((row.get("reason") or "").split())))
        elif report is not None:
            report.note(odd, f"{path.name}, line {rows.line_num}: no frame")
