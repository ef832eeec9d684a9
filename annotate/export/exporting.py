"""The truth about the workspace's frames, through the writers of `dmr convert`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..catalogue.records import LabelledFrame
from ..convert.outcome import Outcome
from ..convert.writers import FORMATS
from ..convert.writing import Naming, write_frames
from ..errors import BrokenInput, UsageError
from ..scans.discover import lies_in
from ..system.store import write_many
from ..wording import PICTURE_HELD, counted
from ..workspace import Session
from .dicom_seg import SEGMENTATION, export_segmentations
from .truths import name_of, not_complete, truths


def export_outlines(
    s: Session,
    dest: Path,
    *,
    form: str,
    scans: Sequence[Path] = (),
    images: bool = False,
    incomplete: bool = False,
    dry_run: bool = False,
) -> None:
    """Write the truth about every labelled frame, as far as its classes are covered.

    Args:
        s: Its report gets the counts, and what is odd.
        dest: The folder to write to; what a conversion wrote there is replaced, anything else is not.
        form: The format, of `FORMATS`, or `dicom-seg`.
        scans: The original files, for `dicom-seg`.
        images: Copy the frames too, without those in quarantine: beside the Labelme files, else into `images/`.
        incomplete: Write also frames on which a class is not complete, in a format that shows it as absent.
        dry_run: Write nothing.

    Raises:
        UsageError: `dest` is a file or one of the workspace's own folders, nothing has outlines yet, or the format does
            not go with the other wishes.
    """
    if dest.is_file():
        raise UsageError(dest, "is a file", "Name a folder to write to")
    if lies_in(dest, s.workspace.own_folders) or dest.resolve() == s.workspace.root:
        raise UsageError(dest, "is a folder of the workspace's own", "Name a folder outside of it")
    if form == SEGMENTATION and lies_in(dest, [s.workspace.root]):
        what = "lies in the workspace, and the segmentations name the patient"
        raise UsageError(dest, what, "Name a folder outside of the workspace")
    _check_wishes(form, scans, images=images)
    labelled: Sequence[LabelledFrame] = s.catalogue.settled_frames()
    if not s.catalogue.has_truths():
        raise UsageError(s.workspace.root, "has no outlines yet", "`dmr import` takes them in")
    classes = s.settings.classes
    active = classes.predicted
    naming = Naming(active, [k for k in classes.paint_order() if k in active], incomplete=incomplete)
    outcome = Outcome(s.report, dry_run, is_truth=True)
    s.report.count("frames exported", 0)
    if form == SEGMENTATION:
        export_segmentations(s, labelled, dest, scans=scans, naming=naming, outcome=outcome)
    else:
        labelled = _written(s, labelled, dest, form=form, naming=naming, outcome=outcome)
    if images:
        write_many(_pictures(s, labelled, dest if form == "labelme" else dest / "images", dry_run=dry_run))
    outcome.end()
    counts = s.report.counts
    if not dry_run and not any(counts[what] for what in ("written", "replaced", "images copied")):
        s.report.say_unchanged()


def _check_wishes(form: str, scans: Sequence[Path], *, images: bool) -> None:
    if form != SEGMENTATION:
        if scans:
            raise UsageError("--scans", f"is for --format {SEGMENTATION} alone", "Leave it out")
        return
    if not scans:
        what = "takes its references from the original DICOM files"
        raise UsageError(f"--format {SEGMENTATION}", what, "Name their folder with --scans")
    if images:
        what = f"does not go with --format {SEGMENTATION}: its files name the patient, and the frames must not"
        raise UsageError("--images", what, "Export the frames with another format, into another folder")


def _written(
    s: Session, labelled: Sequence[LabelledFrame], dest: Path, *, form: str, naming: Naming, outcome: Outcome
) -> Sequence[LabelledFrame]:
    """Write frames in a format of `dmr convert`, and return those that it can hold."""
    if not FORMATS[form].can_say:
        whole = [item for item in labelled if not not_complete(item, naming)]
        _tell_incomplete(s, labelled, naming, dest, form=form)
        labelled = labelled if naming.incomplete else whole
    write_frames(
        truths(s, labelled, naming),
        form=FORMATS[form],
        naming=naming,
        dst=dest / FORMATS[form].folder,
        outcome=outcome,
        tell=s.tell,
    )
    return labelled


def _tell_incomplete(s: Session, labelled: Sequence[LabelledFrame], naming: Naming, dest: Path, *, form: str) -> None:
    """Name the frames on which a class is not complete, where the format would show it as absent."""
    frames = 0
    for item in labelled:
        lost = not_complete(item, naming)
        frames += bool(lost)
        for class_id in sorted(lost):
            what = f"{naming.names[class_id]} is not complete, and the format {form} shows it as absent"
            s.report.note(what, name_of(item))
    if frames and not naming.incomplete:
        what = f"{counted(frames, 'frames')} of {len(labelled)} not written: a class is not complete there"
        remedy = "Outline it, take a format that can say so (labelme, layers, coco), or add --incomplete"
        s.report.fail(BrokenInput(dest, what, remedy))


def _pictures(
    s: Session, labelled: Sequence[LabelledFrame], folder: Path, *, dry_run: bool
) -> Iterator[tuple[Path, bytes]]:
    """The frames' own pictures that are not there yet; none that is in quarantine."""
    s.report.count("images copied", 0)
    for item in labelled:
        if not item.frame.may_leave:
            s.report.note(PICTURE_HELD, item.frame.frame_id)
            continue
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
