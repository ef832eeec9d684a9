"""The command `dmr open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..console import reporting
from ..report import Report
from ..session import pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace


@click.command(name="open")
@click.option("--top", type=click.IntRange(min=1), help="Number of frames [default: frames_per_round in dmr.toml].")
@click.option("--author", default="labelme", show_default=True, help="Who draws in Labelme.")
@reporting
@pass_workspace
def open_(workspace: Workspace, top: int | None, author: str) -> Report:
    """Open the first frames of the ranking in Labelme.

    When you close Labelme, what was drawn becomes revisions.
    """
    from .worklist import edit_worklist

    report = Report("open")
    edit_worklist(workspace, top=top or workspace.settings.select.frames_per_round, author=author, report=report)
    return report
