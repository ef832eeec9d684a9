"""What `dmr init --from` found and chose, in lines for the reader: counts, and no file's or patient's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..classes import ClassDef, canonical_label
from ..render.text_table import text_table
from ..settings.model import SETTINGS_NAME
from .name_patterns import PatternFit, Verdict
from .recognise import Labels

RARE = 50
"""A label in fewer than one file in so many teaches no class; in a few files, every label may be a class."""


def spelt(labels: Labels, texts: Sequence[str]) -> list[str]:
    """The labels, as they stand in the files, that are one of these texts."""
    wanted = {canonical_label(text) for text in texts}
    return [label for label in labels.shapes if canonical_label(label) in wanted]


def class_lines(classes: Sequence[ClassDef], ignore: Sequence[str], labels: Labels, files: int) -> Iterator[str]:
    """A line a class: how many files and shapes it explains, and by which labels."""
    rows = [(c.name, spelt(labels, [c.name, *c.aliases])) for c in classes]
    if ignore:
        rows.append(("(ignored)", spelt(labels, ignore)))
    known = {label for _, own in rows for label in own}
    if rest := [label for label in labels.shapes if label not in known]:
        rows.append(("(no class)", rest))
    unread = f"; {len(labels.unread)} cannot be read: `dmr check` names them" if labels.unread else ""
    yield f"{files} {'file was' if files == 1 else 'files were'} looked at{unread}."
    cells = [("class", "files", "shapes", "labels")]
    for name, own in rows:
        shapes = sum(labels.shapes[label] for label in own)
        shown = ", ".join(label or "(no text)" for label in own) or "(none)"
        cells.append((name, str(labels.files(own)), str(shapes), shown))
    yield from text_table(cells, align="<>><").split("\n")
    if ignore:
        yield (
            f"The ignored labels are in fewer than 1 in {RARE} files, too few to learn from. To keep one, take it out "
            f"of ignore in {SETTINGS_NAME}, and make it a [[class]]."
        )


def patient_lines(fit: PatternFit | None, verdict: Verdict, *, folders: int) -> Iterator[str]:
    """What the pattern makes of the names."""
    if fit is None:
        yield (
            "Patients: no usual pattern fits the files' names, so every patient is unknown: such frames train, and are "
            f"never tested on. If the names tell the patient, say how in {SETTINGS_NAME}, [import] patient."
        )
    elif verdict == "a patient a file":
        nearly = "" if fit.patients == fit.explained else "nearly "
        yield (
            f"Patients: the pattern that fits best makes {nearly}each of {fit.explained} files a patient of its own, "
            "and may be a mere count of the files. So it was not taken: every patient is unknown, and such frames are "
            f"never tested on. If each file is a patient of its own, put this line under [import] in {SETTINGS_NAME}:"
        )
        yield f"patient = '{fit.pattern}'"
    else:
        yield from _taken_lines(fit, verdict)
    if folders > 1 and (fit is None or verdict == "a patient a file" or fit.scattered):
        where = f", and {fit.scattered} of these patients in several of them" if fit and fit.scattered else ""
        yield (
            f"The files lie in {folders} folders{where}. A pattern sees only a file's own name: if a folder is a "
            "patient, put its name in front of the names of its files, outlines and images alike."
        )


def _taken_lines(fit: PatternFit, verdict: Verdict) -> Iterator[str]:
    found = f"{fit.patients} {'patient' if fit.patients == 1 else 'patients'}"
    each = f", {fit.explained / max(1, fit.patients):.3g} files each in the mean ({fit.fewest} to {fit.most})"
    yield (
        f"Patients: the pattern {fit.pattern} finds {found} in {fit.explained} of {fit.names} file names"
        f"{each if 0 < fit.patients < fit.explained else ''}."
    )
    if verdict == "one file":
        yield f"One file cannot tell which part of its name is the patient: look at patient in {SETTINGS_NAME}."
    elif fit.patients == 1 and fit.names > 1:
        yield "By that all files are of one patient, and without a second one nothing can be tested on."
    elif fit.patients == fit.explained > 1:
        yield "By that each file is a patient of its own. If patients have several files, change the pattern."
    if fit.explained < fit.names:
        rest = fit.names - fit.explained
        yield f"In the other {rest} the patient is unknown: such frames train, and are never tested on."
