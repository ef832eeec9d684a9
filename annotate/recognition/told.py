"""Lines that say what `dmr init --from` found and chose. They hold counts, but no file's or patient's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..classes import ClassDef, canonical_label
from ..render.text_table import text_table
from ..settings.model import SETTINGS_NAME
from .name_patterns import PatternFit, Verdict
from .recognise import Labels

RARE = 50
"""A label in fewer than one of so many files becomes no class: there is too little to learn from."""


def spelt(labels: Labels, texts: Sequence[str]) -> list[str]:
    """The labels of the files that match one of these texts, spelt as in the files."""
    wanted = {canonical_label(text) for text in texts}
    return [label for label in labels.shapes if canonical_label(label) in wanted]


def class_lines(classes: Sequence[ClassDef], ignore: Sequence[str], labels: Labels, files: int) -> Iterator[str]:
    """One line for each class: how many files and shapes have it, under which labels."""
    rows = [(c.name, spelt(labels, [c.name, *c.aliases])) for c in classes]
    if ignore:
        rows.append(("(ignored)", spelt(labels, ignore)))
    known = {label for _, own in rows for label in own}
    if rest := [label for label in labels.shapes if label not in known]:
        rows.append(("(no class)", rest))
    unread = f"; {len(labels.unread)} cannot be read: `dmr check` names them" if labels.unread else ""
    yield f"{files} {'file was' if files == 1 else 'files were'} read{unread}."
    cells = [("class", "files", "shapes", "labels")]
    for name, own in rows:
        shapes = sum(labels.shapes[label] for label in own)
        shown = ", ".join(label or "(no text)" for label in own) or "(none)"
        cells.append((name, str(labels.files(own)), str(shapes), shown))
    yield from text_table(cells, align="<>><").split("\n")
    if ignore:
        yield (
            f"The ignored labels are in fewer than 1 of {RARE} files, too few to learn from. To keep one, take it out "
            f"of ignore in {SETTINGS_NAME}, and make it a [[class]]."
        )


def patient_lines(fit: PatternFit | None, verdict: Verdict, *, folders: int) -> Iterator[str]:
    """How many patients the pattern finds in the files' names."""
    if fit is None:
        yield (
            "Patients: no usual pattern fits the files' names, so every patient is unknown. Such frames are used for "
            f"training, never for testing. If the names tell the patient, say how in {SETTINGS_NAME}, [import] patient."
        )
    elif verdict == "a patient a file":
        nearly = "" if fit.patients == fit.explained else "nearly "
        yield (
            f"Patients: the pattern that fits best makes {nearly}each of {fit.explained} files a patient of its own, "
            "so it may only number the files. It is not used: every patient is unknown, and such frames are never used "
            f"for testing. If each file really is a patient of its own, put this line under [import] in "
            f"{SETTINGS_NAME}:"
        )
        yield f"patient = '{fit.pattern}'"
    else:
        yield from _taken_lines(fit, verdict)
    if folders > 1 and (fit is None or verdict == "a patient a file" or fit.scattered):
        where = (
            f", and {fit.scattered} of these patients have files in several of them" if fit and fit.scattered else ""
        )
        yield (
            f"The files lie in {folders} folders{where}. A pattern sees only a file's own name: if a folder is a "
            "patient, put the folder's name before the names of its files, both outlines and images."
        )


def _taken_lines(fit: PatternFit, verdict: Verdict) -> Iterator[str]:
    found = f"{fit.patients} {'patient' if fit.patients == 1 else 'patients'}"
    each = f", {fit.explained / max(1, fit.patients):.3g} files each on average ({fit.fewest} to {fit.most})"
    yield (
        f"Patients: the pattern {fit.pattern} finds {found} in {fit.explained} of {fit.names} file names"
        f"{each if 0 < fit.patients < fit.explained else ''}."
    )
    if verdict == "one file":
        yield f"One file does not show which part of its name is the patient: check patient in {SETTINGS_NAME}."
    elif fit.patients == 1 and fit.names > 1:
        yield "With it, all files belong to one patient. Testing a model needs more patients."
    elif fit.patients == fit.explained > 1:
        yield "With it, each file is a patient of its own. If patients have several files, change the pattern."
    if fit.explained < fit.names:
        rest = fit.names - fit.explained
        yield f"In the other {rest} the patient is unknown: such frames are used for training, never for testing."
