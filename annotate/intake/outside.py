"""Labelled frames from outside: Labelme files, or images with class-index masks beside them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import BrokenInput, UsageError
from ..formats.index_mask import MASK_SUFFIXES, read_index_mask
from ..formats.labelme import (
    SHAPES_IGNORED,
    drawn_json,
    find_image,
    labelme_to_annotation,
    read_labelme,
    without_labels,
)
from ..geometry.trace import index_to_shapes
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES, decode_frames, encode_png, read_frames
from ..settings.model import Coverage
from ..shapes import Annotation, Frame


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False)
class OutsideFrame:
    """A frame from outside and what was drawn on it.

    Attributes:
        name: Of its file, without the ending: what the patient pattern is held against.
        frame: The image.
        annotation: The outlines, in the workspace's classes.
        raw: What was drawn, as it came, without what could name a patient.
        source: The file that holds the image, which may be a Labelme file; None where there is none.
    """

    name: str
    frame: Frame
    annotation: Annotation
    raw: bytes
    source: Path | None = None


def labelme_frames(
    paths: Sequence[Path],
    *,
    resolve: Callable[[str], int | None],
    all_classes: frozenset[int],
    coverage: Coverage,
    report: Report,
    ignored: Callable[[str], bool] = _nothing,
    without: Sequence[Path] = (),
) -> Iterator[OutsideFrame]:
    """Read every Labelme file among `paths`; what fails is in the report, and the rest goes on.

    Args:
        paths: Labelme files, images, and folders that hold them, in any arrangement.
        resolve: A label's class id, None where it is no class.
        all_classes: What an annotation covers by the rule `all`.
        coverage: Whether a class that is not drawn is absent (`all`) or perhaps forgotten (`drawn`).
        report: Gets failures and oddities.
        ignored: Whether a label that is no class is left out without a note; its shapes are counted.
        without: Folders to leave alone.
    """
    roots = [p if p.is_dir() else p.parent for p in paths]
    images: dict[str, list[Path]] = defaultdict(list)
    for image in files_below(paths, IMAGE_SUFFIXES):
        images[image.stem].append(image)
    covered = all_classes if coverage == "all" else None
    for path in files_below(paths, frozenset({".json"}), without=without):
        try:
            yield _labelme_frame(
                path, roots=roots, images=images, resolve=resolve, ignored=ignored, covered=covered, report=report
            )
        except BrokenInput as error:
            report.fail(error)


def _labelme_frame(
    path: Path,
    *,
    roots: Sequence[Path],
    images: Mapping[str, Sequence[Path]],
    resolve: Callable[[str], int | None],
    ignored: Callable[[str], bool],
    covered: frozenset[int] | None,
    report: Report,
) -> OutsideFrame:
    file = read_labelme(path)
    image, notes = find_image(file, path, roots=roots, index=images)
    if image is None:
        raise BrokenInput(path, "its image is not there", "Name the image's folder too, or put the image beside it")
    if isinstance(image, bytes):
        frame = next(decode_frames(image, where=path, source_sha256=hashlib.sha256(image).hexdigest()))
    else:
        frame = _only_frame(image)
    if (file.height or frame.height, file.width or frame.width) != (frame.height, frame.width):
        raise BrokenInput(
            path,
            f"says {file.width} x {file.height} pixels, and its image has {frame.width} x {frame.height}",
            "Find the image that it was drawn on",
        )
    kept = without_labels(file, lambda label: resolve(label) is None and ignored(label))
    if left_out := len(file.shapes) - len(kept.shapes):
        report.count(SHAPES_IGNORED, left_out)
    annotation, more = labelme_to_annotation(
        kept, resolve=resolve, height=frame.height, width=frame.width, covered=covered
    )
    for note in dict.fromkeys((*file.notes, *notes, *frame.notes, *more)):
        report.note(note, path.name)
    source = path if isinstance(image, bytes) else image
    return OutsideFrame(path.stem, frame, annotation, drawn_json(file), source)


def mask_frames(
    images: Path,
    masks: Path,
    *,
    classes: frozenset[int],
    contains: Mapping[int, frozenset[int]],
    coverage: Coverage,
    report: Report,
) -> Iterator[OutsideFrame]:
    """Read class-index masks and the images of the same names; what fails is in the report, and the rest goes on.

    Args:
        images: Folder of images.
        masks: Folder of masks: grey or palette images whose values are class ids, 0 for background. A mask's image has
            the same place and name in its folder, or is the only one of that name.
        classes: The ids that there are; pixels of another value are left out, with a note.
        contains: Class id to the ids of the classes inside it, which its outline goes round.
        coverage: As for Labelme files.
        report: Gets failures and oddities.

    Raises:
        UsageError: No mask in the folder has an image.
    """
    by_place = {p.relative_to(images).with_suffix(""): p for p in files_below([images], IMAGE_SUFFIXES)}
    by_name: dict[str, list[Path]] = defaultdict(list)
    for image in by_place.values():
        by_name[image.stem].append(image)
    found = files_below([masks], MASK_SUFFIXES)
    if not any(mask.stem in by_name for mask in found):
        what = "holds no mask that is named like an image"
        raise UsageError(masks, what, "Give both the same name, p01.png and p01.jpg")
    for mask in found:
        try:
            place, same = by_place.get(mask.relative_to(masks).with_suffix("")), by_name[mask.stem]
            if place is None and len(same) > 1:
                raise BrokenInput(mask, "has several images of its name", "Lay both folders out alike")
            if place is None and not same:
                raise BrokenInput(mask, "its image is not there", "Put an image of the same name in the image folder")
            image = place or same[0]
            frame = _only_frame(image)
            index = read_index_mask(mask.read_bytes(), where=mask)
            if index.shape != frame.pixels.shape:
                size = f"{index.shape[1]} x {index.shape[0]}, and its image {frame.width} x {frame.height}"
                raise BrokenInput(mask, f"has {size} pixels", "Export the mask at the image's own size")
            for value in sorted(set(np.unique(index).tolist()) - classes - {0}):
                report.note(f"mask value {value} is no class (left out)", mask.name)
            shapes = tuple(s for s in index_to_shapes(index, contains=contains) if s.class_id in classes)
            covered = classes if coverage == "all" else frozenset(s.class_id for s in shapes)
            for note in frame.notes:
                report.note(note, image.name)
            yield OutsideFrame(
                mask.stem, frame, Annotation(frame.height, frame.width, shapes, covered), encode_png(index), image
            )
        except BrokenInput as error:
            report.fail(error)
        except OSError as error:
            report.fail(BrokenInput(mask, f"cannot be opened ({error.strerror})", "Check its permissions"))


def _only_frame(path: Path) -> Frame:
    frames = read_frames(path)
    first = next(frames)
    if next(frames, None) is not None:
        first = replace(first, notes=(*first.notes, "several pages (the first is used)"))
    return first
