"""The command `dmr init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import progress, reporting
from .report import Report

if TYPE_CHECKING:
    from .classes import ClassDef

_PATH = click.Path(path_type=Path)
_THERE = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("folder", type=_PATH, default=Path())
@click.option("--classes", help="Names of the structures and other names for them: nerve=shenjing,muscle,...")
@click.option("--from", "outlines", type=_THERE, help="Labelme files to propose classes, aliases and --patient from.")
@click.option("--patient", help="Regular expression that finds (?P<patient>...) in a file's name.")
@click.option("--coverage", type=click.Choice(["drawn", "all"]), help="What a class that is not drawn means.")
@reporting
def init(folder: Path, classes: str | None, outlines: Path | None, patient: str | None, coverage: str | None) -> Report:
    """Make a workspace in FOLDER.

    Without --classes or --from, the classes are those of the Shamrock view: psoas_major, quadratus_lumborum,
    erector_spinae, transverse_process, vertebral_body and lumbar_plexus. With --from they are what the labels in the
    files tell; what --classes and --patient say stays.
    """
    from .errors import UsageError
    from .recognition.propose import propose_settings
    from .scans.identity import key_path
    from .settings.model import SETTINGS_NAME, ImportSettings
    from .workspace import Workspace

    report = Report("init")
    try:
        given = _named_classes(classes) if classes is not None else None
    except ValueError as error:
        raise UsageError("--classes", str(error), "Give names such as nerve=shenjing,muscle") from error
    try:
        ImportSettings(patient=patient)
    except ValueError as error:
        raise UsageError("--patient", str(error), "Name its group, as in ^(?P<patient>[0-9]+)_") from error
    proposal = None
    ignore: tuple[str, ...] = ()
    if outlines is not None and not (folder / SETTINGS_NAME).exists():
        with progress() as tell:
            proposal = propose_settings(outlines, classes=given, patient=patient, tell=tell)
        given, ignore, patient = list(proposal.classes), proposal.ignore, proposal.patient
    workspace, changed = Workspace.create(folder, classes=given, patient=patient, coverage=coverage, ignore=ignore)
    if not changed:
        report.say(f"{workspace.root} is a workspace already; nothing was changed.")
        if outlines is not None:
            report.say("--from proposes settings for a new one; here `dmr import` says which lines to change.")
        return report
    with workspace.catalogue() as catalogue:
        key = key_path(catalogue.meta("key_id"))
    report.say(f"Made a workspace in {workspace.root}.")
    report.say(f"The key of its pseudonyms lies outside it: {key}. Keep a copy where patients' names are kept.")
    if proposal is None:
        report.say(
            "Next: say in dmr.toml what your files call the structures and the patients, then `dmr import FOLDER`. "
            "In a new folder, `dmr init --from OUTLINES` finds it out from the files."
        )
    else:
        report.data["proposed"] = proposal.data
        for line in proposal.lines:
            report.say(line)
        report.say("Next: look it over in dmr.toml, then run `dmr import` in that folder on the same files.")
    return report


def _named_classes(text: str) -> list[ClassDef]:
    """Classes from `name=alias=alias,name,...`, the first the lowest in a mask."""
    from .classes import PALETTE, ClassDef, Classes, canonical_label, parse_names

    classes = []
    for number, (name, *aliases) in enumerate(parse_names(text), 1):
        if not all((name, *aliases)):
            raise ValueError("a name is empty")
        others = tuple(alias for alias in aliases if canonical_label(alias) != canonical_label(name))
        classes.append(ClassDef(number, name, others, PALETTE[(number - 1) % len(PALETTE)], 10 * number))
    return list(Classes(classes))
