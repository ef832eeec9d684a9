"""Annotated frames as files of any format: what `dmr convert` and `dmr export` write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import BrokenInput
from ..formats.coco import to_coco
from ..formats.instance_mask import TABLE_ENDING, instance_png, instance_table, shapes_to_instances
from ..formats.lost import lost_entry
from ..formats.nifti import nifti_volume
from ..formats.yolo import shapes_to_yolo, yolo_names
from ..geometry.raster import hidden_pixels, polygons_to_mask, shapes_to_index
from ..progress.tell import Tell
from ..scans.images import encode_png
from ..shapes import Annotation
from ..system.canonical import canonical_json
from ..system.store import write_many
from .files import Job, check_name, drawn_file, judge_target
from .ours import FRAMES_ENDING, FRAMES_KEY
from .outcome import CONVERTING, Outcome

Files = dict[str, bytes]
"""Contents by path below DST, POSIX."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A frame to write.

    Attributes:
        name: Of its files, without an ending, POSIX.
        annotation: What is drawn on it.
        lost: The classes that are not complete there, as in `Drawing.lost`.
        image: Its image, as a Labelme file or a COCO data set shall name it.
        spacing_mm: `(row, column)` millimetres a pixel, None where unknown.
        missing: What could not be read, in words: the frame counts as failed. None where it is whole.
    """

    name: str
    annotation: Annotation
    lost: frozenset[int | None]
    image: str
    spacing_mm: tuple[float, float] | None = None
    missing: str | None = None

    @property
    def size(self) -> dict[str, int]:
        """`height` and `width`, as arguments."""
        return {"height": self.annotation.height, "width": self.annotation.width}


@dataclass(frozen=True, slots=True)
class Naming:
    """The classes to write.

    Attributes:
        names: The label of each class id.
        order: Their ids from the lowest layer to the highest.
        every: A class that is not drawn on a frame and complete there has an empty layer.
    """

    names: Mapping[int, str]
    order: Sequence[int]
    every: bool = True

    @property
    def numbers(self) -> dict[int, int]:
        """The place of each class id among the names, from 0."""
        return {class_id: place for place, class_id in enumerate(sorted(self.names))}


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is written.

    Attributes:
        one: The files of a frame, and what is odd about them; None where a frame has none of its own.
        all: The files of all frames together.
        folder: Below an export's folder, for the files of the frames.
    """

    one: Callable[[Labelled, Naming], tuple[Files, list[str]]] | None = None
    all: Callable[[Sequence[Labelled], Naming], Files] | None = None
    folder: str = ""


def write_frames(
    frames: Iterable[Labelled], *, form: Format, naming: Naming, dst: Path, outcome: Outcome, tell: Tell
) -> None:
    """Write frames, each as soon as it comes; the files of all of them last.

    A frame that lacks something counts as failed and replaces nothing. The files of all frames replace nothing where
    any failed.

    Args:
        frames: What to write; those that could not be read are in the outcome's report already.
        form: The format.
        naming: The classes.
        dst: The folder.
        outcome: Counts the files.
        tell: Told of each frame.
    """
    kept: list[Labelled] = []
    write_many(_each(frames, kept, form=form, naming=naming, dst=dst, outcome=outcome, tell=tell))
    if form.all is None or not kept:
        return
    for path, data in form.all(kept, naming).items():
        try:
            job = Job(0, dst, path, dst / path)
            if outcome.report.failures and judge_target(job, data) == "replaced":
                outcome.report.say(f"{dst / path} was left as it is, for frames are missing or lack something.")
            elif outcome.wants(job, data):
                write_many({dst / path: data})
        except BrokenInput as error:
            outcome.report.fail(error)


def _each(
    frames: Iterable[Labelled],
    kept: list[Labelled],
    *,
    form: Format,
    naming: Naming,
    dst: Path,
    outcome: Outcome,
    tell: Tell,
) -> Iterator[tuple[Path, bytes]]:
    """The files of the frames that are to be written."""
    for number, frame in enumerate(frames):
        report = outcome.report
        if form.all is not None:
            kept.append(frame)
        if frame.missing is not None:
            report.fail(BrokenInput(frame.name, frame.missing, "Mend it and convert again: what is written lacks it"))
        try:
            files, notes = form.one(frame, naming) if form.one else ({}, [])
            for note in notes:
                report.note(note, frame.name)
            jobs = [(Job(number, dst, path, dst / path), data) for path, data in files.items()]
            for path in files:
                check_name(Path(path), what=frame.name)
            become = {judge_target(job, data) for job, data in jobs}  # all or none of a frame's files
            if frame.missing is not None and "replaced" in become:
                report.note("left as it is, for what would replace it lacks something", frame.name)
                jobs = []
            for job, data in jobs:
                if outcome.wants(job, data):
                    yield job.target, data
        except BrokenInput as error:
            report.fail(error)
        tell(CONVERTING, 1, None)


