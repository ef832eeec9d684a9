"""`dmr conflicts`: frames whose readers disagree, and which of them is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import hiding
from ..console import reporting, show
from ..errors import UsageError
from ..report import Report
from ..session import at_work, pass_workspace

if TYPE_CHECKING:
    from ..workspace import Session, Workspace


@click.command()
@click.argument("frames", nargs=-1, metavar="[FRAME]...")
@click.option("--take", metavar="READER", help="Settle these frames: READER's outlines are right.")
@click.option("--author", metavar="NAME", help="Who decides; needed with --take.")
@reporting
@pass_workspace
def conflicts(workspace: Workspace, frames: tuple[str, ...], take: str | None, author: str | None) -> Report:
    """List frames whose readers disagree, with pictures; settle some.

    Until a conflict is settled, its frame is left out, or counts as far as its readers agree: see `[conflict] use` in
    dmr.toml. With --take, the outlines of one reader become the truth. Nothing that anybody drew is lost.
    """
    report = Report("conflicts")
    if take is None:
        if frames or author is not None:
            raise UsageError("conflicts", "settles nothing without --take", "Name the reader whose outlines are right")
        with at_work(workspace, report) as s:
            _list(s)
        return report
    if not frames or not (author or "").strip():
        what = "needs frames to settle" if not frames else "needs the name of the person who decides"
        raise UsageError("conflicts --take", what, "dmr conflicts --take READER --author NAME FRAME")
    from .disputes import settle_by

    with at_work(workspace, report, write=True) as s:
        settle_by(s, reader=take, frames=frames, author=str(author).strip())
    return report


def _list(s: Session) -> None:
    from .disputes import NEXT, open_disputes
    from .listing import dispute_data, dispute_table
    from .page import write_page

    disputes = open_disputes(s)
    hiding.seen_labels(reader for dispute in disputes for reader in dispute.readers)
    s.report.data["conflicts"] = [dispute_data(dispute, s.settings.classes) for dispute in disputes]
    path = write_page(s, disputes)
    if path is None:
        s.report.say("No conflict is open.")
        return
    show(dispute_table(disputes, s.settings.classes))
    s.report.count("open conflicts", len(disputes))
    s.report.say(f"Pictures: {s.workspace.relative(path)}. {NEXT}.")
