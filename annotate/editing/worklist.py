"""`dmr open`: put the first frames of the ranking into a folder, in order, and start Labelme on it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..errors import BrokenInput, UsageError, WorkspaceError
from ..formats.ranking_table import RankedFrame, ranked_frames
from ..report import Report
from ..system.platform import exclusive_lock, has_screen, python_module, run_shown, workspace_mode
from ..wording import counted
from ..workspace import Session, Workspace
from .checkout import REVIEWED, Sheet, draft_sheets, is_edited, labelled_sheets, read_sheet, write_checkout
from .edits import sync_checkout, take_up_edits
from .none_left import why_none
from .rewriting import remove_unless_changed

FOLDER: Final = "worklist"


def edit_worklist(workspace: Workspace, *, top: int, author: str, report: Report) -> None:
    """Copy the first frames into the worklist, start Labelme on it, wait, and make revisions of the edits.

    Edits in a worklist that a crash left behind become revisions first.

    Raises:
        UsageError: Labelme is not installed, or there is no screen for it.
        WorkspaceError: There is no frame to draw on, or Labelme is open on the worklist already.
    """
    if find_spec("labelme") is None:
        raise UsageError("open", "Labelme is not installed", "Install it: pip install labelme")
    if not has_screen():
        what = "there is no screen for Labelme: neither DISPLAY nor WAYLAND_DISPLAY is set"
        raise UsageError("open", what, "Run it on a desktop, or edit the files in annotations/ and run `dmr import`")
    with ExitStack() as held:
        try:
            held.enter_context(exclusive_lock(workspace.root / ".worklist.lock", wait_s=0))
        except TimeoutError:
            raise WorkspaceError("open", "Labelme is open on the worklist already", "Close it first") from None
        with workspace.session(write=True, report=report) as s:
            finish_worklist(s, author=author)
            count = lay_out(s, top=top)
        labels = ",".join(c.name for c in workspace.settings.classes.active)
        report.say(
            f"{counted(count, 'frames')}, the most informative first. Tick '{REVIEWED}' on a frame when all is drawn."
        )
        command = [*python_module("labelme"), str(workspace.root / FOLDER), "--labels", labels]
        code = run_shown([*command, "--flags", REVIEWED], folder=workspace.root)
        if code:
            report.say(f"Labelme ended with code {code}. What it saved is used all the same.")
        with workspace.session(write=True, report=report, wait_s=3600.0) as s:
            finish_worklist(s, author=author)
    if not report.counts["edits taken up"]:
        report.say("Nothing was edited or ticked: nothing was changed.")


def lay_out(s: Session, *, top: int) -> int:
    """Copy the first `top` frames of the ranking into the worklist, named by their rank.

    Frames that nobody has labelled come with their drafts, frames to draw again with their outlines.

    Returns:
        The number of frames.

    Raises:
        WorkspaceError: Every frame is labelled, and none is to be drawn again.
    """
    folder = s.workspace.root / FOLDER
    unlabelled = {f.frame_id: f for f in s.catalogue.unlabelled_frames()}
    ranking = _ranking(s)
    again = _again(s, {frame: own.again for frame, own in ranking.items()})
    ranked = [frame for frame in ranking if frame in unlabelled or frame in again]
    order = list(dict.fromkeys([*ranked, *unlabelled]))
    if not order:
        raise WorkspaceError("open", why_none(s.catalogue), "Bring in new scans: dmr prelabel FOLDER")
    order = order[:top]
    drafts = draft_sheets(s.catalogue, [unlabelled[frame] for frame in order if frame in unlabelled])
    by_frame = again | {sheet.frame.frame_id: sheet for sheet in drafts}
    folder.mkdir(mode=workspace_mode(s.workspace.root), exist_ok=True)
    sheets, names = [], {}
    for place, sheet in enumerate((by_frame[frame] for frame in order), 1):
        name = f"{place:04d}_{sheet.frame.frame_id}.png"
        try:
            shutil.copyfile(s.workspace.absolute(sheet.frame.path), folder / name)
        except OSError as error:
            what = f"cannot be copied ({error.strerror})"
            s.report.fail(BrokenInput(sheet.frame.path, what, "Restore it from a backup, or ingest its scan again"))
            continue
        names[sheet.frame.frame_id] = name
        known = ranking.get(sheet.frame.frame_id)
        sheets.append(replace(sheet, reason=known.reason if known is not None else ""))
    write_checkout(s.workspace, sheets, folder=folder, names=names)
    return len(sheets)


def _again(s: Session, ranking: Mapping[str, str]) -> dict[str, Sheet]:
    """The frames of the ranking that are to be drawn again, and have not been since."""
    if not any(ranking.values()):
        return {}
    wanted = {(frame, revision) for frame, revision in ranking.items() if revision}
    return {
        sheet.frame.frame_id: sheet
        for sheet in labelled_sheets(s.catalogue)
        if (sheet.frame.frame_id, sheet.revision) in wanted
    }


def _ranking(s: Session) -> dict[str, RankedFrame]:
    """The ranking, as `ranked_frames` gives it. One that cannot be opened is told: frames come in no special order."""
    table = s.workspace.reports_folder / "ranking.csv"
    try:
        return ranked_frames(table, report=s.report)
    except OSError as error:
        remedy = "Look at the permissions of the folder, or write it again with `dmr retrain` or `dmr prelabel`"
        s.report.fail(BrokenInput(s.workspace.relative(table), f"cannot be read ({error.strerror})", remedy))
        return {}


def finish_worklist(s: Session, *, author: str) -> None:
    """Make revisions of the edits in the worklist and in `annotations/`, and delete the worklist.

    Only files that failed stay in the worklist. Other files must go, because an old copy could undo a later correction.
    """
    folder = s.workspace.root / FOLDER
    failed = len(s.report.failures)
    for edit in take_up_edits(s, folder, author=author):
        if remove_unless_changed({edit.path: edit.sha256}, report=s.report):
            edit.path.with_suffix(".png").unlink(missing_ok=True)
    if len(s.report.failures) == failed:
        remove_unless_changed(_untouched(folder), report=s.report)
        if not list(folder.glob("*.json*")):
            shutil.rmtree(folder, ignore_errors=True)
    sync_checkout(s, author=author)


def _untouched(folder: Path) -> dict[Path, str]:
    """The files that show what was laid out, with the hash of what they hold."""
    found = {}
    for path in folder.glob("*.json"):
        with suppress(BrokenInput):
            file, sha256 = read_sheet(path)
            if not is_edited(file):
                found[path] = sha256
    return found
