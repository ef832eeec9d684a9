"""The command `dmr export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import reporting
from ..report import Report
from ..session import at_work, pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace

# The names of `convert.writers.FORMATS`, which `dmr --help` need not load, and one more; a test compares them.
FORMATS = ("labelme", "mask", "layers", "coco", "yolo", "nifti", "instances", "dicom-seg")


@click.command()
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option(
    "--scans",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="For dicom-seg: the original DICOM files, or a folder of them. May be given several times.",
)
@click.option("--images", is_flag=True, help="Copy the frames too; none that is in quarantine.")
@click.option(
    "--incomplete",
    is_flag=True,
    help="In mask and yolo, write also frames on which a class is not complete; it looks absent there.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@reporting
@pass_workspace
def export(
    workspace: Workspace,
    dest: Path,
    form: str,
    scans: tuple[Path, ...],
    images: bool,
    incomplete: bool,
    dry_run: bool,
) -> Report:
    """Write the reviewed outlines to DEST in a format of choice.

    Each frame has its name in the workspace. A class that is not complete on a frame is left out there, and the files
    say so. A mask or a YOLO file cannot say so: such a frame is not written. Drafts are not written.

    dicom-seg writes a DICOM segmentation for each original file in --scans that frames come from. It NAMES THE PATIENT,
    as the original does: it is made for the hospital's own archive.
    """
    from .exporting import export_outlines

    report = Report("export")
    with at_work(workspace, report) as s:
        export_outlines(s, dest, form=form, scans=scans, images=images, incomplete=incomplete, dry_run=dry_run)
    return report
