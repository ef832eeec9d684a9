"""The truth about the workspace's frames, through the writers of `dmr convert`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..catalogue.records import LabelledFrame
from ..convert.outcome import Outcome
from ..convert.writers import FORMATS
from ..convert.writing import Labelled, Naming, write_frames
from ..errors import BrokenInput, UsageError
from ..scans.discover import lies_in
from ..system.store import write_many
from ..wording import counted
from ..workspace import Session


def export_outlines(
    s: Session, dest: Path, *, form: str, images: bool = False, incomplete: bool = False, dry_run: bool = False
) -> None:
    """Write the truth about every labelled frame, as far as its classes are covered.

    Args:
        s: Its report gets the counts, and what is odd.
        dest: The folder to write to; what a conversion wrote there is replaced, anything else is not.
        form: The format, of `FORMATS`.
        images: Copy the frames too: beside the Labelme files, else into `images/`.
        incomplete: Write also frames on which a class is not complete, in a format that shows it as absent.
        dry_run: Write nothing.

    Raises:
        UsageError: `dest` is a file or one of the workspace's own folders, or nothing has outlines yet.
    """
    if dest.is_file():
        raise UsageError(dest, "is a file", "Name a folder to write to")
    if lies_in(dest, s.workspace.own_folders) or dest.resolve() == s.workspace.root:
        raise UsageError(dest, "is a folder of the workspace's own", "Name a folder outside of it")
    labelled = s.catalogue.labelled_frames()
    if not labelled:
        raise UsageError(s.workspace.root, "has no outlines yet", "`dmr import` takes them in")
    classes = s.settings.classes
    active = classes.predicted
    naming = Naming(active, [k for k in classes.paint_order() if k in active], incomplete=incomplete)
    outcome = Outcome(s.report, dry_run)
    s.report.count("frames exported", 0)
    if not FORMATS[form].can_say:
        whole = [item for item in labelled if not _incomplete(item, naming)]
        _tell_incomplete(s, labelled, naming, dest, form=form)
        labelled = labelled if incomplete else whole
    write_frames(
        _frames(s, labelled, naming),
        form=FORMATS[form],
        naming=naming,
        dst=dest / FORMATS[form].folder,
        outcome=outcome,
        tell=s.tell,
    )
    if images:
        write_many(_pictures(s, labelled, dest if form == "labelme" else dest / "images", dry_run=dry_run))
    outcome.end()
    counts = s.report.counts
    if not dry_run and not any(counts[what] for what in ("written", "replaced", "images copied")):
        s.report.say_unchanged()


def _incomplete(item: LabelledFrame, naming: Naming) -> frozenset[int]:
    """The classes that are not complete on a frame."""
    return frozenset(naming.names) - item.annotation.covered


def _tell_incomplete(s: Session, labelled: Sequence[LabelledFrame], naming: Naming, dest: Path, *, form: str) -> None:
    """Name the frames on which a class is not complete, where the format would show it as absent."""
    frames = 0
    for item in labelled:
        lost = _incomplete(item, naming)
        frames += bool(lost)
        for class_id in sorted(lost):
            what = f"{naming.names[class_id]} is not complete, and the format {form} shows it as absent"
            s.report.note(what, _name(item))
    if frames and not naming.incomplete:
        what = f"{counted(frames, 'frames')} of {len(labelled)} not written: a class is not complete there"
        remedy = "Outline it, take a format that can say so (labelme, layers, coco), or add --incomplete"
        s.report.fail(BrokenInput(dest, what, remedy))


def _name(item: LabelledFrame) -> str:
    return PurePosixPath(item.frame.path).stem


def _frames(s: Session, labelled: Sequence[LabelledFrame], naming: Naming) -> Iterator[Labelled]:
    """The frames with the outlines of the classes that are complete there."""
    for item in labelled:
        name = _name(item)
        covered = item.annotation.covered & naming.names.keys()
        shapes = tuple(shape for shape in item.annotation.shapes if shape.class_id in covered)
        for class_id in sorted({shape.class_id for shape in item.annotation.shapes} - covered):
            known = naming.names.get(class_id)
            left_out = "outlines of a retired class" if known is None else f"outlines of {known}, which is not complete"
            s.report.note(f"{left_out} (left out)", name)
        s.report.count("frames exported")
        yield Labelled(
            name,
            replace(item.annotation, shapes=shapes, covered=covered),
            frozenset[int | None](_incomplete(item, naming)),
            f"{name}.png",
            called=name,
            spacing_mm=item.frame.spacing_mm,
        )


def _pictures(
    s: Session, labelled: Sequence[LabelledFrame], folder: Path, *, dry_run: bool
) -> Iterator[tuple[Path, bytes]]:
    """The frames' own pictures that are not there yet."""
    s.report.count("images copied", 0)
    for item in labelled:
        target = folder / PurePosixPath(item.frame.path).name
        try:
            data = s.workspace.absolute(item.frame.path).read_bytes()
            there = target.read_bytes() if target.is_file() else None
        except OSError as error:
            what = f"cannot be opened ({error.strerror})"
            s.report.fail(BrokenInput(item.frame.path, what, "Check its permissions, or import its scan again"))
            continue
        if there is not None and there != data:
            s.report.fail(BrokenInput(target, "is there, and is another picture", "Move it away, or name another DEST"))
        elif there is None:
            s.report.count("images copied")
            if not dry_run:
                yield target, data
