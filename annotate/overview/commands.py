"""The command `dmr status`: what is in a workspace, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..console import reporting, show
from ..report import Report
from ..session import pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace


@click.command()
@reporting
@pass_workspace
def status(workspace: Workspace) -> Report:
    """Show what is in the workspace, and what to do next."""
    from .overview import overview

    report = Report("status")
    with workspace.session(report=report) as s:
        told = overview(s)
    show(told)
    return report
