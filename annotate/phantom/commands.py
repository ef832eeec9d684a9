"""The command `dmr phantom`."""

from __future__ import annotations

from pathlib import Path

import click

from ..console import progress, reporting, seed_option
from ..report import Report


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--patients",
    type=click.IntRange(1, 999),
    default=10,
    show_default=True,
    help="Number of patients; each has one clip.",
)
@click.option("--frames", type=click.IntRange(1, 999), default=12, show_default=True, help="Frames in each clip.")
@click.option(
    "--format", "kind", type=click.Choice(["png", "dicom"]), default="png", show_default=True, help="File format."
)
@click.option("--scanner", "scanners", multiple=True, help="Use this virtual scanner. Repeatable [default: all].")
@click.option(
    "--labels/--no-labels", default=True, show_default=True, help="Write Labelme files with the exact outlines."
)
@seed_option
@reporting
def phantom(
    folder: Path, patients: int, frames: int, kind: str, scanners: tuple[str, ...], labels: bool, seed: int | None
) -> Report:
    """Draw synthetic Shamrock clips with outlines in FOLDER.

    The subjects are invented and the outlines exact. The same seed gives the same bytes; another seed gives other
    patients. Files are named PATIENT_FRAME, as a new workspace expects. DICOM files carry invented patient data, in
    their tags and in the picture, to test de-identification.
    """
    from ..errors import UsageError
    from .scanner import SCANNERS
    from .writing import PhantomSet, write_phantom

    for name in scanners:
        if name not in SCANNERS:
            raise UsageError(
                "phantom --scanner", f"there is no {name!r}", f"Choose from: {', '.join(sorted(SCANNERS))}"
            )
    report = Report("phantom")
    wanted = PhantomSet(
        patients=patients,
        frames=frames,
        seed=seed or 0,
        scanners=tuple(sorted(set(scanners))) or tuple(sorted(SCANNERS)),
        format=kind,
        labels=labels,
    )
    with progress() as tell:
        for n in write_phantom(folder, wanted):
            report.count("synthetic frames written", n)
            tell("Drawing", n, patients * frames)
    return report
