"""`dmr convert labelme-to-yolo`, `labelme-to-nifti` and `labelme-to-instances`, without a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..errors import BrokenInput
from ..formats.labelme import image_name
from ..formats.nifti import ENDINGS
from ..progress.tell import Tell, silent
from ..report import Report
from .files import Images, Job, find_jobs
from .names import Given, IndexNames, names_of_files
from .one import read_drawn
from .outcome import Outcome
from .preview import Preview
from .writers import FORMATS, Labelled, Naming, nifti_named, write_frames


def labelme_to_files(
    src: Path,
    dst: Path,
    *,
    form: str,
    classes: Given | None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Write Labelme files in another format.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: The folder to write to; for NIfTI also the volume's name.
        form: The format, of `FORMATS`.
        classes: In the order of their numbers, each with its spellings; None takes all labels in the order of the
            alphabet.
        images: Where images lie that are neither beside the file nor below `src`.
        preview: Where to write a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Told of each file.

    Raises:
        UsageError: There is nothing to convert, `dst` is unfit, or `classes` names none of the labels.
    """
    report = Report(f"convert labelme-to-{form}")
    style = FORMATS[form]
    ending = next((e for e in ENDINGS if form == "nifti" and dst.name.lower().endswith(e)), None)
    if ending is not None:
        style, dst = nifti_named(dst.name[: -len(ending)]), dst.parent
    outcome = Outcome(report, dry_run)
    jobs = find_jobs(src, dst, suffixes=frozenset({".json"}), target_suffix=".json", report=report)
    names = names_of_files(jobs, classes)
    folder = Images.around(src, images, target=dst)
    sheet = Preview(preview, len(jobs))
    labels = dict(enumerate(names.given or (), 1))
    naming = Naming(labels, sorted(labels))
    frames = _frames(jobs, names, folder, sheet, report)
    write_frames(frames, form=style, naming=naming, dst=dst, outcome=outcome, tell=tell)
    outcome.end()
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def _frames(jobs: list[Job], names: IndexNames, folder: Images, sheet: Preview, report: Report) -> Iterator[Labelled]:
    """The frames that can be read."""
    for job in jobs:
        try:
            drawn = read_drawn(job, names=names, folder=folder)
            picture = drawn.image(job, folder)
            if isinstance(picture, Path) and picture.resolve() == job.target.with_suffix(".png").resolve():
                raise BrokenInput(job.name, "what is written would replace its image", "Choose another folder for DST")
        except BrokenInput as error:
            report.fail(error)
            continue
        for note in drawn.notes:
            report.note(note, job.name)
        if sheet.wants(job.number):
            sheet.add(job.name, drawn.annotation, picture)
        yield Labelled(
            str(PurePosixPath(job.name).with_suffix("")),
            drawn.annotation,
            drawn.drawing.lost,
            image_name(drawn.file),
            missing=drawn.lost(names),
        )
