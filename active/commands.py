"""Commands of the daily round: prelabel, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..annotate.commands import pass_workspace
from ..annotate.console import device_option, progress, reporting, seed_option, show
from ..annotate.report import Report

if TYPE_CHECKING:
    from ..annotate.workspace import Workspace

SHOWN = 10  # frames of the ranking printed; the table has all


@click.command()
@click.argument("scans", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@seed_option
@device_option
@reporting
@pass_workspace
def prelabel(workspace: Workspace, scans: tuple[Path, ...], seed: int | None, device_name: str) -> Report:
    """Draw drafts on new SCANS with the active model and rank them, most informative first."""
    from ..model.device import pick_device
    from .prelabel import prelabel_scans

    report = Report("prelabel")
    device = pick_device(device_name)
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        done = prelabel_scans(
            workspace, catalogue, scans, device=device, report=report, seed=seed or 0, on_progress=tell
        )
    if done is None:
        return report
    for r in done.ranking[:SHOWN]:
        score = "" if r.score is None else f"  {r.score:.3f}"
        show(f"{r.rank:4}  {r.frame_id}{score}  {r.reason}")
    if len(done.ranking) > SHOWN:
        show(f"      and {len(done.ranking) - SHOWN} more in {done.table.relative_to(workspace.root).as_posix()}")
    if not report.counts["frames added"] and not report.counts["drafts made"]:
        report.say("Nothing new: no frame was added and no draft was changed.")
    report.say(f"Look at {done.sheet.relative_to(workspace.root).as_posix()}; correct the first ones with `dmr open`.")
    return report


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo-workspace"))
@click.option("--steps", type=click.IntRange(min=1), default=200, show_default=True, help="Training steps.")
@device_option
@reporting
def demo(folder: Path, steps: int, device_name: str) -> Report:
    """Run the main job once on simple synthetic frames, in a new workspace in FOLDER."""
    from ..model.device import pick_device
    from .demo import run_demo

    report = Report("demo")
    with progress() as tell:
        run_demo(folder, steps=steps, device=pick_device(device_name), report=report, show=show, tell=tell)
    return report
