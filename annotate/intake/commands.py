"""The commands `dmr import` and `dmr ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import reporting
from ..report import Report
from ..session import at_work, pass_workspace
from .options import clip_options

if TYPE_CHECKING:
    from ..workspace import Workspace
    from .choice import Choice

_THERE = click.Path(exists=True, path_type=Path)


@click.command(name="import")
@click.argument("sources", nargs=-1, type=_THERE)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the images that belong to --masks.",
)
@click.option(
    "--masks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of class-index masks with the same names as the images.",
)
@click.option("--author", default="labelme", show_default=True, help="Who made the edits in annotations/.")
@click.option(
    "--yes",
    is_flag=True,
    help="Import even if fewer than half of the labels are known, or if many frames would lose outlines.",
)
@click.option("--dry-run", is_flag=True, help="Read everything and report what is odd; change nothing.")
@reporting
@pass_workspace
def import_(
    workspace: Workspace,
    sources: tuple[Path, ...],
    images: Path | None,
    masks: Path | None,
    author: str,
    yes: bool,
    dry_run: bool,
) -> Report:
    """Import outlines: Labelme files in SOURCES, or images and masks.

    A COCO file of videos is read like Labelme files, one for each frame.

    Edits in annotations/ become revisions too; without SOURCES or masks, only they do.
    """
    from .job import import_outlines

    report = Report("import")
    with at_work(workspace, report) as s:
        import_outlines(s, sources, images=images, masks=masks, author=author, yes=yes, dry_run=dry_run)
    return report


@click.command()
@click.argument("scans", nargs=-1, required=True, type=_THERE)
@clip_options
@reporting
@pass_workspace
def ingest(workspace: Workspace, scans: tuple[Path, ...], choice: Choice) -> Report:
    """Add SCANS to the workspace as frames.

    SCANS are DICOM files, videos, images, ZIP archives, and folders of them.
    """
    from .ingest import MADE_ELIGIBLE, ingest_scans

    report = Report("ingest")
    with at_work(workspace, report, write=True) as s:
        ingest_scans(s, scans, choice=choice)
    if not report.counts["frames added"] and not report.counts[MADE_ELIGIBLE]:
        report.say_unchanged()
    return report
