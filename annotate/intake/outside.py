"""Labelled frames from outside: Labelme files and their images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..editing.checkout import REVIEWED
from ..errors import BrokenInput
from ..formats.image_agreement import check_size
from ..formats.labelme import (
    SHAPES_IGNORED,
    drawn_json,
    find_image,
    labelme_to_drawing,
    read_labelme,
    without_labels,
)
from ..formats.labelme_image import images_by_stem
from ..formats.labelme_reading import read_video_set
from ..formats.labelme_words import words_of
from ..formats.lost import complete_classes, unread_words
from ..report import Report
from ..scans.decoding.values import Source
from ..scans.discover import files_below
from ..scans.images import decode_frames
from ..settings.model import Coverage
from .outside_coco import VideoSets
from .outside_frame import UNREAD_REMEDY, OutsideFrame, Picture
from .pictures import PICTURE_SUFFIXES, Pictures

WORDS_STAY: Final = "descriptions, ticked flags or other words (not taken in; they stay in the file)"


def _nothing(_: str) -> bool:
    return False


def labelme_frames(
    paths: Sequence[Path],
    *,
    resolve: Callable[[str], int | None],
    all_classes: frozenset[int],
    coverage: Coverage,
    report: Report,
    ignored: Callable[[str], bool] = _nothing,
    without: Sequence[Path] = (),
    refused: Callable[[Picture, Path], None] | None = None,
) -> Iterator[OutsideFrame]:
    """Read every Labelme file, and COCO data set of videos, among `paths`. What fails is reported and passed over.

    Args:
        paths: Labelme files, images, and folders of them, in any order.
        resolve: Gives the class id of a label, None if it is no class.
        all_classes: The classes that an annotation covers by the rule `all`.
        coverage: Whether a class that is not drawn is absent (`all`), or was perhaps not looked for (`drawn`).
        report: Gets failures and oddities.
        ignored: Tells whether a label is left out without a note; its shapes are counted.
        without: Folders that are not searched.
        refused: Told of each file that fails though its picture can be read.
    """
    roots = [p if p.is_dir() else p.parent for p in paths]
    images = images_by_stem(files_below(paths, PICTURE_SUFFIXES))
    covered = all_classes if coverage == "all" else frozenset()
    with Pictures() as pictures:
        videos = VideoSets(pictures, roots, images, resolve, ignored, covered, report)
        for path in files_below(paths, frozenset({".json"}), without=without):
            try:
                if (content := read_video_set(path)) is not None:
                    yield from videos.frames(path, content)
                    continue
                yield _labelme_frame(
                    path,
                    pictures,
                    roots=roots,
                    images=images,
                    resolve=resolve,
                    ignored=ignored,
                    covered=covered,
                    report=report,
                    refused=refused,
                )
            except BrokenInput as error:
                report.fail(error)


def _labelme_frame(
    path: Path,
    pictures: Pictures,
    *,
    roots: Sequence[Path],
    images: Mapping[str, Sequence[Path]],
    resolve: Callable[[str], int | None],
    ignored: Callable[[str], bool],
    covered: frozenset[int],
    report: Report,
    refused: Callable[[Picture, Path], None] | None,
) -> OutsideFrame:
    file = read_labelme(path)
    image, notes = find_image(file, path, roots=roots, index=images)
    if image is None:
        raise BrokenInput(path, "its image is not there", "Name the image's folder too, or put the image beside it")
    about: Source | None = None
    if isinstance(image, bytes):
        frame = next(decode_frames(image, where=path, source_sha256=hashlib.sha256(image).hexdigest()))
    else:
        frame, about = pictures.read(image, file.extra, where=path)
    try:
        check_size((file.height, file.width), (frame.height, frame.width), where=path)
    except BrokenInput:
        if refused is not None:
            refused((frame.source_sha256, frame.index), path)
        raise
    kept = without_labels(file, lambda label: resolve(label) is None and ignored(label))
    if left_out := len(file.shapes) - len(kept.shapes):
        report.count(SHAPES_IGNORED, left_out)
    drawing = labelme_to_drawing(kept, resolve=resolve, height=frame.height, width=frame.width)
    for note in dict.fromkeys((*file.notes, *notes, *frame.notes, *drawing.notes)):
        report.note(note, path.name)
    labels = {resolve(label): label for label in (*(s.label for s in kept.shapes), *kept.lost) if label is not None}
    unread = drawing.unread - ({None} if ignored("") else set())  # a shape without a label counts as one with an empty
    if (words := unread_words(unread, lambda class_id: labels[class_id])) is not None:
        report.fail(BrokenInput(path, words, UNREAD_REMEDY))
    complete = complete_classes(file.extra, resolve)
    asserted = covered if complete is None else covered & complete
    annotation = drawing.annotation(height=frame.height, width=frame.width, asserted=asserted)
    if words_of(file, annotation.shapes, without=REVIEWED).canonical() is not None:
        report.note(WORDS_STAY, path.name)
    source = path if isinstance(image, bytes) else image
    raw = drawn_json(file, is_class=lambda label: resolve(label) is not None)
    return OutsideFrame(path.stem, frame, annotation, raw, source, path, about, drawing.lost, unread)
