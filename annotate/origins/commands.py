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
@click.argument("targets", nargs=-1, metavar="FRAME|FILE|NAME...")
@click.option(
    "--in",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Search this folder for missing files of FRAME, or of all frames if none is named. Repeatable.",
)
@reporting
@pass_workspace
def where(workspace: Workspace, targets: tuple[str, ...], folders: tuple[Path, ...]) -> Report:
    """Show which file a frame is from, or which frames a file gave.

    FRAME is a frame's id, its first characters, or the name of its picture. NAME is a short name from `--hide-names`,
    such as file-0123abcd. Use this command on the computer that added the frames: file names are kept there, outside
    the workspace.
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
