"""`dmr init`: make a workspace and say what to do next."""

from __future__ import annotations

from pathlib import Path

from ..catalogue.restored import has_lost_settings
from ..classes import PALETTE, ClassDef, Classes, canonical_label, parse_names
from ..errors import UsageError
from ..progress.tell import Tell, silent
from ..recognition.propose import Proposal, propose_settings
from ..report import Report
from ..scans.identity import key_path
from ..settings.model import SETTINGS_NAME, ImportSettings
from ..workspace import Workspace


def make_workspace(
    folder: Path,
    *,
    classes: str | None = None,
    outlines: Path | None = None,
    patient: str | None = None,
    coverage: str | None = None,
    report: Report,
    tell: Tell = silent,
) -> None:
    """Make a workspace. Nothing that is there already is changed.

    Args:
        folder: The workspace's folder; it is made if needed.
        classes: The text of `--classes`. None takes the classes from `outlines`, or those of the Shamrock view.
        outlines: Labelme files to propose classes, aliases and the patient pattern from, or None.
        patient: The patient pattern. None takes it from `outlines`, or PATIENT_FRAME.
        coverage: `drawn` or `all`; None for `drawn`.
        report: Gets what was made and what comes next.
        tell: Gets the progress over the files of `outlines`.

    Raises:
        UsageError: `classes` or `patient` is invalid, or `outlines` holds nothing to propose from.
        WorkspaceError: The folder lies in another workspace, or holds revisions but no catalogue.
    """
    given = _named_classes(classes) if classes is not None else None
    try:
        ImportSettings(patient=patient)
    except ValueError as error:
        raise UsageError("--patient", str(error), "Name its group, as in ^(?P<patient>[0-9]+)_") from error
    lost = has_lost_settings(folder)
    proposal = None
    ignore: tuple[str, ...] = ()
    if outlines is not None and not lost and not (folder / SETTINGS_NAME).exists():
        proposal = propose_settings(outlines, classes=given, patient=patient, tell=tell)
        given, ignore, patient = list(proposal.classes), proposal.ignore, proposal.patient
    workspace, changed = Workspace.create(folder, classes=given, patient=patient, coverage=coverage, ignore=ignore)
    if lost:
        _say_what_was_restored(workspace, report)
        return
    if changed:
        _say_what_was_made(workspace, proposal, report)
        return
    report.say(f"{workspace.root} is a workspace already; nothing was changed.")
    if outlines is not None:
        report.say(
            "--from proposes settings for a new workspace only. Here, `dmr import` says which lines of dmr.toml to "
            "change."
        )


def _say_what_was_restored(workspace: Workspace, report: Report) -> None:
    classes = ", ".join(f"{c.id} {c.name}{' (retired)' if c.retired else ''}" for c in workspace.settings.classes)
    report.say(f"{SETTINGS_NAME} was missing. Its classes are restored from the catalogue: {classes}.")
    report.say(
        "All other settings in it are the usual ones: look over patient, coverage, ignore, split and [studio] before "
        "the next command."
    )


def _say_what_was_made(workspace: Workspace, proposal: Proposal | None, report: Report) -> None:
    with workspace.catalogue() as catalogue:
        key = key_path(catalogue.meta("key_id"))
    report.say(f"Made a workspace in {workspace.root}.")
    report.say(f"The key of its pseudonyms is kept outside it: {key}. Store a copy where you store patients' names.")
    if proposal is None:
        report.say(
            "Next: write into dmr.toml what your files call the structures and the patients. Then run `dmr import "
            "FOLDER`. In a new folder, `dmr init --from OUTLINES` finds this out from the files."
        )
        return
    report.data["proposed"] = proposal.data
    for line in proposal.lines:
        report.say(line)
    report.say("Next: check the proposal in dmr.toml, then run `dmr import` in that folder on the same files.")


def _named_classes(text: str) -> list[ClassDef]:
    """The classes of `name=alias=alias,name,...`; the first is the lowest in a mask. Raises UsageError."""
    classes = []
    try:
        for number, (name, *aliases) in enumerate(parse_names(text), 1):
            if not all((name, *aliases)):
                raise ValueError("a name is empty")
            others = tuple(alias for alias in aliases if canonical_label(alias) != canonical_label(name))
            classes.append(ClassDef(number, name, others, PALETTE[(number - 1) % len(PALETTE)], 10 * number))
        return list(Classes(classes))
    except ValueError as error:
        raise UsageError("--classes", str(error), "Give names such as nerve=shenjing,muscle") from error
