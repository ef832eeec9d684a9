"""`dmr check`: list what is wrong or odd in Labelme files, without changing anything."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from ..errors import BrokenInput, UsageError
from ..formats.drawing import Drawing
from ..formats.image_agreement import check_size
from ..formats.labelme import (
    SHAPES_IGNORED,
    LabelmeFile,
    find_image,
    labelme_to_drawing,
    read_labelme,
    without_labels,
)
from ..formats.labelme_holes import is_unnamed
from ..formats.labelme_image import images_by_stem
from ..formats.lost import unread_words
from ..geometry.raster import polygons_to_mask
from ..hiding import seen_labels
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES, decode_frames, read_frames
from ..scans.sector import find_sector
from ..settings.model import PATIENT_UNKNOWN, Settings
from ..shapes import Annotation, Frame, Ring, Shape, ring_area
from ..wording import quoted
from .outside_frame import UNREAD_REMEDY

_SLIVER: Final = 0.04  # 4 pi area / length²: 1 is a circle, 0.04 is a strip 75 times as long as wide
_SPECK: Final = 12.0  # px²
_TWICE: Final = 0.8  # IoU of two outlines of one class
_OUTSIDE: Final = 0.2  # share of an outline's area outside the sector
_USUAL: Final = 0.8  # a class is missed if it is on this share of the patient's other frames,
_LEAST_FRAMES: Final = 4  # and the patient has more frames than this
_PATIENT: Final = r"^(?P<patient>\d+)_"  # the patient pattern outside a workspace


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that can be read.

    Attributes:
        name: The file's name.
        patient: The patient that the pattern finds in the name, or None.
        labels: The labels of its shapes.
    """

    name: str
    patient: str | None
    labels: frozenset[str]


def check_outlines(
    paths: Sequence[Path], *, settings: Settings | None, images: bool = True, report: Report, tell: Tell = silent
) -> None:
    """Check whether Labelme files can be read, and what in them is odd.

    Args:
        paths: Files and folders.
        settings: The workspace's aliases and patient pattern; None outside a workspace, where each spelling is a label
            of its own.
        images: Read the images too, to check their size and sector.
        report: Gets a failure for each file that cannot be used, and a note for each oddity.
        tell: Gets the progress.

    Raises:
        UsageError: There is no Labelme file.
    """
    files = files_below(paths, frozenset({".json"}), report=report)
    if not files:
        raise UsageError(paths[0], "holds no Labelme file", "Name the folder that holds them")
    pictures = images_by_stem(files_below(paths, IMAGE_SUFFIXES))
    one = _Check(settings, [p if p.is_dir() else p.parent for p in paths], pictures, images, report)
    found: list[Checked] = []
    report.count("files checked", 0)
    for path in files:
        report.count("files checked")
        try:
            found.append(one.file(path))
        except BrokenInput as error:
            report.fail(error)
        tell("Checking", 1, len(files))
    _missing(found, report)
    if not report.failures and not report.oddities:
        report.say("Nothing is wrong.")


@dataclass(frozen=True, slots=True)
class _Check:
    """Checks one file after another.

    Attributes:
        settings: The workspace's settings, None outside a workspace.
        roots: Folders in which images are searched.
        pictures: Images by their names without ending.
        images: Whether images are read.
        report: Gets the oddities.
    """

    settings: Settings | None
    roots: Sequence[Path]
    pictures: Mapping[str, Sequence[Path]]
    images: bool
    report: Report

    def file(self, path: Path) -> Checked:
        """Check a file. Raises BrokenInput if it cannot be used."""
        file = self._wanted(read_labelme(path))
        image, notes = find_image(file, path, roots=self.roots, index=self.pictures)
        sizeless = file.height is None or file.width is None
        frame = _frame(image, path) if sizeless and image is not None and self.images else None
        drawing, ids, size = _drawing(file, self._canonical, frame)
        annotation = drawing.annotation(height=size["height"], width=size["width"])
        shown = frozenset(label for shape in file.shapes if (label := self._canonical(shape.label)) in ids)
        seen_labels(ids)
        for note in (*file.notes, *notes, *drawing.notes):
            self.report.note(note, path.name)
        if drawing.lost and (words := self._unread(file, drawing, ids, size)) is not None:
            self.report.fail(BrokenInput(path.name, words, UNREAD_REMEDY))
        _smells(annotation, {k: label for label, k in ids.items()}, path.name, self.report)
        for label in sorted(shown):
            if self.settings is not None and self.settings.classes.class_id(label) is None:
                self.report.note(f"label {quoted(label)} is no class of this workspace", path.name)
        if image is None and self.images:
            raise BrokenInput(path.name, "its image is not there", "Name its folder too, or put it beside the file")
        if image is not None and self.images:
            _against_image(annotation, file, frame or _frame(image, path), path.name, self.report)
        patient = self._patient(path.stem)
        if self.settings is not None and not patient:
            self.report.note(PATIENT_UNKNOWN, path.name)
        return Checked(path.name, patient, shown)

    def _wanted(self, file: LabelmeFile) -> LabelmeFile:
        """The file without ignored shapes, which are counted."""
        if self.settings is None:
            return file
        kept = without_labels(file, self.settings.imports.ignores)
        if left_out := len(file.shapes) - len(kept.shapes):
            self.report.count(SHAPES_IGNORED, left_out)
        return kept

    def _unread(self, file: LabelmeFile, drawing: Drawing, ids: dict[str, int], size: dict[str, int]) -> str | None:
        """What could not be read, in words, as an import would find it; None if all could."""
        if self.settings is None:
            labels = {class_id: label for label, class_id in ids.items()}
            return unread_words(drawing.unread, labels.__getitem__)
        classes = self.settings.classes
        unread = labelme_to_drawing(file, resolve=classes.class_id, **size).unread
        unread -= {None} if self.settings.imports.ignores("") else set()
        return unread_words(unread, {c.id: c.name for c in classes}.__getitem__)

    def _canonical(self, label: str) -> str:
        """The name of a label's class, or the label itself."""
        known = None if self.settings is None else self.settings.classes.find(label)
        return known.name if known else label.strip()

    def _patient(self, stem: str) -> str | None:
        pattern = _PATIENT if self.settings is None else self.settings.imports.patient
        found = re.search(pattern, stem) if pattern else None
        return found.groupdict().get("patient") if found else None


