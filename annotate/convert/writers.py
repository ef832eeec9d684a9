"""Annotated frames as files of any format: what `dmr convert` and `dmr export` write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from ..wording import counted
from .files import Job, check_name, drawn_file, judge_target
from .ours import FRAMES_ENDING, FRAMES_KEY, would_lose
from .outcome import CONVERTING, MEND, Outcome

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
        called: What reports call it.
        spacing_mm: `(row, column)` millimetres a pixel, None where unknown.
        missing: What cannot be written, in words: the frame counts as failed. None where it is whole.
        picture: Its image, which nothing may replace, where it is a file.
    """

    name: str
    annotation: Annotation
    lost: frozenset[int | None]
    image: str
    called: str
    spacing_mm: tuple[float, float] | None = None
    missing: str | None = None
    picture: Path | None = None

    @property
    def size(self) -> dict[str, int]:
        """`height` and `width`, as arguments."""
        return {"height": self.annotation.height, "width": self.annotation.width}

    def lacks(self, class_id: int) -> bool:
        """Whether a class is not complete there."""
        return bool(self.lost & {class_id, None})


@dataclass(frozen=True, slots=True)
class Naming:
    """The classes to write.

    Attributes:
        names: The label of each class id.
        order: Their ids from the lowest layer to the highest.
        every: A class that is not drawn on a frame and complete there has an empty layer.
        incomplete: Write also what the format shows as absent though nobody knows that it is.
    """

    names: Mapping[int, str]
    order: Sequence[int]
    every: bool = True
    incomplete: bool = False

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
        can_say: Its files have a place for the classes that are not complete.
        folders: Each class has a folder, where a frame on which the class is not complete has no file.
    """

    one: Callable[[Labelled, Naming], tuple[Files, list[str]]] | None = None
    all: Callable[[Sequence[Labelled], Naming], Files] | None = None
    folder: str = ""
    can_say: bool = True
    folders: bool = False


def write_frames(
    frames: Iterable[Labelled], *, form: Format, naming: Naming, dst: Path, outcome: Outcome, tell: Tell
) -> None:
    """Write frames, each as soon as it comes; the files of all of them last.

    Nothing is written that shows a class as absent though it is only not complete, unless `naming` asks for it. A frame
    that lacks something counts as failed. What lacks more than what is there does not replace it.

    Args:
        frames: What to write; those that could not be read are in the outcome's report already.
        form: The format.
        naming: The classes.
        dst: The folder.
        outcome: Counts the files.
        tell: Told of each frame.
    """
    _Writing(form, naming, dst, outcome, tell).write(frames)


@dataclass(frozen=True, slots=True)
class _Writing:
    """One conversion's frames on their way into files."""

    form: Format
    naming: Naming
    dst: Path
    outcome: Outcome
    tell: Tell

    def write(self, frames: Iterable[Labelled]) -> None:
        kept: list[Labelled] = []
        write_many(self._each(frames, kept))
        if self.form.folders and self.dst.is_dir():
            self._make_folders()
        if self.form.all is None:
            return
        if not kept:
            self.outcome.report.say("No frame could be converted: nothing was written.")
            return
        files = {self.dst / path: data for path, data in self.form.all(kept, self.naming).items()}
        report = self.outcome.report
        failed = bool(report.failures)
        jobs = {path: Job(0, path, path.name, path) for path in files}
        become = set()
        for path, data in files.items():
            try:
                become.add(judge_target(jobs[path], data))
            except BrokenInput as error:
                report.fail(error)
                become.add("in the way")
        if failed and "replaced" in become and self.form.can_say and (worse := would_lose(files)):
            there = next(path for path in files if path.is_file())
            what = f"holds {counted(worse, 'frames')} that could not be converted now: it was left as it is."
            report.say(f"{there} {what}")
        elif "in the way" not in become:
            write_many({path: data for path, data in files.items() if self.outcome.wants(jobs[path], data)})

    def _make_folders(self) -> None:
        """Make each class's folder: without it, nobody knows that there is a class that is complete nowhere."""
        for name in self.naming.names.values():
            with suppress(BrokenInput):  # told with its frames
                (self.dst / _folder(name, what=name)).mkdir(exist_ok=True)

    def _each(self, frames: Iterable[Labelled], kept: list[Labelled]) -> Iterator[tuple[Path, bytes]]:
        """The files of the frames that are to be written."""
        for number, frame in enumerate(frames):
            if self.form.all is not None:
                kept.append(frame)
            try:
                yield from self._one(number, frame)
            except BrokenInput as error:
                self.outcome.report.fail(error)
            self.tell(CONVERTING, 1, None)

    def _one(self, number: int, frame: Labelled) -> Iterator[tuple[Path, bytes]]:
        """The files of a frame that are to be written."""
        report = self.outcome.report
        if frame.lost and not self.form.can_say and not self.naming.incomplete:
            what = f"{frame.missing or 'a class is not complete'}; its file would show it as absent: none was written"
            raise BrokenInput(frame.called, what, MEND)
        files, notes = self.form.one(frame, self.naming) if self.form.one else ({}, [])
        for note in notes:
            report.note(note, frame.called)
        jobs = {path: Job(number, self.dst, path, self.dst / path) for path in files}
        for path in files:
            check_name(Path(path), what=frame.called)
        if frame.picture is not None and frame.picture.resolve() in {job.target.resolve() for job in jobs.values()}:
            raise BrokenInput(frame.called, "what is written would replace its image", "Choose another folder for DST")
        become = {path: judge_target(jobs[path], data) for path, data in files.items()}  # of a frame all files or none
        if frame.missing is not None:
            lacking = {path for path in files if self._is_lacking(path, frame)}
            stays = would_lose({jobs[path].target: files[path] for path in lacking})
            if stays and any(become[path] == "replaced" for path in lacking):
                files = {path: data for path, data in files.items() if path not in lacking}
                what, remedy = f"{frame.missing}; what is there was left as it is", "Mend it and convert again"
            else:
                what, remedy = frame.missing, "Mend it and convert again: what is written lacks it"
            report.fail(BrokenInput(frame.called, what, remedy))
        for path, data in files.items():
            if self.outcome.wants(jobs[path], data):
                yield jobs[path].target, data

    def _is_lacking(self, path: str, frame: Labelled) -> bool:
        """Whether a file of a frame that lacks something lacks it itself; one of another class's layers does not."""
        whole = {_layer(name, frame) for k, name in self.naming.names.items() if not frame.lacks(k)}
        return not (self.form.folders and path in whole)


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
    notes: list[str] = []
    for class_id, name in naming.names.items():
        own = [s for s in frame.annotation.shapes if s.class_id == class_id]
        lacks = frame.lacks(class_id)
        if own and lacks and not naming.incomplete:
            notes.append(f"outlines of {name}, which is not complete (left out)")
        elif own or (naming.every and not lacks):
            _folder(name, what=frame.called)
            mask = polygons_to_mask(own, **frame.size)
            files[_layer(name, frame)] = encode_png(mask.view(np.uint8) * np.uint8(255))
    return files, notes


