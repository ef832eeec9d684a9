"""Labelme files and masks of other tools' packages, as `dmr` reads them and as another library does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from labelme import LabelFile  # type: ignore[import-untyped]
from labelme.utils import shapes_to_label  # type: ignore[import-untyped]
from loguru import logger
from numpy.typing import NDArray
from PIL import Image

from dmr.annotate.convert.masks import mask_to_labelme
from dmr.annotate.convert.options import Options
from dmr.annotate.formats.labelme import LabelmeShape, labelme_to_drawing, read_labelme
from dmr.annotate.formats.labelme_outlines import outlines
from dmr.annotate.geometry.raster import polygons_to_mask, shapes_to_index
from dmr.annotate.oddities import kinds
from dmr.annotate.report import Report
from dmr.annotate.shapes import Shape

logger.disable("labelme")
# px from an outline, for pixels that only one of the two paints: labelme moves corners to whole pixels, by half a
# diagonal at most, and paints the border too.
FAR_OURS: Final = 0.5**0.5
FAR_THEIRS: Final = 2**0.5
SHOWN: Final = 3


@dataclass(slots=True)
class Compared:
    """What a comparison found: files read and refused, what was told of them, outlines, and differences.

    `only_ours` and `only_theirs` are the largest distances from an outline, in px, of a pixel that only one painted.
    """

    files: int = 0
    failures: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    outlines: int = 0
    differences: list[str] = field(default_factory=list)
    only_ours: float = 0.0
    only_theirs: float = 0.0

    def row(self) -> dict[str, Any]:
        told = {kind.line().rsplit(" (", 1)[0]: None for kind in kinds(self.left_out)}
        return {
            "files": self.files,
            "files_refused": len(self.failures),
            "outlines": self.outlines,
            "differences": len(self.differences),
            **({"only_ours_px": round(self.only_ours, 2)} if self.only_ours else {}),
            **({"only_theirs_px": round(self.only_theirs, 2)} if self.only_theirs else {}),
            **({"told": [*told, *self.failures[:SHOWN]]} if told or self.failures else {}),
            **({"which": self.differences[:SHOWN]} if self.differences else {}),
        }

    def take(self, report: Report) -> None:
        self.failures += report.failures
        for oddity, places in report.oddities.items():
            self.left_out[oddity] += places


def labelme_against_labelme(folder: Path) -> Compared:
    """Labels, types, groups, flags, descriptions and points as labelme loads them; pixels as it paints them."""
    found = Compared()
    for path in sorted(folder.glob("*.json")):
        ours, theirs = read_labelme(path), LabelFile(str(path)).shapes
        found.files += 1
        for note in ours.notes:
            found.left_out[note].append(path.name)
        read = [s for s in theirs if s["shape_type"] not in ("point", "line", "linestrip")]
        if len(read) != len(ours.shapes) or len(theirs) - len(read) != len(ours.without_area):
            found.differences.append(f"{path.name}: {len(ours.shapes)} of {len(theirs)} shapes")
            continue
        assert ours.height is not None and ours.width is not None
        for shape, other in zip(ours.shapes, read, strict=True):
            found.outlines += 1
            said = other["label"], other["shape_type"], other["group_id"], other["description"] or "", other["flags"]
            words = shape.extra.get("description", ""), shape.extra.get("flags", {})
            same = (shape.label, shape.shape_type, shape.group_id, *words) == (*said[:4], said[4] or {})
            if not same or not np.array_equal(shape.points, other["points"]):
                found.differences.append(f"{path.name}: {shape.label} is read otherwise")
            far = _farthest(shape, other, ours.height, ours.width)
            found.only_ours, found.only_theirs = max(found.only_ours, far[0]), max(found.only_theirs, far[1])
            if far[0] > FAR_OURS or far[1] > FAR_THEIRS:
                found.differences.append(f"{path.name}: {shape.label} is painted {max(far):.2f} px off")
    return found


def _farthest(shape: LabelmeShape, other: Any, height: int, width: int) -> tuple[float, float]:
    """How far from the outline a pixel lies that only we paint, or only labelme; any in a mask is too far."""
    rings = [Shape(1, ring.points, hole=ring.hole, group=ring.part) for ring in outlines(shape)]
    ours = polygons_to_mask(rings, height=height, width=width)
    theirs = shapes_to_label((height, width), [other], {shape.label: 1})[0] == 1
    if shape.shape_type == "mask":
        return 2.0 * np.count_nonzero(ours & ~theirs), 2.0 * np.count_nonzero(theirs & ~ours)
    lines = shapely.MultiLineString([[*ring.points, ring.points[0]] for ring in rings])

    def farthest(pixels: NDArray[np.bool_]) -> float:
        rows, columns = np.nonzero(pixels)
        return float(shapely.distance(lines, shapely.points(columns + 0.5, rows + 0.5)).max(initial=0))

    return farthest(ours & ~theirs), farthest(theirs & ~ours)


def through_workspace(source: Path) -> Compared:
    """Import a folder of Labelme files, and look whether each outline stands in the files that `dmr` writes."""
    with tempfile.TemporaryDirectory() as folder:
        return _through_workspace(source, Path(folder))


def _through_workspace(source: Path, folder: Path) -> Compared:
    found = Compared()
    paths = sorted(source.glob("*.json"))
    wanted: Counter[Any] = Counter()
    names: dict[str, str] = {}
    for path in paths:
        for shape in read_labelme(path).shapes:
            names.setdefault(shape.label, f"class_{len(names) + 1}")
            rings = outlines(shape)
            wanted.update((names[shape.label], ring.points, shape.group_id, ring.hole) for ring in rings)
    classes = ",".join(f"{name}={label}" for label, name in names.items()) or "none"
    for arguments in (["init", folder / "ws", "--classes", classes], ["import", source.resolve()]):
        where = folder if arguments[0] == "init" else folder / "ws"
        command = [sys.executable, "-m", "dmr", *map(str, arguments), "--json"]
        home = os.environ | {"DMR_HOME": str(folder / "home")}
        done = subprocess.run(command, cwd=where, env=home, capture_output=True, text=True, check=False)
        if done.returncode:
            found.failures.append(done.stderr.strip())
            return found
    for oddity, places in json.loads(done.stdout)["oddities"].items():
        if not oddity.startswith("patient unknown"):
            found.left_out[oddity] += places
    there: Counter[Any] = Counter()
    for path in (folder / "ws" / "annotations").glob("*.json"):
        for drawn in LabelFile(str(path)).shapes:
            points = tuple((float(x), float(y)) for x, y in drawn["points"])
            there[drawn["label"], points, drawn["group_id"], bool((drawn["flags"] or {}).get("hole"))] += 1
    found.files, found.outlines = len(paths), wanted.total()
    found.differences += [f"{label} is not there again" for label, *_ in (wanted - there).elements()]
    found.differences += [f"{label} was not there before" for label, *_ in (there - wanted).elements()]
    return found


def masks_against(masks: Path, *, truths: Path | None = None) -> Compared:
    """Masks traced and painted again, held against the values that Pillow reads, or the arrays of `truths`."""
    found = Compared()
    with tempfile.TemporaryDirectory() as folder:
        found.take(mask_to_labelme(Options(masks, Path(folder))))
        files = {path.stem: read_labelme(path) for path in Path(folder).rglob("*.json")}
    for path in sorted(masks.rglob("*.png")):
        if (file := files.get(path.stem)) is None:
            continue  # refused, and told
        theirs = np.asarray(Image.open(path)) if truths is None else np.load(truths / f"{path.stem}.npy")
        height, width = theirs.shape
        drawing = labelme_to_drawing(file, resolve=lambda label: int(label[6:]), height=height, width=width)
        ids = sorted({shape.class_id for shape in drawing.shapes})
        ours = shapes_to_index(drawing.shapes, paint_order=ids, height=height, width=width)
        found.files += 1
        found.outlines += len(drawing.shapes)
        if (file.height, file.width) != theirs.shape or (different := np.count_nonzero(ours != theirs)):
            found.differences.append(f"{path.name}: {different} pixels differ")
    return found
