"""The command `dmr where`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import reporting, show
from ..report import Report
from ..session import at_work, pass_workspace
from ..wording import counted

if TYPE_CHECKING:
    from ..workspace import Workspace
    from .where import Whereabouts


@click.command()
@click.argument("targets", nargs=-1, metavar="FRAME|FILE...")
@click.option(
    "--in",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Search this folder for files that are not found; without FRAME for the files of all frames. Repeatable.",
)
@reporting
@pass_workspace
def where(workspace: Workspace, targets: tuple[str, ...], folders: tuple[Path, ...]) -> Report:
    """Tell which file a frame is from, or a file's frames.

    FRAME is a frame's id, its first signs, or its picture's name. Works where the frames were brought in: the names of
    the files stay on that computer, outside the workspace.
    """
    from ..errors import BrokenInput, UsageError
    from .index import index_path
    from .where import explain
    from .where import where as look_up

    report = Report("where")
    if not targets and not folders:
        raise UsageError("where", "needs a frame or a file", "Name some, as in `dmr where f0123`")
    with at_work(workspace, report) as s:
        report.data["source_index"] = str(index_path(s.catalogue.meta("key_id")))
        found = look_up(s, targets, folders=folders)
    report.data["where"] = [_as_json(one) for one in found]
    for one in found:
        error = explain(one)
        if targets:
            show(_as_text(one))
            if error is not None:
                report.fail(error)
        elif error is not None:
            report.note("file not found", one.frame.frame_id)
    if not targets and (missing := sum(explain(one) is not None for one in found)):
        what = f"the files of {counted(missing, 'frames')} were not found"
        report.fail(BrokenInput("where --in", what, "Search another folder"))
    report.count("frames with their file", sum(one.state == "same" for one in found))
    return report


def _as_json(found: Whereabouts) -> dict[str, Any]:
    frame, seen = found.frame, found.seen
    return {
        "asked": found.asked,
        "frame": frame.frame_id,
        "file": None if seen is None else str(seen.path),
        "file_state": found.state,
        "file_index": frame.index,
        "last_seen": None if seen is None else seen.at or None,
        "clip": frame.clip_id,
        "position": found.position.place,
        "frames_in_clip": found.position.of,
        "patient": frame.patient,
        "split": found.split,
        "picture": frame.path or None,
    }


def _as_text(found: Whereabouts) -> str:
    frame, seen = found.frame, found.seen
    told = {"same": "there, the same", "missing": "not there any more", "changed": "another content now"}
    if seen is None:
        file = "not known on this computer"
    else:
        last = f", last seen {seen.at[:10]}" if seen.at else ""
        file = f"{click.format_filename(seen.path)} ({told.get(found.state, found.state)}{last})"
    split = found.split or ("not assigned yet" if frame.patient else "training at most: patient unknown")
    lines = (
        ("file", file),
        ("index in file", str(frame.index)),
        ("clip", f"{frame.clip_id}, position {found.position.place} of {found.position.of}"),
        ("patient", frame.patient or "unknown"),
        ("split", split),
        ("picture", frame.path or "erased"),
    )
    return "\n".join((frame.frame_id, *(f"  {what:<13}  {value}" for what, value in lines)))
