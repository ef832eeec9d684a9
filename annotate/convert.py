"""`dmr convert`: Labelme files to class-index masks and back, file or folder, without a workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
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
_WORTH_PROCESSES = 400  # files; of fewer, starting processes takes longer than they save
_WINDOW = 512  # files


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
    _run(report, jobs, _Paint(names, folder, sheet), dry_run=dry_run, on_progress=on_progress)
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
    sheet = Preview(preview, len(jobs))
    trace = _Trace(names, Images([images]) if images else None, sheet, tolerance, most_points)
    _run(report, jobs, trace, dry_run=dry_run, on_progress=on_progress)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


@dataclass(slots=True)
class _Converted:
    """What became of one file, as another process can send it.

    Attributes:
        data: To write; None where it failed.
        error: Why it failed.
        notes: Oddities.
        hidden: Pixels that the mask cannot hold, None where that is not asked.
        shown: What the contact sheet shows of it.
    """

    data: bytes | None = None
    error: BrokenInput | None = None
    notes: list[str] = field(default_factory=list)
    hidden: int | None = None
    shown: tuple[Annotation, Path | bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class _Paint:
    """One Labelme file to a mask."""

    names: IndexNames
    folder: Images
    sheet: Preview

    def __call__(self, job: Job) -> _Converted:
        done = _Converted()
        try:
            file = read_labelme(job.source)
            if job.target.parent == job.source.parent and job.target.name == image_name(file):
                raise BrokenInput(job.name, "its mask would replace its image", "Choose another folder for DST")
            height, width = _frame_size(file, job, self.folder)
            annotation, notes = labelme_to_annotation(
                file, resolve=self.names.index_of, height=height, width=width, covered=None
            )
            ids = sorted({shape.class_id for shape in annotation.shapes})
            index = shapes_to_index(annotation.shapes, paint_order=ids, height=height, width=width)
            done.hidden = hidden_pixels(annotation.shapes, paint_order=ids, height=height, width=width)
            done.notes += [*file.notes, *notes, *(["pixels hidden under a higher index"] if done.hidden else [])]
            if self.sheet.wants(job.number):
                image = find_image(file, job.source, roots=self.folder.roots, index=self.folder.index)[0]
                done.shown = annotation, image
            done.data = encode_png(index)
        except BrokenInput as error:
            done.error = error
        return done


@dataclass(frozen=True, slots=True)
class _Trace:
    """One mask to a Labelme file."""

    names: IndexNames
    folder: Images | None
    sheet: Preview
    tolerance: float
    most_points: int | None

    def __call__(self, job: Job) -> _Converted:
        done = _Converted()
        try:
            index = _read_mask(job, self.names, done.notes)
            height, width = index.shape
            shapes = index_to_shapes(index, tolerance=self.tolerance, most_points=self.most_points)
            image = self._image(job, done.notes, height, width)
            annotation = Annotation(height, width, shapes, frozenset(shape.class_id for shape in shapes))
            if self.sheet.wants(job.number):
                done.shown = annotation, image
            labels = self.names.labels_of(shapes)
            done.data = annotation_to_labelme(
                annotation,
                names=labels,
                image_path=_relative(image or job.source, job.target.parent),
                extra={"dmr_drawing": drawing_of((labels[s.class_id], s.points, s.group, s.hole) for s in shapes)},
            )
        except BrokenInput as error:
            done.error = error
        return done

    def _image(self, job: Job, notes: list[str], height: int, width: int) -> Path | None:
        if self.folder is None:
            return None
        image = self.folder.named(job.source)
        if image is None:
            notes.append("no image of that name (imagePath names the mask)")
            return None
        rows, columns = image_size(image.read_bytes(), where=image)
        if (rows, columns) != (height, width):
            what = f"has {width} x {height} pixels, and its image {columns} x {rows}"
            raise BrokenInput(job.name, what, "Find the image that it was made for")
        return image


def _run(
    report: Report,
    jobs: list[Job],
    convert: _Paint | _Trace,
    *,
    dry_run: bool,
    on_progress: Progress | None,
) -> None:
    """Convert every job, write what is new, and count."""
    for word in ("written", "replaced", "unchanged"):
        report.count(word, 0)
    later = colliding(jobs)
    for job in jobs:
        if job.source in later:
            what = f"would become the same {job.target.suffix} as {later[job.source]}"
            report.fail(BrokenInput(job.name, what, "Give them different names"))
    wanted = [job for job in jobs if job.source not in later]

    def outputs() -> Iterator[tuple[Path, bytes]]:
        for job, done in zip(wanted, _each(convert, wanted), strict=True):
            for note in done.notes:
                report.note(note, job.name)
            if done.hidden is not None:
                report.count("pixels hidden", done.hidden)
            if done.shown is not None:
                convert.sheet.add(job.name, *done.shown)
            try:
                if done.error is not None:
                    raise done.error
                assert done.data is not None
                outcome = judge_target(job, done.data)
                report.count(outcome)
                if outcome != "unchanged" and not dry_run:
                    yield job.target, done.data
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


def _each(convert: _Paint | _Trace, jobs: list[Job]) -> Iterator[_Converted]:
    """Convert jobs in their order, many of them by all cores; only a window of results is held."""
    workers = os.cpu_count() or 1
    if len(jobs) < _WORTH_PROCESSES or workers < 2:
        yield from map(convert, jobs)
        return
    # Spawned everywhere, as Windows must: a fork would take locks of this process's threads along.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start in range(0, len(jobs), _WINDOW):
            yield from pool.map(convert, jobs[start : start + _WINDOW], chunksize=_WINDOW // 32)


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


def _read_mask(job: Job, names: IndexNames, notes: list[str]) -> NDArray[np.uint8]:
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
        notes.append(f"index {value} is no class (left out)")
    return np.where(np.isin(index, unknown), np.uint8(0), index)


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:5])) + (" and more" if len(values) > 5 else "")


def _relative(path: Path, folder: Path) -> str:
    """A path from a folder, POSIX; the whole path where they lie on different drives."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
