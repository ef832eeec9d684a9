"""The formats that `dmr convert` and `dmr export` write, by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import BrokenInput, UsageError
from ..formats.coco import to_coco
from ..formats.instance_mask import TABLE_ENDING, instance_png, instance_table, shapes_to_instances
from ..formats.lost import lost_entry
from ..formats.nifti import nifti_volume
from ..formats.yolo import HEADER, YOLO_LIST, read_yolo_names, shapes_to_yolo, yolo_names
from ..geometry.raster import hidden_pixels, polygons_to_mask, shapes_to_index
from ..scans.images import encode_png
from ..system.canonical import canonical_json
from .files import drawn_file
from .foreign import bytes_of
from .ours import FRAMES_ENDING
from .writing import Files, Format, Labelled, Naming, class_folder, layer_file
from .written import FRAMES_KEY, YOLO_NAMES


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
            class_folder(name, what=frame.called)
            mask = polygons_to_mask(own, **frame.size)
            files[layer_file(name, frame)] = encode_png(mask.view(np.uint8) * np.uint8(255))
    return files, notes


def _yolo(frame: Labelled, naming: Naming) -> tuple[Files, list[str]]:
    text, cut = shapes_to_yolo(frame.annotation.shapes, numbers=naming.numbers, **frame.size)
    notes = ["an outline reaches past the frame (cut off there)"] if cut else []
    if any(s.hole for s in frame.annotation.shapes):
        notes.append("holes are joined to their outlines by a seam")
    return {f"labels/{frame.name}.txt": text.encode("ascii")}, notes


def _yolo_names(_: Sequence[Labelled], naming: Naming) -> Files:
    return {YOLO_NAMES: yolo_names([naming.names[k] for k in sorted(naming.names)]).encode("utf-8")}


def _check_yolo_numbers(dst: Path, naming: Naming) -> None:
    """Make sure that the numbers in the files that are there mean the same as in those to come. Raises UsageError."""
    path = dst / YOLO_NAMES
    tables = (dst / name for name in (YOLO_NAMES, "data.yml", YOLO_LIST, f"labels/{YOLO_LIST}"))
    table = next((found for found in tables if found.is_file()), None)
    if table is None:
        if (dst / "labels").is_dir() and any((dst / "labels").rglob("*.txt")):
            what = f"holds texts, and no {YOLO_NAMES} of dmr says which classes their numbers mean"
            raise UsageError(dst / "labels", what, "Choose another folder for DST")
        return
    text = bytes_of(table).decode("utf-8", errors="replace")
    if table != path or not text.startswith(HEADER):
        what = "was not written by dmr, so the numbers of its data set may mean other classes"
        raise UsageError(table, what, "Choose another folder for DST")
    there = read_yolo_names(text, where=path)
    if there != [naming.names[k] for k in sorted(naming.names)][: len(there)]:
        what = f"has the classes {', '.join(there)} in this order, and the new files would have another one"
        raise UsageError(path, what, "Name them first in --classes, or choose another folder")


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
    return Format(all=lambda frames, naming: _nifti(frames, naming, base=base), is_flat=True)


def coco_named(name: str, *, rle: bool) -> Format:
    """COCO under another name than `annotations.json`, with every structure as run lengths or as outlines."""
    return Format(all=lambda frames, naming: _coco(frames, naming, name=name, rle=rle))


FORMATS: Final[Mapping[str, Format]] = {
    "labelme": Format(_labelme),
    "mask": Format(_mask, folder="masks", can_say=False, is_flat=True),
    "layers": Format(_layers, folder="layers", folders=True),
    "coco": Format(all=_coco),
    "yolo": Format(_yolo, _yolo_names, can_say=False, check=_check_yolo_numbers),
    "nifti": Format(all=_nifti, is_flat=True),
    "instances": Format(_instances, folder="instances", is_flat=True),
}
"""What can be written, by name."""
