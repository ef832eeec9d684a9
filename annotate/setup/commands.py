"""The command `dmr init`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from ..console import progress, reporting
from ..report import Report
from ..settings.model import Coverage

_PATH = click.Path(path_type=Path)
_THERE = click.Path(exists=True, path_type=Path)
_COVERAGE = "What a class that is not drawn means: perhaps not looked for (drawn), or absent (all)."


@click.command()
@click.argument("folder", type=_PATH, default=Path())
@click.option("--classes", help="Class names, each with its other spellings: nerve=shenjing,muscle,...")
@click.option(
    "--from",
    "outlines",
    type=_THERE,
    help="Labelme files from which classes, aliases and the patient pattern are proposed.",
)
@click.option("--patient", help="Regular expression that finds the patient in a file's name, as (?P<patient>...).")
@click.option("--coverage", type=click.Choice(get_args(Coverage)), help=_COVERAGE)
@reporting
def init(folder: Path, classes: str | None, outlines: Path | None, patient: str | None, coverage: str | None) -> Report:
    """Make a workspace in FOLDER.

    Without --classes or --from, the classes are those of the Shamrock view: psoas_major, quadratus_lumborum,
    erector_spinae, transverse_process, vertebral_body and lumbar_plexus. With --from, they come from the labels in the
    files. Classes given with --classes stay and get aliases from the files; a pattern given with --patient stays.
    """
    from .new_workspace import make_workspace

    report = Report("init")
    with progress() as tell:
        make_workspace(
            folder, classes=classes, outlines=outlines, patient=patient, coverage=coverage, report=report, tell=tell
        )
    return report
