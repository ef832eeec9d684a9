"""`dmr convert`: Labelme files to class-index masks and back, file or folder, without a workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .convert_files import Images, Job, colliding, find_jobs, judge_target
from .convert_names import IndexNames, check_numbered
from .convert_preview import Preview
from .errors import BrokenInput, UsageError
from .frames import MOST_PIXELS, encode_png, image_size
from .labelme import (
    LabelmeFile,
    annotation_to_labelme,
    drawing_of,
    find_image,
    image_name,
    labelme_to_annotation,
    read_labelme,
)
from .masks import MASK_SUFFIXES, read_index_mask
from .raster import hidden_pixels, shapes_to_index
from .report import Report
from .shapes import Annotation
from .store import write_many
from .trace import index_to_shapes

Progress = Callable[[], None]

# More values than this and no classes named: a picture has been taken for a mask.
_MOST_VALUES = 64


def labelme_to_mask(
    src: Path,
    dst: Path,
    *,
    classes: tuple[str, ...] | None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> Report:
    """Paint Labelme files as class-index PNGs, higher indices over lower, under the same names.

    A mask that is there and differs is replaced; another picture that is in the way is not.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: Folder for the masks, or a PNG's path where `src` is a file.
        classes: Labels in the order of their indices, from 1; None reads `class_n` as n.
        images: Where images lie that are neither beside the file nor below `src`; only old files need them, which do
            not say their size.
        preview: Where to write a contact sheet of some of the frames.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: There is nothing to convert, `dst` is unfit, or no classes are given and labels are no `class_n`.
    """
    report = Report("convert labelme-to-mask")
    jobs = find_jobs(src, dst, suffixes=frozenset({".json"}), target_suffix=".png")
    names = IndexNames(classes)
    if classes is None:
        check_numbered(jobs)
    folder = Images([src if src.is_dir() else src.parent, *([images] if images else [])], without=jobs)
    sheet = Preview(preview, len(jobs))

    def convert(job: Job) -> bytes:
        file = read_labelme(job.source)
        if job.target.parent == job.source.parent and job.target.name == image_name(file):
            raise BrokenInput(job.name, "its mask would replace its image", "Choose another folder for DST")
        height, width = _frame_size(file, job, folder)
        annotation, notes = labelme_to_annotation(
            file, resolve=names.index_of, height=height, width=width, covered=None
        )
        ids = sorted({shape.class_id for shape in annotation.shapes})
        size = {"height": height, "width": width}
        index = shapes_to_index(annotation.shapes, paint_order=ids, **size)
        hidden = hidden_pixels(annotation.shapes, paint_order=ids, **size)
        for note in (*file.notes, *notes):
            report.note(note, job.name)
        if hidden:
            report.note("pixels hidden under a higher index", job.name)
        report.count("pixels hidden", hidden)
        if sheet.wants(job.number):
            sheet.add(job.name, annotation, find_image(file, job.source, roots=folder.roots, index=folder.index)[0])
        return encode_png(index)

    _run(report, jobs, convert, dry_run=dry_run, on_progress=on_progress)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def mask_to_labelme(
    src: Path,
    dst: Path,
    *,
    classes: tuple[str, ...] | None,
    tolerance: float = 0.0,
    most_points: int | None = None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> Report:
    """Trace class-index masks as Labelme files under the same names.

    Our own file that is there and differs is replaced; one that was drawn or edited by hand is not.

    Args:
        src: A mask (PNG, BMP, TIFF), or a folder of them at any depth.
        dst: Folder for the Labelme files, or a JSON's path where `src` is a file.
        classes: Labels in the order of their indices, from 1; None makes index n `class_n`.
        tolerance: Px; 0 traces exactly, so that painting the outlines gives the mask again.
        most_points: For each outline, with a tolerance above 0; None for no limit.
        images: Where the images of the same names lie, which the Labelme files shall point to.
        preview: Where to write a contact sheet of some of the frames.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: There is nothing to convert, `dst` is unfit, or `tolerance` is no distance.
    """
    if not 0 <= tolerance < MOST_PIXELS:
        raise UsageError("--tolerance", f"is {tolerance}", "Give a number of pixels, 0 or more")
    if most_points is not None and tolerance == 0:
        raise UsageError("--max-points", "needs outlines that may differ", "Give a --tolerance above 0, such as 4")
    report = Report("convert mask-to-labelme")
    jobs = find_jobs(src, dst, suffixes=MASK_SUFFIXES, target_suffix=".json")
    names = IndexNames(classes)
    folder = Images([images] if images else [])
    sheet = Preview(preview, len(jobs))

    def convert(job: Job) -> bytes:
        index = _read_mask(job, names, report)
        height, width = index.shape
        shapes = index_to_shapes(index, tolerance=tolerance, most_points=most_points)
        image = folder.named(job.source)
        if image is None and images is not None:
            report.note("no image of that name (imagePath names the mask)", job.name)
        elif image is not None:
            rows, columns = image_size(image.read_bytes(), where=image)
            if (rows, columns) != (height, width):
                what = f"has {width} x {height} pixels, and its image {columns} x {rows}"
                raise BrokenInput(job.name, what, "Find the image that it was made for")
        annotation = Annotation(height, width, shapes, frozenset(shape.class_id for shape in shapes))
        if sheet.wants(job.number):
            sheet.add(job.name, annotation, image)
        labels = names.labels_of(shapes)
        return annotation_to_labelme(
            annotation,
            names=labels,
            image_path=_relative(image or job.source, job.target.parent),
            extra={"dmr_drawing": drawing_of((labels[s.class_id], s.points, s.group, s.hole) for s in shapes)},
        )

    _run(report, jobs, convert, dry_run=dry_run, on_progress=on_progress)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def _run(
    report: Report,
    jobs: list[Job],
    convert: Callable[[Job], bytes],
    *,
    dry_run: bool,
    on_progress: Progress | None,
) -> None:
    """Convert every job, write what is new, and count."""
    for word in ("written", "replaced", "unchanged"):
        report.count(word, 0)

    later = colliding(jobs)

    def outputs() -> Iterator[tuple[Path, bytes]]:
        for job in jobs:
            try:
                if job.source in later:
                    what = f"would become the same {job.target.suffix} as {later[job.source]}"
                    raise BrokenInput(job.name, what, "Give them different names")
                data = convert(job)
                outcome = judge_target(job, data)
                report.count(outcome)
                if outcome != "unchanged" and not dry_run:
                    yield job.target, data
            except BrokenInput as error:
                report.fail(error)
            if on_progress is not None:
                on_progress()

    try:
        write_many(outputs())
    except OSError as error:
        raise UsageError(
            "DST", f"cannot be written ({error.strerror})", "Check its permissions and its disk"
        ) from error
    if dry_run:
        report.say("Dry run: nothing was written.")


def _frame_size(file: LabelmeFile, job: Job, folder: Images) -> tuple[int, int]:
    """Rows and columns, as the file says, else of its image."""
    if file.height is not None and file.width is not None:
        height, width = file.height, file.width
        if height * width > MOST_PIXELS:
            what = f"says {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million"
            raise BrokenInput(job.name, what, "Correct imageHeight and imageWidth")
        return height, width
    image, _ = find_image(file, job.source, roots=folder.roots, index=folder.index)
    if image is None:
        raise BrokenInput(job.name, "says no size, and its image is not there", "Name the image's folder with --images")
    return image_size(image if isinstance(image, bytes) else image.read_bytes(), where=job.name)


def _read_mask(job: Job, names: IndexNames, report: Report) -> NDArray[np.uint8]:
    """The mask's indices that are classes."""
    try:
        data = job.source.read_bytes()
    except OSError as error:
        raise BrokenInput(job.name, f"cannot be opened ({error.strerror})", "Check its permissions") from error
    index = read_index_mask(data, where=job.name)
    values = [value for value in np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist() if value]
    if names.given is None:
        if len(values) > _MOST_VALUES:
            what = f"has {len(values)} different values: a picture and no mask"
            raise BrokenInput(job.name, what, "Give the folder of masks, or name the classes with --classes")
        return index
    unknown = [value for value in values if value > len(names.given)]
    if unknown and len(unknown) == len(values):
        what = f"its values are {_some(unknown)}, and --classes names 1 to {len(names.given)}"
        raise BrokenInput(job.name, what, "Name a class for every value, or save the mask with values from 1")
    for value in unknown:
        report.note(f"index {value} is no class (left out)", job.name)
    return np.where(np.isin(index, unknown), np.uint8(0), index)


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:5])) + (" and more" if len(values) > 5 else "")


def _relative(path: Path, folder: Path) -> str:
    """A path from a folder, POSIX; the whole path where they lie on different drives."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
