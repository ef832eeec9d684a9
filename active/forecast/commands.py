"""The command `dmr status`: what is in a workspace, what more frames would bring, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...annotate.console import reporting, show
from ...annotate.report import Report
from ...annotate.session import pass_workspace

if TYPE_CHECKING:
    from ...annotate.workspace import Workspace


@click.command()
@click.option("--minutes", is_flag=True, help="Also show the time a frame by model, physician and structure.")
@reporting
@pass_workspace
def status(workspace: Workspace, minutes: bool) -> Report:
    """Show what is in the workspace, and what to do next."""
    from ...annotate.overview.overview import overview
    from .learning import forecast_lines
    from .minutes import minute_lines

    report = Report("status")
    with workspace.session(report=report) as s:
        parts = [overview(s), "\n".join(minute_lines(s, tables=minutes)), "\n".join(forecast_lines(s))]
    show("\n\n".join(part for part in parts if part))
    return report
