"""Commands of the daily round: prelabel, push, retrain, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..annotate.console import progress, reporting, seed_option, show
from ..annotate.progress.tell import Tell
from ..annotate.report import Report
from ..annotate.session import pass_workspace
from ..annotate.wording import counted
from ..model.commands import chosen_settings, tell_now, training_bar, training_options
from ..model.computing.options import computing_options

if TYPE_CHECKING:
    from ..annotate.catalogue.catalogue import Catalogue
    from ..annotate.workspace import Workspace

SHOWN = 10  # frames of the ranking printed; the table has all

_reviewed_option = click.option(
    "--pixels-reviewed", is_flag=True, help="You looked at the frames: none shows a name. It is kept."
)


@click.command()
@click.argument("scans", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--push/--no-push", "send", default=None, help="Send to Label Studio [default: when one is set up].")
@_reviewed_option
@seed_option
@computing_options
@reporting
@pass_workspace
def prelabel(
    workspace: Workspace,
    scans: tuple[Path, ...],
    send: bool | None,
    pixels_reviewed: bool,
    seed: int | None,
    device_name: str,
) -> Report:
    """Draw drafts on new SCANS and rank them, most informative first.

    The active model draws. Without a model the frames are ranked for a cold start, without outlines.
    """
    from ..annotate.studio.credentials import find_login
    from ..model.computing.device import pick_device
    from .prelabel import prelabel_scans

    report = Report("prelabel")
    device = pick_device(device_name)
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        done = prelabel_scans(
            workspace, catalogue, scans, device=device, report=report, seed=seed or 0, on_progress=tell
        )
        if done is not None and pixels_reviewed:
            catalogue.mark_reviewed(r.frame_id for r in done.ranking)
    if done is not None:
        for r in done.ranking[:SHOWN]:
            score = "" if r.score is None else f"  {r.score:.3f}"
            show(f"{r.rank:4}  {r.frame_id}{score}  {r.reason}")
        if len(done.ranking) > SHOWN:
            show(f"      and {len(done.ranking) - SHOWN} more in {done.table.relative_to(workspace.root).as_posix()}")
        if not report.counts["frames added"] and not report.counts["drafts made"]:
            report.say("Nothing new: no frame was added and no draft was changed.")
        sheet = done.sheet.relative_to(workspace.root).as_posix()
        report.say(f"Look at {sheet}; correct the first ones with `dmr open`.")
    if send is None:
        send = find_login(workspace.settings) is not None
        if send and done is not None:
            with workspace.catalogue() as catalogue:
                send = _all_reviewed(catalogue, report=report)
    if send:
        with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
            _pull_and_push(workspace, catalogue, device_name, report=report, tell=tell)
    return report


@click.command()
@click.option("--top", type=click.IntRange(min=1), help="Add only the first frames of the ranking [default: all].")
@_reviewed_option
@computing_options
@reporting
@pass_workspace
def push(workspace: Workspace, top: int | None, pixels_reviewed: bool, device_name: str) -> Report:
    """Send frames, drafts and their order to Label Studio.

    The frames that nobody labelled yet are sent, the most informative first. What was submitted there is pulled before.
    May be repeated at any time: nothing is sent twice, and what a human drew is not touched.
    """
    report = Report("push")
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        _pull_and_push(
            workspace, catalogue, device_name, report=report, tell=tell, pixels_reviewed=pixels_reviewed, top=top
        )
    if not any(report.counts[what] for what in ("tasks added", "drafts replaced", "revisions added", "withdrawn")):
        report.say("Nothing new: nothing was changed.")
    return report


def _pull_and_push(
    workspace: Workspace,
    catalogue: Catalogue,
    device_name: str,
    *,
    report: Report,
    tell: Tell,
    pixels_reviewed: bool = False,
    top: int | None = None,
) -> None:
    from ..annotate.editing.edits import sync_checkout
    from ..annotate.studio.pull import pull
    from ..annotate.studio.queues import studio_client
    from ..annotate.workspace import Session
    from ..model.computing.device import pick_device
    from .ranking import push_ranking

    with studio_client(workspace) as client:
        sync_checkout(Session(workspace, catalogue, report, tell))
        pull(Session(workspace, catalogue, report, tell), client)
        ranking = push_ranking(
            workspace,
            catalogue,
            client,
            device=pick_device(device_name),
            report=report,
            tell=tell,
            pixels_reviewed=pixels_reviewed,
            top=top,
        )
    report.data["ranking"] = [{"rank": r.rank, "frame": r.frame_id, "reason": r.reason} for r in ranking]


def _all_reviewed(catalogue: Catalogue, *, report: Report) -> bool:
    """Whether all that would be sent was looked at; says so if not."""
    reviewed = all(f.reviewed_at is not None for f in catalogue.unlabelled_frames())
    if not reviewed:
        report.say("Not sent to Label Studio: look at frames/ first, then `dmr push --pixels-reviewed`.")
    return reviewed


@click.command()
@click.option(
    "--pull/--no-pull", "sync", default=None, help="Exchange with Label Studio [default: when one is set up]."
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

    It trains on everything drawn. The drafts that are pushed are the better model's.
    """
    from ..annotate.editing.edits import sync_checkout
    from ..annotate.errors import StudioError
    from ..annotate.studio.credentials import find_login
    from ..annotate.studio.pull import pull
    from ..annotate.studio.queues import studio_client
    from ..annotate.workspace import Session
    from ..model.computing.device import pick_device
    from ..model.training.interrupt import ask_again
    from .prelabel import count_empty
    from .ranking import rank_unlabelled
    from .retrain import WAIT_S
    from .retrain import retrain as run_cycle

    report = Report("retrain")
    settings = chosen_settings(workspace, "retrain", **options)
    device = pick_device(device_name)
    if sync is None:
        sync = find_login(workspace.settings) is not None
    with workspace.catalogue() as catalogue, progress() as tell:
        with workspace.lock():
            sync_checkout(Session(workspace, catalogue, report, tell))
            if sync:
                tell("Asking Label Studio", 0, None)
                with studio_client(workspace) as client:
                    pull(Session(workspace, catalogue, report, tell), client)
        tell("Preparing the training", 0, None)
        run_cycle(
            workspace,
            catalogue,
            settings=settings,
            device=device,
            report=report,
            again=again,
            finish=finish,
            say=tell_now,
            on_interrupt=ask_again(),
            on_training=training_bar(tell, [c.name for c in workspace.settings.classes.active]),
            tell=tell,
        )
        with workspace.lock(wait_s=WAIT_S):
            sent = sync and _all_reviewed(catalogue, report=report)
            if sent:
                try:
                    _pull_and_push(workspace, catalogue, device_name, report=report, tell=tell)
                except StudioError as error:  # the verdict, of hours of training, is told all the same
                    report.fail(error)
                    sent = False
            if not sent:
                _, ranked = rank_unlabelled(workspace, catalogue, device=device, report=report, tell=tell)
                if (active := catalogue.active_model()) is not None:
                    drafted = [o.frame for o in ranked if o.draft is not None]
                    count_empty(catalogue, active.id, drafted, report=report)
    return report


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo-workspace"))
@click.option("--steps", type=click.IntRange(min=1), help="Of each training [default: what this PC does in minutes].")
@click.option("--open/--no-open", "open_page", default=None, help="Open the page [default: in a terminal].")
@seed_option
@computing_options
@reporting
def demo(folder: Path, steps: int | None, open_page: bool | None, seed: int | None, device_name: str) -> Report:
    """Run the whole loop on synthetic frames in FOLDER: minutes.

    FOLDER becomes a new workspace. A simulated physician corrects the first drafts. At the end a page shows drafts,
    corrections, and both models.
    Ctrl-C stops, and the same command goes on.
    """
    import sys
    import webbrowser

    from ..model.computing.device import pick_device
    from .demo.figures import NEXT
    from .demo.run import finished_page, run_demo

    report = Report("demo")
    if (there := finished_page(folder)) is not None:
        report.say(f"Nothing new: the demo was run in {folder}, and its page is {there}. Delete it, or name another.")
        return report
    with progress() as tell:
        done = run_demo(folder, steps=steps, seed=seed or 0, device=pick_device(device_name), show=show, tell=tell)
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
    show(f"Synthetic frames show the way, not how well DMRNet does on yours. Go on, in {folder}:")
    for command, what in NEXT:
        show(f"  {command:28}{what}")
    return report
