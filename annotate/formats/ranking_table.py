"""`reports/ranking.csv`: the ranking, for people and for `dmr open`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..report import Report
from ..system.store import write_atomic

COLUMNS: Final = ("rank", "frame", "score", "reason", "clip", "position", "guessed_dice")
"""Programs may rely on the order of the first four columns. New columns are added at the end."""


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
    """

    rank: int
    frame: str
    score: float | None
    reason: str
    clip: str
    position: int
    guessed_dice: float | None


def write_table(path: Path, rows: Iterable[RankingRow]) -> None:
    """Write a ranking as CSV, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for r in rows:
        score, dice = ("" if value is None else format(value, ".4f") for value in (r.score, r.guessed_dice))
        reason = " ".join(r.reason.split())  # one line for each frame
        writer.writerow((r.rank, r.frame, score, reason, r.clip, r.position, dice))
    write_atomic(path, text.getvalue().encode("utf-8"))


def ranked_frames(path: Path, *, report: Report | None = None) -> list[str]:
    """Frame ids of a ranking, the first one first; none where there is no ranking.

    Tables of an older dmr have fewer columns, and a spreadsheet may have saved the table again with semicolons. Lines
    that cannot be read are passed over.

    Args:
        path: The table.
        report: Told of what is passed over.

    Raises:
        OSError: The file cannot be opened.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    frames: list[str] = []
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
            frames.append(frame)
        elif report is not None:
            report.note(odd, f"{path.name}, line {rows.line_num}: no frame")
