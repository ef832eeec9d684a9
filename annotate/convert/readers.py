"""Frames of YOLO, NIfTI and instance masks, as `to_labelme` takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import BrokenInput, UsageError
from ..formats.drawing import Drawing
from ..formats.image_agreement import agreed_size
from ..formats.instance_mask import (
    TABLE_ENDING,
    instances_to_drawing,
    read_instance_png,
    read_instance_table,
)
from ..formats.labelme_holes import is_unnamed
from ..formats.lost import lost_labels
from ..formats.nifti import ENDINGS, is_our_volume, read_nifti
from ..formats.strict_json import unique_keys
from ..formats.yolo import YOLO_LIST, read_yolo_list, read_yolo_names, yolo_to_drawing
from ..geometry.trace import index_to_shapes
from ..report import Report
from ..scans.discover import files_below
from ..wording import counted
from .files import as_file
from .foreign import Foreign, Reading, bytes_of
from .left_out import tell_halves
from .names import IndexNames
from .ours import FRAMES_ENDING
from .written import FRAMES_KEY

_ANEW: Final = "Export the volume anew; without its list nobody knows what is complete in it"


def read_yolo(reading: Reading) -> tuple[IndexNames, Iterator[Foreign]]:
    """The classes and frames of a folder of YOLO's text files. Raises UsageError where there is none."""
    root = reading.src if reading.src.is_dir() else reading.src.parent
    folders = (root, root.parent, root / "labels")
    tables = (folder / name for name in ("data.yaml", YOLO_LIST) for folder in folders)
    table = next((p for p in tables if p.is_file()), None)
    if table is not None:
        text = bytes_of(table).decode("utf-8-sig", errors="replace")
        labels = (read_yolo_list if table.name == YOLO_LIST else read_yolo_names)(text, where=table)
        names = reading.names(labels)
    elif reading.classes is not None:  # in the order of YOLO's numbers, as of a mask's values
        names = IndexNames(reading.classes)
        labels = list(names.given or ())
    else:
        raise UsageError(
            reading.src,
            f"has no data.yaml and no {YOLO_LIST}",
            "Name the classes in the order of their numbers: --classes",
        )
    base = root / "labels" if (root / "labels").is_dir() else root
    texts = files_below([base if reading.src.is_dir() else reading.src], frozenset({".txt"}), report=reading.report)
    texts = [path for path in texts if path.name.lower() != YOLO_LIST]
    if not texts:
        raise UsageError(reading.src, "holds no .txt file", "Name the folder of the data set")

    def frames() -> Iterator[Foreign]:
        for path in texts:
            name = path.relative_to(base if reading.src.is_dir() else path.parent).with_suffix("").as_posix()
            try:
                image = reading.folder.named(path.stem, place=name)
                if image is None:
                    what = "its image is not there, and YOLO's files do not say a size"
                    raise BrokenInput(name, what, "Name the image's folder with --images")
                height, width = agreed_size((None, None), image, where=name)
                text = bytes_of(path).decode("utf-8-sig", errors="replace")
                ids = [names.index_of(label) for label in labels]
                nameless = frozenset(k for k, label in enumerate(labels) if is_unnamed(label))
                drawing = yolo_to_drawing(text, class_ids=ids, height=height, width=width, nameless=nameless)
                yield Foreign(name, drawing, height, width, path)
            except BrokenInput as error:
                reading.refuse(name, error)

    return names, frames()


def read_nifti_volumes(reading: Reading) -> tuple[IndexNames, Iterator[Foreign]]:
    """The classes of NIfTI volumes, and their slices. Raises UsageError where there is none."""
    volumes = files_below([reading.src], frozenset({".gz", ".nii"}), report=reading.report)
    every = [path for path in volumes if path.name.lower().endswith(ENDINGS)]
    if not every:
        raise UsageError(reading.src, "holds no .nii.gz or .nii file", "Name the volume, or its folder")
    tables = {path: table for path in every if (table := _frames_table(path, reading.report)) is not None}
    listed = sorted({(int(k), v) for table in tables.values() for k, v in table.get("classes", {}).items()})
    names = reading.names([label for _, label in listed]) if listed else IndexNames(reading.classes)
    if names.given is None:
        raise UsageError(reading.src, "does not say which classes its values are", "Name them in order: --classes")

    def frames() -> Iterator[Foreign]:
        for path, table in tables.items():
            try:
                data = bytes_of(path)
                if not table and is_our_volume(data):
                    what = f"lacks its list NAME{FRAMES_ENDING}: without it nobody knows what is complete in it"
                    raise BrokenInput(path.name, what, "Put it beside the volume, or convert the source anew")
                slices, _ = read_nifti(data, where=path.name)
                rows = _rows(table, len(slices), where=path.name)
                by_value = _by_value(table, reading, names, where=path.name)
            except BrokenInput as error:
                reading.report.fail(error)
                named = (row.get("name") for row in table.get(FRAMES_KEY, ()) if isinstance(row, dict))
                reading.refused.update(as_file(name) for name in named if isinstance(name, str))
                continue
            stem = next(path.name[: -len(e)] for e in ENDINGS if path.name.lower().endswith(e))
            for k, index in enumerate(slices):
                row = rows[k]
                name = row.get("name")
                called = name if isinstance(name, str) and _is_plain(name) else f"{stem}_{k + 1:04d}"
                drawing = _of_index(index, by_value, names, reading.lost(lost_labels(row), names))
                yield Foreign(called, drawing, index.shape[0], index.shape[1], path)

    return names, frames()