def _drawing(
    file: LabelmeFile, canonical: Callable[[str], str], frame: Frame | None
) -> tuple[Drawing, dict[str, int], dict[str, int]]:
    """The file's shapes, with each label as a class of its own; the classes' ids by label; the size of the frame."""
    ids: dict[str, int] = {}
    for label in (*(shape.label for shape in file.shapes), *file.without_area_aside.lost):
        if label is not None and not is_unnamed(label):
            ids.setdefault(canonical(label), len(ids) + 1)
    height = file.height or (1 << 20 if frame is None else frame.height)
    width = file.width or (1 << 20 if frame is None else frame.width)
    drawing = labelme_to_drawing(file, resolve=lambda text: ids.get(canonical(text)), height=height, width=width)
    return drawing, ids, {"height": height, "width": width}


def _frame(image: Path | bytes, path: Path) -> Frame:
    if isinstance(image, bytes):
        return next(decode_frames(image, where=path, source_sha256="0" * 64))
    return next(read_frames(image))


def _smells(annotation: Annotation, labels: dict[int, str], name: str, report: Report) -> None:
    """Note oddities that the outlines show without the image."""
    for shape in annotation.shapes:
        area, length = ring_area(shape.points), _length(shape.points)
        if area < _SPECK:
            report.note(f"an outline of {labels[shape.class_id]} is a speck", name)
        elif length and 4 * math.pi * area / length**2 < _SLIVER:
            report.note(f"an outline of {labels[shape.class_id]} is a sliver", name)
    for class_id in sorted({s.class_id for s in annotation.shapes}):
        if _drawn_twice([s.points for s in annotation.shapes if s.class_id == class_id and not s.hole]):
            report.note(f"{labels[class_id]} is drawn twice in one place", name)


def _against_image(annotation: Annotation, file: LabelmeFile, frame: Frame, name: str, report: Report) -> None:
    """Note oddities that need the image. Raises BrokenInput if its size does not fit."""
    check_size((file.height, file.width), (frame.height, frame.width), where=name)
    for note in frame.notes:
        report.note(note, name)
    sector = find_sector(frame.pixels)
    if sector is None:
        report.note("no sector is found in the image", name)
        return
    size = {"height": frame.height, "width": frame.width}
    inside = polygons_to_mask([Shape(1, sector)], **size)
    for shape in annotation.shapes:
        mask = polygons_to_mask([shape], **size) if not shape.hole else inside
        if np.count_nonzero(mask & ~inside) > _OUTSIDE * max(1, np.count_nonzero(mask)):
            report.note("an outline lies outside the sector", name)
            break


def _missing(files: Sequence[Checked], report: Report) -> None:
    """Note classes that are drawn on a patient's other frames, but not on this one."""
    by_patient: dict[str, list[Checked]] = defaultdict(list)
    for file in files:
        if file.patient is not None:
            by_patient[file.patient].append(file)
    for group in by_patient.values():
        if len(group) <= _LEAST_FRAMES:
            continue
        shown = Counter(label for file in group for label in file.labels)
        for file in group:
            for label, times in sorted(shown.items()):
                if label not in file.labels and times >= _USUAL * (len(group) - 1):
                    report.note(f"{label} is not drawn, and is on this patient's other frames", file.name)


def _length(ring: Ring) -> float:
    return sum(math.dist(a, b) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True))


def _drawn_twice(rings: Sequence[Ring]) -> bool:
    """Whether two of the outlines are nearly the same."""
    polygons = shapely.make_valid(np.array([shapely.Polygon(ring) for ring in rings], dtype=object))
    tree = shapely.STRtree(polygons)
    for k, polygon in enumerate(polygons):
        for other in tree.query(polygon):
            if other <= k:
                continue
            union = polygon.union(polygons[other]).area
            if union and polygon.intersection(polygons[other]).area / union > _TWICE:
                return True
    return False