def _layer(name: str, frame: Labelled) -> str:
    return f"{name}/{frame.name}.png"


def _folder(name: str, *, what: str) -> str:
    """A class's name as that of its folder. Raises BrokenInput where it can be none."""
    if Path(name).name != name or name in (".", "..") or not name.isprintable():
        raise BrokenInput(what, f"its label {name!r} cannot be the name of a folder", "Rename it with --classes")
    check_name(Path(name), what=what)
    return name


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


def _coco(frames: Sequence[Labelled], naming: Naming, *, name: str = "annotations.json", rle: bool = False) -> Files:
    lost = {f.image: f.lost for f in frames}
    content = to_coco(((f.image, f.annotation) for f in frames), naming.names, rle=rle, lost=lost)
    # A file name that is not Unicode has lone surrogates in Python. JSON escapes them in the same spelling.
    return {name: canonical_json(content).encode("utf-8", errors="backslashreplace")}


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


def coco_named(name: str, *, rle: bool) -> Format:
    """COCO under another name than `annotations.json`, with every structure as run lengths or as outlines."""
    return Format(all=lambda frames, naming: _coco(frames, naming, name=name, rle=rle))


FORMATS: Final[Mapping[str, Format]] = {
    "labelme": Format(_labelme),
    "mask": Format(_mask, folder="masks", can_say=False),
    "layers": Format(_layers, folder="layers", folders=True),
    "coco": Format(all=_coco),
    "yolo": Format(_yolo, _yolo_names, can_say=False),
    "nifti": Format(all=_nifti),
    "instances": Format(_instances, folder="instances"),
}
"""What can be written, by name."""
