"""The conversion of one file between Labelme and class-index masks, here or in another process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import BrokenInput
from ..formats.color_mask import VOID, Colors, has_void, read_color_mask
from ..formats.drawing import Drawing
from ..formats.image_agreement import agreed_size
from ..formats.index_mask import MOST_VALUES, read_class_mask, read_index_mask
from ..formats.labelme import (
    LabelmeFile,
    find_image,
    image_name,
    labelme_to_drawing,
    read_labelme,
    without_labels,
)
from ..formats.labelme_holes import is_unnamed
from ..formats.lost import complete_classes, unread_words
from ..geometry.raster import hidden_classes, hidden_pixels, shapes_to_index
from ..geometry.trace import index_to_shapes
from ..scans.images import encode_png, image_size
from ..shapes import Annotation
from ..wording import quoted
from .files import Images, Job, drawn_file, relative_path, stem_of
from .names import IndexNames
from .outcome import MEND, SHOWN_AS_ABSENT
from .preview import Preview

VOID_LEFT_OUT: Final = "255 is the void border of Pascal VOC (left out; paint it as 0, or as a class)"


@dataclass(slots=True)
class Converted:
    """The result of converting one file, in a form that another process can send.

    Attributes:
        data: The bytes to write; None if it failed.
        error: The reason if it failed.
        notes: Oddities.
        unread: The classes of which `data` lacks something, in words; None if it is whole.
        hidden: Number of pixels that the mask hides, None if not counted.
        shown: The frame on the contact sheet.
    """

    data: bytes | None = None
    error: BrokenInput | None = None
    notes: list[str] = field(default_factory=list)
    unread: str | None = None
    hidden: int | None = None
    shown: tuple[Annotation, Path | bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A Labelme file and its annotation.

    Attributes:
        file: The file.
        drawing: The shapes of the wanted classes. Points and lines take nothing away.
        height: Rows of the image.
        width: Columns of the image.
        notes: Oddities.
        picture: The image that it was drawn on, its path or its content, if it can be found.
    """

    file: LabelmeFile
    drawing: Drawing
    height: int
    width: int
    notes: tuple[str, ...]
    picture: Path | bytes | None

    @property
    def annotation(self) -> Annotation:
        """What is drawn of the classes wanted."""
        return self.drawing.annotation(height=self.height, width=self.width)

    @property
    def hollow(self) -> frozenset[int | None]:
        """The classes that are not complete, so that a mask of the frame would show something as absent."""
        return self.drawing.lost - self.drawing.slips

    def unread(self, names: IndexNames, *, can_say: bool = False) -> str | None:
        """Which classes cannot be written whole, in words; None where all can.

        Args:
            names: Of the classes.
            can_say: Whether what is written can say on what the file itself says is not complete.
        """
        unread = unread_words(self.drawing.unread, names.label)
        told = frozenset() if can_say else self.drawing.told
        if not told:
            return unread
        of = "a class" if None in told else ", ".join(sorted(names.label(k) for k in told if k is not None))
        says = f"{of} is not complete in it"
        return says if unread is None else f"{unread}; {says}"

    @property
    def size(self) -> dict[str, int]:
        """`height` and `width`, as arguments."""
        return {"height": self.height, "width": self.width}


def read_drawn(job: Job, *, names: IndexNames, folder: Images) -> Drawn:
    """Read a job's Labelme file; class ids are the indices of `names`.

    Raises:
        BrokenInput: It cannot be read, or neither file nor image tells its size.
    """
    file = read_labelme(job.source)
    image, notes = find_image(file, job.source, roots=folder.roots, index=folder.index)
    notes_of_size: list[str] = []
    said = file.height, file.width
    height, width = agreed_size(said, image, where=job.name, notes=notes_of_size)

    def unwanted(label: str) -> bool:
        # Without --classes every label is wanted: what could not be read of one is lost, whatever it is called.
        return names.given is not None and names.index_of(label) is None and not is_unnamed(label)

    left_out = dict.fromkeys(shape.label for shape in file.shapes if unwanted(shape.label))
    kept = without_labels(file.without_area_aside, unwanted)
    drawing = labelme_to_drawing(kept, resolve=names.index_of, height=height, width=width)
    drawing = _without_marked(_said(drawing, file, names), file, names)
    told = (f"label {quoted(label)} is no class (left out)" for label in left_out)
    odd = notes if said == (None, None) else ()  # which image was taken matters only for the size
    return Drawn(file, drawing, height, width, (*file.notes, *odd, *notes_of_size, *told, *drawing.notes), image)


def _said(drawing: Drawing, file: LabelmeFile, names: IndexNames) -> Drawing:
    """The drawing, with the classes that are neither drawn nor among those that the file says are complete as lost."""
    complete = complete_classes(file.extra, names.index_of)
    if complete is None:
        return drawing
    drawn = {shape.class_id for shape in drawing.shapes}
    every = None if names.given is None else range(1, len(names.given) + 1)
    more = {None} if every is None else {k for k in every if k not in drawn | complete}
    return replace(drawing, lost=drawing.lost | more, told=drawing.told | (more - drawing.lost))


def _without_marked(drawing: Drawing, file: LabelmeFile, names: IndexNames) -> Drawing:
    """The drawing, with the classes as lost of which there is a point or a line alone: they are there, somewhere."""
    marked = {k for label in file.without_area if label is not None and (k := names.index_of(label)) is not None}
    marked -= {shape.class_id for shape in drawing.shapes}
    return replace(drawing, lost=drawing.lost | marked, told=drawing.told | (marked - drawing.lost))


