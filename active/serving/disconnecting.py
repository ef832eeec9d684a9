"""`dmr serve --disconnect`: the projects in Label Studio become as they were without `dmr serve`."""

from __future__ import annotations

from ...annotate.errors import StudioError
from ...annotate.report import Report
from ...annotate.studio.projects.queues import studio_client
from ...annotate.studio.projects.tools import disconnect
from ...annotate.studio.server.credentials import serve_secret
from ...annotate.wording import quoted
from ...annotate.workspace import Workspace


def disconnect_projects(workspace: Workspace, *, report: Report) -> None:
    """Take backend, webhook and tool out of each project of the workspace; nobody's outlines change.

    Args:
        workspace: The workspace.
        report: Gets what was done, and what could not be done.

    Raises:
        StudioError: No Label Studio is set up, or it does not answer.
    """
    with studio_client(workspace) as client:
        with workspace.catalogue() as catalogue:
            queues = [q for q in catalogue.queues() if q.server == client.url]
            secret = serve_secret(catalogue.meta("workspace_id"))
        for queue in queues:
            if client.project(queue.project) is None:
                continue
            try:
                gone = disconnect(client, queue.project, secret=secret)
            except StudioError as error:
                report.fail(error)
                continue
            report.count("projects disconnected", bool(gone))
            told = f"{', '.join(gone)} taken out" if gone else "nothing of dmr serve was there"
            report.say(f"Project {quoted(queue.name)}: {told}.")
