"""`dmr quarantine` and `dmr deidentify`: frames that may show who the patient is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import progress, reporting, show
from ..intake.options import clip_options
from ..report import Report
from ..session import at_work, pass_workspace
from ..wording import counted

if TYPE_CHECKING:
    from ..intake.choice import Choice
    from ..workspace import Workspace


@click.group()
def quarantine() -> None:
    """Look at frames that may show who the patient is.

    A frame is in quarantine when dmr is unsure where its ultrasound image ends. It can be labelled and trained on in
    this workspace, but it is not sent to Label Studio before a person has looked at it.
    """


def _frames_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--all", "all_", is_flag=True, help="All frames in quarantine.")(command)
    return click.argument("frames", nargs=-1, metavar="[FRAME|CLIP]...")(command)


@quarantine.command(name="list")
@reporting
@pass_workspace
def list_(workspace: Workspace) -> Report:
    """List the frames in quarantine by clip, with the reason."""
    from .held import held_frames

    report = Report("quarantine list")
    with at_work(workspace, report) as s:
        held = held_frames(s.catalogue.frames())
    report.data["quarantine"] = [
        {"clip": one.clip, "reason": one.reason, "frames": [f.frame_id for f in one.frames]} for one in held
    ]
    for one in held:
        show(f"{one.clip}  {counted(len(one.frames), 'frames'):>12}  first {one.frames[0].frame_id}  {one.reason}")
    if held:
        report.say("Next: `dmr quarantine show` makes a page with the pictures; then release or drop them.")
    else:
        report.say("No frame is in quarantine.")
    return report


@quarantine.command(name="show")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of other frames to show too, drawn at random, one a clip.",
)
@reporting
@pass_workspace
def show_(workspace: Workspace, sample: int) -> Report:
    """Make a page with the pictures of the frames in quarantine."""
    from .page import write_page

    report = Report("quarantine show")
    with at_work(workspace, report) as s:
        path = write_page(s, sample=sample)
    if path is None:
        report.say("No frame is in quarantine.")
    else:
        report.say(f"Look at {workspace.relative(path)}; then `dmr quarantine release` or `dmr quarantine drop`.")
    return report


@quarantine.command()
@_frames_argument
@reporting
@pass_workspace
def release(workspace: Workspace, frames: tuple[str, ...], all_: bool) -> Report:
    """Confirm that none of these frames shows who the patient is.

    Look at them first. This is recorded.
    """
    from . import held

    report = Report("quarantine release")
    with at_work(workspace, report, write=True) as s:
        held.release(s, held.chosen(s, frames, all_=all_))
    return report


@quarantine.command()
@_frames_argument
@click.option("--yes", is_flag=True, help="Drop labelled frames too.")
@reporting
@pass_workspace
def drop(workspace: Workspace, frames: tuple[str, ...], all_: bool, yes: bool) -> Report:
    """Delete the pictures of these frames for good."""
    from . import held

    report = Report("quarantine drop")
    with at_work(workspace, report, write=True) as s:
        held.drop(s, held.chosen(s, frames, all_=all_), yes=yes)
    return report


@click.command()
@click.argument("scans", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.argument("dest", type=click.Path(file_okay=False, path_type=Path))
@click.option("--patient", help="Regular expression that finds the patient in a file's name, as (?P<patient>...).")
@clip_options
@reporting
def deidentify(scans: tuple[Path, ...], dest: Path, patient: str | None, choice: Choice) -> Report:
    """Write the frames of SCANS into DEST without patient data.

    No workspace is needed. Everything outside the ultrasound image is blanked, and files get keyed names. Frames that
    dmr is unsure about go into DEST/quarantine: look at them. Text inside the ultrasound image is not looked for.
    """
    from .deidentify import deidentify as write

    report = Report("deidentify")
    with progress() as tell:
        write(scans, dest, report=report, patient=patient, choice=choice, tell=tell)
    if not report.counts["frames written"]:
        report.say("Nothing new: nothing was written.")
    return report
