"""The command `dmr serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...annotate.console import reporting
from ...annotate.errors import UsageError
from ...annotate.report import Report
from ...annotate.session import pass_workspace
from ...model.computing.options import computing_options

if TYPE_CHECKING:
    from ...annotate.workspace import Workspace


@click.command()
@click.option(
    "--connect", is_flag=True, help="Set the projects in Label Studio up: they ask this server, and tell it what came."
)
@click.option("--disconnect", is_flag=True, help="Take out of the projects what --connect has set up, and end.")
@click.option("--port", type=click.IntRange(1, 65535), default=9090, show_default=True, help="Port to listen on.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. With any other one, other computers can reach it.",
)
@click.option("--address", help="With --connect: how Label Studio reaches this server [default: http://HOST:PORT].")
@computing_options
@reporting
@pass_workspace
def serve(
    workspace: Workspace, connect: bool, disconnect: bool, port: int, host: str, address: str | None, device_name: str
) -> Report:
    """Draw drafts live for Label Studio, and pull what is submitted.

    It runs until Ctrl-C. Label Studio asks it for a frame that has no draft yet, and for the outline of a structure
    around which somebody drags a box. After each submission, and every five
    minutes, it pulls as `dmr pull` does. With `retrain_after` in dmr.toml it also starts `dmr retrain` by itself.

    Needs starlette and uvicorn: pip install 'dmrnet[serve]'.
    """
    report = Report("serve")
    if disconnect:
        from .disconnecting import disconnect_projects

        if connect:
            raise UsageError("--disconnect", "it cannot go with --connect", "Choose one of them")
        disconnect_projects(workspace, report=report)
        return report
    from .run import serve as run

    run(workspace, report=report, host=host, port=port, address=address, connect=connect, device=device_name)
    return report
