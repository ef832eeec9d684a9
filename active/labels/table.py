"""`reports/labels.csv`: every judged structure of every labelled frame, the most doubtful first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...annotate.system.store import write_atomic
from ...annotate.workspace import Session

NAME: Final = "labels.csv"
COLUMNS: Final = ("rank", "frame", "class", "score", "what", "drawn", "covered", "judged_by", "split", "revision")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDoubt:
    """One class in one labelled frame.

    Attributes:
        frame: The frame's id.
        class_name: The class.
        score: How doubtful the label is, 0 to 1.
        what: What is doubtful about it, in plain words; empty where nothing is.
        drawn: Whether the class is drawn.
        covered: Whether it is covered: complete where it is drawn, absent where it is not.
        judged_by: The model that has not learnt from the patient.
        split: The patient's split; empty where there is none.
        revision: SHA-256 of the revision that was judged.
    """

    frame: str
    class_name: str
    score: float
    what: str
    drawn: bool
    covered: bool
    judged_by: str
    split: str
    revision: str


def write_labels(path: Path, doubts: Iterable[LabelDoubt]) -> None:
    """Write the table as CSV, UTF-8, in the order given."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, d in enumerate(doubts, 1):
        yes = ["yes" if value else "no" for value in (d.drawn, d.covered)]
        writer.writerow((rank, d.frame, d.class_name, f"{d.score:.4f}", d.what, *yes, d.judged_by, d.split, d.revision))
    write_atomic(path, text.getvalue().encode("utf-8"))


def read_labels(path: Path) -> list[LabelDoubt]:
    """Read the table; lines that cannot be read are passed over, and there are none where there is no table."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return []
    found = []
    for row in csv.DictReader(io.StringIO(text, newline="")):
        try:
            found.append(
                LabelDoubt(
                    frame=row["frame"],
                    class_name=row["class"],
                    score=float(row["score"]),
                    what=row["what"],
                    drawn=row["drawn"] == "yes",
                    covered=row["covered"] == "yes",
                    judged_by=row["judged_by"],
                    split=row["split"],
                    revision=row["revision"],
                )
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found


def label_doubts(s: Session, *, least: float = 0.5) -> dict[str, list[LabelDoubt]]:
    """What the last `dmr check --labels` found, by frame id, the most doubtful frame first: frames to draw again.

    A frame whose outlines have changed since is left out. So are frames of validation and test patients: whoever
    draws them again after a model's hint, flatters the models that are judged on them.

    Args:
        s: The session.
        least: The least score.
    """
    path = s.workspace.reports_folder / NAME
    now = {frame: revision.sha256 for frame, revision in s.catalogue.newest_revisions().items()}
    found: dict[str, list[LabelDoubt]] = {}
    for doubt in read_labels(path):
        if not 0 <= doubt.score <= 1 or doubt.frame not in now:
            where = f"{path.name}: frame {doubt.frame}, score {doubt.score:g}"
            s.report.note_once("a doubt has a score outside of 0 to 1, or names no labelled frame (left out)", where)
            continue
        if doubt.score >= least and doubt.split == "train" and now.get(doubt.frame) == doubt.revision:
            found.setdefault(doubt.frame, []).append(doubt)
    return found
