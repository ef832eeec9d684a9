"""Commands of the daily round: prelabel, select, push, retrain, demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..annotate.console import progress, reporting, seed_option, show
from ..annotate.intake.options import clip_options
from ..annotate.report import Report
from ..annotate.session import at_work, pass_workspace
from ..annotate.wording import counted
from ..model.computing.options import computing_options
from ..model.training.options import chosen_settings, tell_now, training_options

if TYPE_CHECKING:
    from ..annotate.formats.ranking_table import RankingRow
    from ..annotate.intake.choice import Choice
    from ..annotate.workspace import Workspace

SHOWN = 10  # frames of the ranking that are printed; the table has all

_reviewed_option = click.option(
    "--pixels-reviewed",
    is_flag=True,
    help="Confirm that you looked at the frames, and that none shows who the patient is. This is recorded.",
)


@click.command()
@click.argument("scans", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--push/--no-push", "send", default=None, help="Send the frames to Label Studio [default: if one is set up]."
)
@_reviewed_option
@clip_options
@seed_option
@computing_options
@reporting
@pass_workspace
def prelabel(
    workspace: Workspace,
    scans: tuple[Path, ...],
    send: bool | None,
    pixels_reviewed: bool,
    choice: Choice,
    seed: int | None,
    device_name: str,
) -> Report:
    """Draw drafts on new SCANS and rank them, most informative first.

    SCANS are DICOM files, videos, images, ZIP archives, and folders of them. Of frames of a clip that look alike, only
    the first is ranked.

    The active model draws the drafts. Without a model there are no drafts, and the frames are ranked for a cold start.
    """
    from ..annotate.intake.ingest import MADE_ELIGIBLE
    from .exchange import pull_and_push, wants_push
    from .prelabel import prelabel_scans

    report = Report("prelabel")
    with at_work(workspace, report, write=True, device=device_name) as s:
        done = prelabel_scans(s, scans, seed=seed, pixels_reviewed=pixels_reviewed, choice=choice)
    if done is not None:
        _show_first(workspace, done.rows, done.table, first=SHOWN)
        if not any(report.counts[what] for what in ("frames added", "drafts made", MADE_ELIGIBLE)):
            report.say("Nothing new: no frame was added and no draft was changed.")
        report.say(f"Look at {workspace.relative(done.sheet)}; correct the first ones with `dmr open`.")
    if send is None:
        with workspace.session(report=report) as s:
            send = wants_push(s, ranked=done is not None)
    if send:
        with at_work(workspace, report, write=True, device=device_name) as s:
            pull_and_push(s)
    return report


def _show_first(workspace: Workspace, rows: Sequence[RankingRow], table: Path, *, first: int) -> None:
    """Print the first rows of a ranking."""
    from .ranking_rows import rows_text

    show(rows_text(rows[:first]))
    if len(rows) > first:
        show(f"and {len(rows) - first} more in {workspace.relative(table)}")


@click.command()
@click.option("--strategy", help="How to choose, for this ranking only [default: what dmr.toml says].")
@click.option(
    "--frames", type=click.IntRange(min=1), help="Frames to choose and show [default: frames_per_round in dmr.toml]."
)
@seed_option
@computing_options
@reporting
@pass_workspace
def select(
    workspace: Workspace, strategy: str | None, frames: int | None, seed: int | None, device_name: str
) -> Report:
    """Rank the frames that nobody has labelled, and show the first.

    Labelled frames that `dmr check --labels` found doubtful stand among them. The whole ranking goes to
    reports/ranking.csv, and `dmr open` follows it. `dmr push` ranks again by what dmr.toml says.
    """
    from .selecting import select_frames

    report = Report("select")
    with at_work(workspace, report, write=True, device=device_name) as s:
        ranking = select_frames(s, strategy=strategy, frames=frames, seed=seed)
    _show_first(workspace, ranking.rows, ranking.table, first=frames or workspace.settings.select.frames_per_round)
    return report


@click.command()
@click.option("--top", type=click.IntRange(min=1), help="Add only frames up to this rank [default: all].")
@click.option("--dry-run", is_flag=True, help="Say what would be pulled and pushed; change nothing, here or there.")
@_reviewed_option
@computing_options
@reporting
@pass_workspace
def push(workspace: Workspace, top: int | None, dry_run: bool, pixels_reviewed: bool, device_name: str) -> Report:
    """Send frames, drafts and their order to Label Studio.

    It first pulls what was submitted there. Then it sends the frames that nobody has labelled yet, the most informative
    first. You can repeat it at any time: nothing is sent twice, and nothing that a person drew is changed.
    """
    report = Report("push")
    if dry_run:
        from .rehearsal import rehearse_push

        with progress() as tell:
            rehearse_push(workspace, report, pixels_reviewed=pixels_reviewed, top=top, tell=tell, device=device_name)
        return report
    from ..annotate.studio.projects.labels import NEW
    from .exchange import pull_and_push

    with at_work(workspace, report, write=True, device=device_name) as s:
        pull_and_push(s, pixels_reviewed=pixels_reviewed, top=top)
    done = ("tasks added", "drafts replaced", "tasks in a new order", "revisions added", "withdrawn")
    if not any(report.counts[what] for what in done) and not any(said.startswith(NEW) for said in report.words):
        report.say_unchanged()
    return report


@click.command()
@click.option(
    "--pull/--no-pull",
    "sync",
    default=None,
    help="Pull from Label Studio before, and push to it after [default: if one is set up].",
)
@training_options
@seed_option
@computing_options
@reporting
@pass_workspace
def retrain(
    workspace: Workspace, sync: bool | None, again: bool, finish: bool, device_name: str, **options: Any
) -> Report:
    """Pull, train, let the gate judge the new model, push new drafts.

    The new model learns from all outlines of the training patients. The model that is active after the gate's verdict
    draws the new drafts.
    """
    from ..model.training.interrupt import ask_again
    from .retrain import run_cycle

    report = Report("retrain")
    settings = chosen_settings(workspace.settings, "retrain", **options)
    with at_work(workspace, report, device=device_name) as s:
        run_cycle(
            s,
            settings=settings,
            studio=sync,
            again=again,
            finish=finish,
            say=tell_now,
            on_interrupt=ask_again(),
        )
    return report


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo-workspace"))
@click.option(
    "--steps", type=click.IntRange(min=1), help="Steps of each training [default: what this PC does in some minutes]."
)
@click.option(
    "--open/--no-open", "open_page", default=None, help="Open the page in a browser [default: if run in a terminal]."
)
@seed_option
@computing_options
@reporting
def demo(folder: Path, steps: int | None, open_page: bool | None, seed: int | None, device_name: str) -> Report:
    """Run the whole loop on synthetic frames in FOLDER, in minutes.

    FOLDER becomes a new workspace. A simulated physician corrects the first drafts. At the end a page shows the drafts,
    the corrections and both models. Ctrl-C stops it, and the same command goes on.
    """
    import sys
    import webbrowser

    from .demo.figures import NEXT
    from .demo.run import finished_page, run_demo

    report = Report("demo")
    if (there := finished_page(folder)) is not None:
        report.say(
            f"Nothing new: the demo in {folder} is done. Its page is {there}. To run it again, name a new folder."
        )
        return report
    with progress() as tell:
        done = run_demo(folder, steps=steps, seed=seed or 0, device=device_name, show=show, tell=tell)
    report.data["demo"] = {
        "verdict": done.verdict,
        "gain": done.gain,
        "first_dice": done.figures.first.dice,
        "second_dice": done.figures.second.dice,
        "page": str(done.page),
    }
    for model in (done.figures.first, done.figures.second):
        if model.dice is not None:
            show(f"{model.id}: mean Dice {model.dice:.3f} on the test patients, after {counted(model.steps, 'steps')}.")
    show(f"\nLook at {done.page}")
    if open_page or (open_page is None and sys.stdout.isatty()):
        webbrowser.open(done.page.resolve().as_uri())
    show("The frames are synthetic: they show how the work goes, not how well DMRNet draws on your frames.")
    show(f"What to do next, in {folder}:")
    for command, what in NEXT:
        show(f"  {command:28}{what}")
    return report
