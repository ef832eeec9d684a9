"""The conversion of one file between Labelme and class-index masks, here or in another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenInput
from ..formats.index_mask import read_index_mask
from ..formats.labelme import LabelmeFile, find_image, image_name, labelme_to_annotation, read_labelme
from ..geometry.raster import hidden_pixels, shapes_to_index
from ..geometry.trace import index_to_shapes
from ..scans.images import MOST_PIXELS, encode_png, image_size
from ..shapes import Annotation
from .files import Images, Job, drawn_file, relative_path
from .names import IndexNames
from .preview import Preview

# With more values than this and no given classes, the file is a picture and not a mask.
_MOST_VALUES = 64


@dataclass(slots=True)
class Converted:
    """The result of converting one file, in a form that another process can send.

    Attributes:
        data: The bytes to write; None if it failed.
        error: The reason if it failed.
        notes: Oddities.
        hidden: Number of pixels that the mask hides, None if not counted.
        shown: The frame on the contact sheet.
    """

    data: bytes | None = None
    error: BrokenInput | None = None
    notes: list[str] = field(default_factory=list)
    hidden: int | None = None
    shown: tuple[Annotation, Path | bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A Labelme file and its annotation.

    Attributes:
        file: The file.
        annotation: The shapes of the wanted classes.
        notes: Oddities.
    """

    file: LabelmeFile
    annotation: Annotation
    notes: tuple[str, ...]

    @property
    def size(self) -> dict[str, int]:
        """`height` and `width`, as arguments."""
        return {"height": self.annotation.height, "width": self.annotation.width}

    def image(self, job: Job, folder: Images) -> Path | bytes | None:
        """The image that the file was drawn on, if it can be found."""
        return find_image(self.file, job.source, roots=folder.roots, index=folder.index)[0]


def read_drawn(job: Job, *, names: IndexNames, folder: Images) -> Drawn:
    """Read a job's Labelme file; class ids are the indices of `names`.

    Raises:
        BrokenInput: It cannot be read, or neither file nor image tells its size.
    """
    file = read_labelme(job.source)
    height, width = _frame_size(file, job, folder)
    annotation, notes = labelme_to_annotation(file, resolve=names.index_of, height=height, width=width)
    return Drawn(file, annotation, (*file.notes, *notes))


@dataclass(frozen=True, slots=True)
class Paint:
    """One Labelme file to a mask."""

    names: IndexNames
    folder: Images
    sheet: Preview

    def __call__(self, job: Job) -> Converted:
        """Convert the file; what is wrong with it is in the outcome."""
        done = Converted()
        try:
            drawn = read_drawn(job, names=self.names, folder=self.folder)
            if job.target.parent == job.source.parent and job.target.name == image_name(drawn.file):
                raise BrokenInput(job.name, "its mask would replace its image", "Choose another folder for DST")
            shapes, size = drawn.annotation.shapes, drawn.size
            ids = sorted({shape.class_id for shape in shapes})
            index = shapes_to_index(shapes, paint_order=ids, **size)
            done.hidden = hidden_pixels(shapes, paint_order=ids, **size)
            done.notes += [*drawn.notes, *(["pixels hidden under a higher index"] if done.hidden else [])]
            if self.sheet.wants(job.number):
                done.shown = drawn.annotation, drawn.image(job, self.folder)
            done.data = encode_png(index)
        except BrokenInput as error:
            done.error = error
        return done


@dataclass(frozen=True, slots=True)
class Trace:
    """One mask to a Labelme file."""

    names: IndexNames
    folder: Images | None
    sheet: Preview
    tolerance: float
    most_points: int | None

    def __call__(self, job: Job) -> Converted:
        """Convert the file; what is wrong with it is in the outcome."""
        done = Converted()
        try:
            index = _read_mask(job, self.names, done.notes)
            height, width = index.shape
            shapes = index_to_shapes(index, tolerance=self.tolerance, most_points=self.most_points)
            image = self._image(job, done.notes, height, width)
            annotation = Annotation(height, width, shapes, frozenset(shape.class_id for shape in shapes))
            if self.sheet.wants(job.number):
                done.shown = annotation, image
            labels = self.names.labels_of(shapes)
            done.data = drawn_file(
                annotation, names=labels, image_path=relative_path(image or job.source, job.target.parent)
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
        rows, columns = image_size(image, where=image)
        if (rows, columns) != (height, width):
            what = f"has {width} x {height} pixels, and its image {columns} x {rows}"
            raise BrokenInput(job.name, what, "Use the image that it was made for")
        return image


def _frame_size(file: LabelmeFile, job: Job, folder: Images) -> tuple[int, int]:
    """Rows and columns from the file, or else from its image."""
    if file.height is not None and file.width is not None:
        height, width = file.height, file.width
        if height * width > MOST_PIXELS:
            what = f"says {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million"
            raise BrokenInput(job.name, what, "Correct imageHeight and imageWidth")
        return height, width
    image, _ = find_image(file, job.source, roots=folder.roots, index=folder.index)
    if image is None:
        raise BrokenInput(job.name, "says no size, and its image is not there", "Name the image's folder with --images")
    return image_size(image, where=job.name)


def _read_mask(job: Job, names: IndexNames, notes: list[str]) -> NDArray[np.uint8]:
    """The mask; indices that are no class become 0."""
    try:
        data = job.source.read_bytes()
    except OSError as error:
        raise BrokenInput(job.name, f"cannot be opened ({error.strerror})", "Check its permissions") from error
    index = read_index_mask(data, where=job.name)
    values = [value for value in np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist() if value]
    if names.given is None:
        if len(values) > _MOST_VALUES:
            what = f"has {len(values)} different values, so it is a picture and not a mask"
            raise BrokenInput(job.name, what, "Give the folder of masks, or name the classes with --classes")
        return index
    unknown = [value for value in values if value > len(names.given)]
    if unknown and len(unknown) == len(values):
        what = f"its values are {_some(unknown)}, and --classes names 1 to {len(names.given)}"
        raise BrokenInput(job.name, what, "Name a class for each value, or save the mask with values from 1")
    for value in unknown:
        notes.append(f"index {value} is no class (left out)")
    return np.where(np.isin(index, unknown), np.uint8(0), index)


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:5])) + (" and more" if len(values) > 5 else "")
