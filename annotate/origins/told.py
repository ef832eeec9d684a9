"""The output of `dmr where` for each frame, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import BrokenInput
from ..wording import counted
from ..workspace import Session
from .index import index_path
from .where import Whereabouts, explain, where


def tell_where(s: Session, targets: Sequence[str], *, folders: Sequence[Path] = ()) -> list[str]:
    """Look up frames and files. The report gets the data for `--json`, and what was not found.

    Returns:
        A text for each frame that was asked for; none without `targets`.
    """
    s.report.data["source_index"] = str(index_path(s.catalogue.meta("key_id")))
    found = where(s, targets, folders=folders)
    s.report.data["where"] = [_as_json(one) for one in found]
    wrong = [(one, error) for one in found if (error := explain(one)) is not None]
    for one, error in wrong:
        if targets:
            s.report.fail(error)
        else:
            s.report.note("file not found", one.frame.frame_id)
    if wrong and not targets:
        what = f"the files of {counted(len(wrong), 'frames')} were not found"
        s.report.fail(BrokenInput("where --in", what, "Search another folder"))
    s.report.count("frames with their file", sum(one.state == "same" for one in found))
    names = ["\n  ".join((short, *found)) for short, found in s.report.data.get("names", {}).items()]
    return [*names, *(_as_text(one) for one in found)] if targets else []


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
    told = {"same": "unchanged", "missing": "no longer there", "changed": "its content has changed"}
    if seen is None:
        file = "not known on this computer"
    else:
        last = f", last seen {seen.at[:10]}" if seen.at else ""
        file = f"{click.format_filename(seen.path)} ({told.get(found.state, found.state)}{last})"
    split = found.split or ("not assigned yet" if frame.patient else "never test: patient unknown")
    lines = (
        ("file", file),
        ("index in file", str(frame.index)),
        ("clip", f"{frame.clip_id}, position {found.position.place} of {found.position.of}"),
        ("patient", frame.patient or "unknown"),
        ("split", split),
        ("picture", frame.path or "erased"),
    )
    return "\n".join((frame.frame_id, *(f"  {what:<13}  {value}" for what, value in lines)))