@dataclass(frozen=True, slots=True)
class Paint:
    """One Labelme file to a mask."""

    names: IndexNames
    folder: Images
    sheet: Preview
    incomplete: bool = False

    def __call__(self, job: Job) -> Converted:
        """Convert the file; what is wrong with it is in the outcome."""
        done = Converted()
        try:
            drawn = read_drawn(job, names=self.names, folder=self.folder)
            if job.target.parent == job.source.parent and job.target.name == image_name(drawn.file):
                raise BrokenInput(job.name, "its mask would replace its image", "Choose another folder for DST")
            done.notes += drawn.notes
            shapes, size = drawn.drawing.shapes, drawn.size
            ids = sorted({shape.class_id for shape in shapes})
            done.unread = drawn.unread(self.names)
            if done.unread is not None and not self.incomplete:
                what = f"{done.unread}; a mask would show it as absent: {job.target.name} was not written"
                raise BrokenInput(job.name, what, MEND)
            index = shapes_to_index(shapes, paint_order=ids, **size)
            done.hidden = hidden_pixels(shapes, paint_order=ids, **size)
            if done.hidden:
                done.notes.append("pixels hidden under a higher index")
                gone = hidden_classes(shapes, paint_order=ids, **size)
                done.notes += [SHOWN_AS_ABSENT.format(self.names.label(k)) for k in sorted(gone)]
            if self.sheet.wants(job.number):
                done.shown = drawn.annotation, drawn.picture
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
    colors: Colors | None = None

    def __call__(self, job: Job) -> Converted:
        """Convert the file; what is wrong with it is in the outcome."""
        done = Converted()
        try:
            index, lost = _read_mask(job, self.names, self.colors, done.notes)
            height, width = index.shape
            shapes = index_to_shapes(index, tolerance=self.tolerance, most_points=self.most_points)
            # With a tolerance, a class of a few pixels may vanish.
            vanished = set(np.unique(index).tolist()) - {0} - {shape.class_id for shape in shapes}
            drawing = Drawing(shapes, lost | vanished).on(height=height, width=width)
            done.notes += drawing.notes
            done.unread = unread_words(drawing.unread, self.names.label)
            image = self._image(job, done.notes, height, width)
            annotation = drawing.annotation(height=height, width=width)
            if self.sheet.wants(job.number):
                done.shown = annotation, image
            labels = {k: self.names.label(k) for k in drawing.lost if k is not None} | self.names.labels_of(shapes)
            done.data = drawn_file(
                annotation,
                names=labels,
                image_path=relative_path(image or job.source, job.target.parent),
                lost=drawing.lost,
            )
        except BrokenInput as error:
            done.error = error
        return done

    def _image(self, job: Job, notes: list[str], height: int, width: int) -> Path | None:
        if self.folder is None:
            return None
        image = self.folder.named(
            stem_of(job.source), place=PurePosixPath(job.name).with_suffix("").as_posix(), without=job.source
        )
        if image is None:
            notes.append("no image of that name (imagePath names the mask)")
            return None
        rows, columns = image_size(image, where=image)
        if (rows, columns) != (height, width):
            what = f"has {width} x {height} pixels, and its image {columns} x {rows}"
            raise BrokenInput(job.name, what, "Use the image that it was made for")
        return image


def _read_mask(
    job: Job, names: IndexNames, colors: Colors | None, notes: list[str]
) -> tuple[NDArray[np.uint8], frozenset[int | None]]:
    """The mask's indices that are classes, and whether something else was in it, of which nobody can tell the class."""
    try:
        data = job.source.read_bytes()
    except OSError as error:
        raise BrokenInput(job.name, f"cannot be opened ({error.strerror})", "Check its permissions") from error
    index = read_color_mask(data, colors=colors, notes=notes, where=job.name)
    is_colored = index is not None
    if index is not None:
        pass
    elif colors is not None:
        what = "holds numbers, several pages, or is transparent, and no colours that --colors could name"
        raise BrokenInput(job.name, what, "Convert it on its own, without --colors")
    elif names.given is None:
        index = read_index_mask(data, where=job.name)
    else:
        ids = range(1, len(names.given) + 1)
        index, odd = read_class_mask(data, class_ids=ids, where=job.name)
        notes.extend(odd)
    values = [value for value in np.flatnonzero(np.bincount(index.ravel(), minlength=256)).tolist() if value]
    void: frozenset[int | None] = frozenset()
    if colors is None and VOID in values and (is_colored or has_void(data)):
        notes.append(VOID_LEFT_OUT)
        void = frozenset([None])
        index = np.where(index == VOID, np.uint8(0), index)
        values.remove(VOID)
    if names.given is None:
        if len(values) > MOST_VALUES:
            what = f"has {len(values)} different values, so it is a picture and not a mask"
            raise BrokenInput(job.name, what, "Give the folder of masks, or name the classes with --classes")
        return index, void
    unknown = [value for value in values if value > len(names.given)]
    if unknown and len(unknown) == len(values):
        what = f"its values are {_some(unknown)}, and --classes names 1 to {len(names.given)}"
        raise BrokenInput(job.name, what, "Name a class for each value, or save the mask with values from 1")
    for value in unknown:
        notes.append(f"index {value} is no class (left out)")
    return np.where(np.isin(index, unknown), np.uint8(0), index), frozenset([None] if unknown else void)


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:5])) + (" and more" if len(values) > 5 else "")