def _rows(table: Mapping[str, Any], slices: int, *, where: str) -> list[dict[str, Any]]:
    """What the list of frames says of each slice. Raises BrokenInput where it is not one entry a slice."""
    rows = table.get(FRAMES_KEY) if table else [{}] * slices
    if not isinstance(rows, list) or len(rows) != slices:
        number = counted(len(rows), "rows") if isinstance(rows, list) else "no rows"
        raise BrokenInput(where, f"its list of frames has {number}, and it has {slices} slices", _ANEW)
    if (odd := next((k for k, row in enumerate(rows, 1) if not isinstance(row, dict)), None)) is not None:
        raise BrokenInput(where, f"row {odd} of its list of frames is no object", _ANEW)
    return rows


def _by_value(table: Mapping[str, Any], reading: Reading, names: IndexNames, *, where: str) -> dict[int, str]:
    """The label of each value: of its own list, or else as `--classes` orders them. Raises BrokenInput."""
    if table:
        return {int(k): str(v) for k, v in table["classes"].items()}
    if reading.classes is None:
        what = "has no list of frames beside it, so nobody knows which classes its values are"
        raise BrokenInput(where, what, "Name them in order with --classes, or put its list beside it")
    return dict(enumerate(names.given or (), 1))


def _of_index(
    index: np.ndarray[Any, np.dtype[np.uint8]],
    by_value: Mapping[int, str],
    names: IndexNames,
    told: frozenset[int | None],
) -> Drawing:
    """The outlines of a slice, of which the list of frames says which classes are not complete."""
    table = np.zeros(256, np.uint8)
    for value, label in by_value.items():
        table[value] = names.index_of(label) or 0
    unknown = [v for v in np.unique(index).tolist() if v and is_unnamed(by_value.get(v, ""))]
    notes = tuple(f"index {value} is no class (left out)" for value in unknown)
    unread = frozenset({None} if unknown else ())
    return Drawing(index_to_shapes(table[index]), unread | told, notes, told=told - unread)


def read_instances(reading: Reading) -> tuple[IndexNames, Iterator[Foreign]]:
    """The classes and frames of instance masks with their tables. Raises UsageError where there is none."""
    pictures = files_below([reading.src], frozenset({".png"}), report=reading.report)
    masks = [path for path in pictures if _table_of(path).is_file()]
    if not masks:
        raise UsageError(reading.src, f"holds no PNG with its table NAME{TABLE_ENDING}", "Name the folder of both")
    base = reading.src if reading.src.is_dir() else reading.src.parent

    def name_of(path: Path) -> str:
        return path.relative_to(base).with_suffix("").as_posix()

    if reading.src.is_dir():
        reading.refused.update(map(as_file, tell_halves(base, masks, reading.report)))

    tables: dict[Path, tuple[dict[int, str], tuple[str | None, ...], int]] = {}
    for path in masks:
        try:
            tables[path] = read_instance_table(bytes_of(_table_of(path)), where=_table_of(path).name)
        except BrokenInput as error:
            reading.refuse(name_of(path), error)
    names = reading.names(
        [label for labels, lost, _ in tables.values() for label in (*labels.values(), *lost) if label]
    )

    def frames() -> Iterator[Foreign]:
        for path, (labels, lost, odd) in tables.items():
            try:
                numbers = read_instance_png(bytes_of(path), where=path.name)
            except BrokenInput as error:
                reading.refuse(name_of(path), error)
                continue
            told = reading.lost(lost, names)
            drawing = instances_to_drawing(numbers, labels, resolve=names.index_of, told=told, unread_rows=odd)
            yield Foreign(name_of(path), drawing, numbers.shape[0], numbers.shape[1], path)

    return names, frames()


def _table_of(mask: Path) -> Path:
    return mask.with_name(f"{mask.stem}{TABLE_ENDING}")


def _frames_table(volume: Path, report: Report) -> dict[str, Any] | None:
    """The list of frames beside a volume; empty if there is none, None if it cannot be read."""
    stem = next(volume.name[: -len(e)] for e in ENDINGS if volume.name.lower().endswith(e))
    path = volume.with_name(f"{stem}{FRAMES_ENDING}")
    if not path.is_file():
        return {}
    try:
        content = json.loads(bytes_of(path).decode("utf-8-sig"), object_pairs_hook=unique_keys)
        classes = content["classes"] if isinstance(content, dict) else None
        good = isinstance(classes, dict) and all(_is_value(k) and isinstance(v, str) for k, v in classes.items())
        if good and isinstance(content.get(FRAMES_KEY), list):
            return dict(content)
    except (ValueError, KeyError, RecursionError):
        pass
    report.fail(BrokenInput(path, "is no list of frames", _ANEW))
    return None


def _is_value(text: str) -> bool:
    """Whether a text is a class's value in a volume, in its only spelling."""
    return re.fullmatch("[1-9][0-9]{0,2}", text) is not None and int(text) <= 255


def _is_plain(name: str) -> bool:
    """Whether a name stays below a folder."""
    parts = name.split("/")
    return name.isprintable() and "\\" not in name and ":" not in name and not {"", ".", ".."} & set(parts)
