"""The command `dmr where`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import reporting, show
from ..report import Report
from ..session import at_work, pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace


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
    from ..errors import UsageError
    from .told import tell_where

    report = Report("where")
    if not targets and not folders:
        raise UsageError("where", "needs a frame or a file", "Name some, as in `dmr where f0123`")
    with at_work(workspace, report) as s:
        told = tell_where(s, targets, folders=folders)
    for text in told:
        show(text)
    return report
