"""`dmr convert labelme-to-layers` and `layers-to-labelme`: a folder of black and white masks for each class.

Layers overlap as they may: unlike a class-index mask they hide nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .convert_files import Images, Job, drawn_file, find_jobs, judge_target, relative_path
from .convert_names import IndexNames
from .errors import BrokenInput, UsageError
from .frames import encode_png
from .labelme import labelme_to_annotation, read_labelme
from .masks import MASK_SUFFIXES, read_index_mask
from .raster import polygons_to_mask
from .report import Report
from .shapes import Annotation, Shape
from .sources import files_below
from .store import write_many
from .trace import mask_to_shapes

Progress = Callable[[], None]
_OUTCOMES = ("written", "replaced", "unchanged")


def labelme_to_layers(
    src: Path,
    dst: Path,
    *,
    classes: tuple[str, ...] | None,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> Report:
    """Paint each class of Labelme files as a mask of 0 and 255, `DST/CLASS/NAME.png`.

    A class that is not drawn on a frame has an empty mask there if it is named in `classes`, else none.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: Folder for the folders.
        classes: Labels to paint; None for all.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: There is nothing to convert, or `dst` is unfit.
    """
    report = Report("convert labelme-to-layers")
    for word in _OUTCOMES:
        report.count(word, 0)
    files: dict[Path, bytes] = {}
    for job in find_jobs(src, dst, suffixes=frozenset({".json"}), target_suffix=".png"):
        try:
            for label, mask in _layers(job, classes, report).items():
                if Path(label).name != label or label in (".", ".."):
                    raise BrokenInput(job.name, f"its label {label!r} is no name of a folder", "Rename the label")
                target = dst / label / job.target.relative_to(dst if src.is_dir() else job.target.parent)
                data = encode_png(mask.view(np.uint8) * np.uint8(255))
                outcome = judge_target(Job(job.number, job.source, f"{label}/{job.name}", target), data)
                report.count(outcome)
                if outcome != "unchanged":
                    files[target] = data
        except BrokenInput as error:
            report.fail(error)
        if not dry_run:
            write_many(files)
        files.clear()
        if on_progress is not None:
            on_progress()
    if dry_run:
        report.say("Dry run: nothing was written.")
    return report


def layers_to_labelme(
    src: Path, dst: Path, *, images: Path | None = None, dry_run: bool = False, on_progress: Progress | None = None
) -> Report:
    """Trace masks `SRC/CLASS/NAME.png` as Labelme files `DST/NAME.json`, exactly; any value above 0 is the class.

    Args:
        src: A folder with one folder a class.
        dst: Folder for the Labelme files; one that was drawn or edited by hand is not replaced.
        images: Where the images of the same names lie, which the Labelme files shall point to.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: There is nothing to convert, or `dst` is unfit.
    """
    if dst.is_file():
        raise UsageError(dst, "is a file", "Name a folder to write to")
    folders = sorted(p for p in src.iterdir() if p.is_dir() and not p.name.startswith(".")) if src.is_dir() else []
    frames: dict[Path, list[tuple[str, Path]]] = defaultdict(list)
    for folder in folders:
        for path in files_below([folder], MASK_SUFFIXES):
            frames[path.relative_to(folder).with_suffix("")].append((folder.name, path))
    if not frames:
        raise UsageError(src, "holds no folders with masks", "Lay them out as SRC/CLASS/NAME.png")
    report = Report("convert layers-to-labelme")
    for word in _OUTCOMES:
        report.count(word, 0)
    pictures = Images([images] if images else [])
    names = {k: folder.name for k, folder in enumerate(folders, 1)}
    for number, (place, masks) in enumerate(sorted(frames.items())):
        try:
            target = (dst / place).with_name(f"{place.name}.json")
            annotation = _traced(masks, {name: k for k, name in names.items()})
            image = pictures.named(masks[0][1])
            data = drawn_file(
                annotation,
                names=names,
                image_path=relative_path(image, target.parent) if image else f"{place.name}.png",
            )
            outcome = judge_target(Job(number, masks[0][1], place.as_posix(), target), data)
            report.count(outcome)
            if outcome != "unchanged" and not dry_run:
                write_many({target: data})
        except BrokenInput as error:
            report.fail(error)
        if on_progress is not None:
            on_progress()
    if dry_run:
        report.say("Dry run: nothing was written.")
    return report


def _layers(job: Job, classes: tuple[str, ...] | None, report: Report) -> dict[str, NDArray[np.bool_]]:
    file = read_labelme(job.source)
    if file.height is None or file.width is None:
        raise BrokenInput(job.name, "says no size", "Save it again in Labelme")
    labels = classes or tuple(dict.fromkeys(sorted(shape.label.strip() for shape in file.shapes)))
    if not labels:
        return {}
    names = IndexNames(labels)
    annotation, notes = labelme_to_annotation(
        file, resolve=names.index_of, height=file.height, width=file.width, covered=None
    )
    for note in (*file.notes, *notes):
        report.note(note, job.name)
    size = {"height": file.height, "width": file.width}
    return {
        name: polygons_to_mask([s for s in annotation.shapes if s.class_id == k], **size)
        for k, name in enumerate(names.given or (), 1)
    }


def _traced(masks: list[tuple[str, Path]], ids: dict[str, int]) -> Annotation:
    shapes: list[Shape] = []
    size: tuple[int, ...] | None = None
    for label, path in masks:
        try:
            mask = read_index_mask(path.read_bytes(), where=path) > 0
        except OSError as error:
            raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check its permissions") from error
        if size is not None and mask.shape != size:
            what = f"has {mask.shape[1]} x {mask.shape[0]} pixels, and the masks before it {size[1]} x {size[0]}"
            raise BrokenInput(path, what, "Export all masks of a frame at its own size")
        size = mask.shape
        group = max((s.group or 0 for s in shapes), default=0) + 1
        shapes += mask_to_shapes(mask, class_id=ids[label], first_group=group)
    assert size is not None  # every frame has a mask
    return Annotation(size[0], size[1], tuple(shapes), frozenset(ids[label] for label, _ in masks))
