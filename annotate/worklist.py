"""`dmr open`: the first frames of the ranking in a folder of their own, in order, with Labelme started on it."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .catalogue import Catalogue
from .checkout import REVIEWED, Sheet, labelled_sheets, take_up_edits, write_checkout
from .errors import UsageError, WorkspaceError
from .report import Report
from .shapes import Annotation
from .workspace import Workspace

FOLDER: Final = "worklist"


def edit_worklist(workspace: Workspace, *, top: int, author: str, report: Report) -> None:
    """Lay out the frames that come first, start Labelme on them, wait, and take up what was edited.

    A worklist that a crash left behind is taken up first.

    Raises:
        UsageError: Labelme is not installed.
        WorkspaceError: There is nothing to draw on.
    """
    if find_spec("labelme") is None:
        raise UsageError("open", "Labelme is not installed", "Install it: pip install labelme")
    folder = workspace.root / FOLDER
    with workspace.lock(), workspace.catalogue() as catalogue:
        finish_worklist(workspace, catalogue, author=author, report=report)
        count = lay_out(workspace, catalogue, folder, top=top)
    labels = ",".join(c.name for c in workspace.settings.classes.active)
    report.say(f"{count} frames, the most informative first. Tick '{REVIEWED}' where all is drawn.")
    started = subprocess.run(
        [sys.executable, "-m", "labelme", str(folder), "--labels", labels, "--flags", REVIEWED], check=False
    )
    if started.returncode:
        report.say(f"Labelme ended with code {started.returncode}; what it saved is taken up all the same.")
    with workspace.lock(), workspace.catalogue() as catalogue:
        finish_worklist(workspace, catalogue, author=author, report=report)
    if not report.counts["edits taken up"]:
        report.say("Nothing was edited or ticked: nothing was changed.")


def lay_out(workspace: Workspace, catalogue: Catalogue, folder: Path, *, top: int) -> int:
    """Copy the first `top` unlabelled frames of the ranking with their drafts into a folder, named by their rank.

    Returns:
        How many.
    """
    unlabelled = {f.frame_id: f for f in catalogue.unlabelled_frames()}
    order = [frame for frame in _ranked(workspace) if frame in unlabelled]
    order += [frame for frame in unlabelled if frame not in set(order)]
    if not order:
        raise WorkspaceError("open", "every frame is labelled already", "Bring in new scans: dmr prelabel FOLDER")
    active = catalogue.active_model()
    drafts = catalogue.latest_predictions(active.id) if active else {}
    folder.mkdir(exist_ok=True)
    sheets, names = [], {}
    for place, frame_id in enumerate(order[:top], 1):
        frame = unlabelled[frame_id]
        names[frame_id] = f"{place:04d}_{frame_id}.png"
        shutil.copyfile(workspace.absolute(frame.path), folder / names[frame_id])
        draft = drafts.get(frame_id)
        shapes = draft.shapes if draft else ()
        annotation = Annotation(frame.height, frame.width, shapes, frozenset())
        sheets.append(Sheet(frame, annotation, model=draft.model if draft else None))
    write_checkout(workspace, sheets, folder=folder, names=names)
    return len(sheets)


def finish_worklist(workspace: Workspace, catalogue: Catalogue, *, author: str, report: Report) -> None:
    """Take up what was edited in the worklist and in `annotations/`, and put the worklist away.

    A file that cannot be taken up stays, and the worklist with it.
    """
    folder = workspace.root / FOLDER
    taken = []
    if folder.is_dir():
        failed = len(report.failures)
        taken = take_up_edits(workspace, catalogue, report=report, author=author, folder=folder)
        if len(report.failures) == failed:
            shutil.rmtree(folder)
    taken += take_up_edits(workspace, catalogue, report=report, author=author)
    write_checkout(workspace, labelled_sheets(catalogue), taken=taken)


def _ranked(workspace: Workspace) -> list[str]:
    """Frame ids of the last ranking, the first one first; none where there was no ranking yet."""
    table = workspace.reports_folder / "ranking.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        return [row["frame"] for row in csv.DictReader(lines)]
