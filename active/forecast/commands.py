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
@reporting
@pass_workspace
def status(workspace: Workspace) -> Report:
    """Show what is in the workspace, and what to do next."""
    from ...annotate.overview.overview import overview
    from .learning import forecast_lines

    report = Report("status")
    with workspace.session(report=report) as s:
        told = "\n".join([overview(s), *(f"\n{line}" if k == 0 else line for k, line in enumerate(forecast_lines(s)))])
    show(told)
    return report
