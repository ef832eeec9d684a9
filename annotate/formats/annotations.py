"""One Labelme file <-> one annotation, for programs and notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..classes import Classes
from ..errors import BrokenInput
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES, MOST_PIXELS, image_size
from ..shapes import Annotation
from ..system.store import write_atomic
from .labelme import annotation_to_labelme, labelme_to_drawing
from .labelme_image import find_image, images_by_stem
from .labelme_reading import LabelmeFile, read_labelme
from .lost import COVERED_KEY, complete_classes


def read_annotation(
    path: Path | str, classes: Classes, *, coverage: Literal["drawn", "all"] | None = None, report: Report | None = None
) -> Annotation:
    """Read the outlines of a Labelme file.

    Args:
        path: The file. Its image is needed only if the file does not say the image's size.
        classes: The classes that its labels stand for.
        coverage: The covered classes: those `drawn` in the file, or `all` classes; None for what `write_annotation`
            wrote into the file, and those drawn in a file of another program. A class that is not drawn, and that the
            file says is not complete, is never covered.
        report: Gets a note for each oddity of the file, and for labels that are no class.

    Returns:
        The outlines in pixels, `(x, y)`.

    Raises:
        BrokenInput: It cannot be read, or the size of its image is unknown.
        ValueError: `coverage` is another word.

    Example:
        >>> classes = dmr.Classes([dmr.ClassDef(1, "nerve", aliases=("shenjing",))])
        >>> drawn = dmr.Annotation(100, 200, (dmr.Shape(1, ((10, 10), (40, 10), (40, 30))),), frozenset({1}))
        >>> dmr.write_annotation(tmp / "p01.json", drawn, classes)
        >>> dmr.read_annotation(tmp / "p01.json", classes) == drawn
        True
    """
    if coverage not in (None, "drawn", "all"):
        raise ValueError(f"coverage {coverage!r}: expected 'drawn' or 'all'")
    path = Path(path)
    file = read_labelme(path)
    height, width = _size(file, path)
    drawing = labelme_to_drawing(file, resolve=classes.class_id, height=height, width=width)
    if report is not None:
        for note in (*file.notes, *drawing.notes):
            report.note(note, path.name)
    said = complete_classes(file.extra, classes.class_id)
    if coverage is None and said is not None:
        return Annotation(height, width, drawing.shapes, drawing.covered(said) & said)
    asserted = [i for i in classes.predicted if said is None or i in said] if coverage == "all" else []
    return drawing.annotation(height=height, width=width, asserted=asserted)


def write_annotation(path: Path | str, annotation: Annotation, classes: Classes, *, image: str = "") -> None:
    """Write outlines as a Labelme file, which Labelme 6 opens.

    Args:
        path: The file; an existing file is replaced.
        annotation: The annotation to write; what it covers is kept in the key `dmr_covered`, which Labelme keeps too.
        classes: The classes, whose names are the labels.
        image: Path of the image, relative to the file's folder.

    Raises:
        ValueError: A shape's class is not among the classes.

    Example:
        >>> classes = dmr.Classes([dmr.ClassDef(1, "nerve")])
        >>> drawn = dmr.Annotation(100, 200, (dmr.Shape(1, ((10, 10), (40, 10), (40, 30))),), frozenset({1}))
        >>> dmr.write_annotation(tmp / "p02.json", drawn, classes, image="p02.png")
        >>> (tmp / "p02.json").read_text(encoding="utf-8").count('"label": "nerve"')
        1
    """
    names = {c.id: c.name for c in classes}
    extra = {COVERED_KEY: [names[i] for i in sorted(annotation.covered) if i in names]}
    write_atomic(Path(path), annotation_to_labelme(annotation, names=names, image_path=image, extra=extra))


def _size(file: LabelmeFile, path: Path) -> tuple[int, int]:
    """Rows and columns of a file's image, from the file or from the image."""
    if file.height is not None and file.width is not None:
        if file.height * file.width > MOST_PIXELS:
            what = f"says {file.width} x {file.height} pixels, more than {MOST_PIXELS // 1_000_000} million"
            raise BrokenInput(path, what, "Correct imageHeight and imageWidth")
        return file.height, file.width
    images = images_by_stem(files_below([path.parent], IMAGE_SUFFIXES))
    image, _ = find_image(file, path, roots=[path.parent], index=images)
    if image is None:
        what = "does not say the size of its image, and the image is not there"
        raise BrokenInput(path, what, "Put the image beside it")
    return image_size(image, where=path)