def _labelme(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    data = drawn_file(frame.annotation, names=naming.names, image_path=frame.image, lost=frame.lost)
    return {f"{frame.name}.json": data}, []


def _mask(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    index = shapes_to_index(frame.annotation.shapes, paint_order=naming.order, **frame.size)
    notes = _hidden(frame, naming)
    return {f"{frame.name}.png": encode_png(index)}, notes


def _hidden(frame: Labelled, naming: Naming) -> list[str]:
    hidden = hidden_pixels(frame.annotation.shapes, paint_order=naming.order, **frame.size)
    return ["pixels hidden under a higher class"] if hidden else []


def _layers(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    files: Files = {}
    for class_id, name in naming.names.items():
        own = [s for s in frame.annotation.shapes if s.class_id == class_id]
        if own or (naming.every and not frame.lost & {class_id, None}):
            mask = polygons_to_mask(own, **frame.size)
            files[f"{name}/{frame.name}.png"] = encode_png(mask.view(np.uint8) * np.uint8(255))
    return files, []


def _yolo(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    text, cut = shapes_to_yolo(frame.annotation.shapes, numbers=naming.numbers, **frame.size)
    notes = ["an outline reaches past the frame (cut off there)"] if cut else []
    if any(s.hole for s in frame.annotation.shapes):
        notes.append("holes are joined to their outlines by a seam")
    return {f"labels/{frame.name}.txt": text.encode("ascii")}, notes


def _yolo_names(_: Sequence[Labelled], naming: Naming) -> Files:
    return {"data.yaml": yolo_names([naming.names[k] for k in sorted(naming.names)]).encode("utf-8")}


def _instances(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    try:
        numbers, ids, hidden = shapes_to_instances(frame.annotation.shapes, order=naming.order, **frame.size)
    except ValueError as error:
        raise BrokenInput(frame.name, f"has {error}, more than 16 bits hold", "Convert it as COCO") from error
    table = instance_table(ids, names=naming.names, lost=frame.lost)
    notes = ["pixels hidden under another instance"] if hidden else []
    return {f"{frame.name}.png": instance_png(numbers), f"{frame.name}{TABLE_ENDING}": table}, notes


def _coco(frames: Sequence[Labelled], naming: Naming) -> Files:
    content = to_coco(((f.image, f.annotation) for f in frames), naming.names, lost={f.image: f.lost for f in frames})
    return {"annotations.json": canonical_json(content).encode("utf-8", errors="backslashreplace")}


def _nifti(frames: Sequence[Labelled], naming: Naming, *, base: str = "labels") -> Files:
    """A volume for each size of frames, and a list of its frames beside it."""
    sizes: dict[tuple[int, int], list[Labelled]] = defaultdict(list)
    for frame in frames:
        sizes[frame.annotation.height, frame.annotation.width].append(frame)
    files: Files = {}
    for (height, width), group in sizes.items():
        name = base if len(sizes) == 1 else f"{base}_{width}x{height}"
        slices = [shapes_to_index(f.annotation.shapes, paint_order=naming.order, **f.size) for f in group]
        spacings = {f.spacing_mm for f in group}
        spacing = next(iter(spacings)) if len(spacings) == 1 else None
        rows = [
            {
                "name": f.name,
                "spacing_mm": None if f.spacing_mm is None else list(f.spacing_mm),
                **lost_entry(f.lost, naming.names),
            }
            for f in group
        ]
        table = {FRAMES_KEY: rows, "classes": {str(k): naming.names[k] for k in sorted(naming.names)}}
        files[f"{name}.nii.gz"] = nifti_volume(slices, spacing_mm=spacing)
        files[f"{name}{FRAMES_ENDING}"] = canonical_json(table).encode("utf-8", errors="backslashreplace")
    return files


def nifti_named(base: str) -> Format:
    """NIfTI under another name than `labels`."""
    return Format(all=lambda frames, naming: _nifti(frames, naming, base=base))


FORMATS: Final[Mapping[str, Format]] = {
    "labelme": Format(_labelme),
    "mask": Format(_mask, folder="masks"),
    "layers": Format(_layers, folder="layers"),
    "coco": Format(all=_coco),
    "yolo": Format(_yolo, _yolo_names),
    "nifti": Format(all=_nifti),
    "instances": Format(_instances, folder="instances"),
}
"""What can be written, by name."""
