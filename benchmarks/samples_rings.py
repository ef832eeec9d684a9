"""COCO data sets and Label Studio's tasks of other tools, as `dmr` reads them and as another library does."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from samples_compare import Compared

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.convert.options import Options
from dmr.annotate.convert.to_labelme import files_to_labelme
from dmr.annotate.formats.labelme import LabelmeFile, read_labelme
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.report import Report
from dmr.annotate.shapes import Ring, Shape
from dmr.annotate.studio.answers.reading import read_task
from dmr.annotate.studio.projects.payload import regions_to_shapes

DIGITS: Final = 1e-5  # px: what percents and parts of an image lose
Rings = list[tuple[str, str, Ring]]
"""Outlines as image, label and points."""


def coco_against_pycocotools(path: Path) -> Compared:
    """A COCO data set, its outlines held against what pycocotools loads, and its run lengths pixel by pixel."""
    with tempfile.TemporaryDirectory() as folder:
        report = files_to_labelme(Options(path, Path(folder)), form="coco")
        files = {made.stem: read_labelme(made) for made in Path(folder).rglob("*.json")}
    coco = _loaded(path)
    found = _rings_against(_rings(files), rings_of_coco(path), report)
    packed = [entry for entry in coco.anns.values() if isinstance(entry["segmentation"], dict)]
    if not packed:
        return found
    found.differences, wanted = [], defaultdict[tuple[str, str], list[NDArray[np.bool_]]](list)
    for entry in packed:
        key = Path(coco.imgs[entry["image_id"]]["file_name"]).stem, coco.cats[entry["category_id"]]["name"]
        wanted[key].append(coco.annToMask(entry) > 0)
    for (name, label), pixels in wanted.items():
        drawn = [s for s in files[name].shapes if s.label == label]
        shapes = [Shape(1, s.points, hole=s.hole, group=s.group_id) for s in drawn]
        height, width = pixels[0].shape
        if not np.array_equal(np.any(pixels, axis=0), polygons_to_mask(shapes, height=height, width=width)):
            found.differences.append(f"{name}: the pixels of {label} differ")
    found.outlines = len(packed)
    return found


def rings_of_coco(path: Path) -> Rings:
    """The outlines of a data set, as pycocotools loads them."""
    coco = _loaded(path)
    rings = []
    for entry in coco.anns.values():
        name, label = Path(coco.imgs[entry["image_id"]]["file_name"]).stem, coco.cats[entry["category_id"]]["name"]
        lists = entry["segmentation"] if isinstance(entry["segmentation"], list) else []
        rings += [(name, label, tuple(zip(ring[0::2], ring[1::2], strict=True))) for ring in lists]
    return rings


def _loaded(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it says how long it took
        return COCO(str(path))


def converted(convert: Callable[[Path], Report], theirs: Rings) -> Compared:
    """The outlines that a conversion writes into a folder, held against what the other tool reads."""
    with tempfile.TemporaryDirectory() as folder:
        report = convert(Path(folder))
        files = {path.stem: read_labelme(path) for path in sorted(Path(folder).rglob("*.json"))}
    return _rings_against(_rings(files), theirs, report)


def _rings(files: Mapping[str, LabelmeFile]) -> Rings:
    return [
        (name, shape.label, shape.points) for name, file in files.items() for shape in file.shapes if not shape.hole
    ]


def _rings_against(ours: Rings, theirs: Rings, report: Report) -> Compared:
    """Outlines of the same images and labels, whose points lie at the same place."""
    found = Compared(files=len({name for name, *_ in ours}), outlines=len(theirs))
    found.take(report)
    left = list(ours)
    for name, label, ring in theirs:
        twin = next((o for o in left if o[:2] == (name, label) and _is_same(o[2], ring)), None)
        if twin is None:
            found.differences.append(f"{name}: {label} is missing or elsewhere")
        else:
            left.remove(twin)
    found.differences += [f"{name}: {label} is not theirs" for name, label, _ in left]
    return found


def _is_same(a: Ring, b: Ring) -> bool:
    """Whether two rings have the same points; they may begin with another one."""
    if len(a) != len(b):
        return False
    return any(float(np.abs(np.subtract(np.roll(a, k, axis=0), b)).max()) <= DIGITS for k in range(len(a)))


def studio_regions(paths: Iterable[Path], *, truth: Rings | None = None) -> Compared:
    """Label Studio's tasks; each region gives its outline, or one line that says why not."""
    found, rings = Compared(), Rings()
    labels = list(dict.fromkeys(label for _, label, _ in truth or ()))
    classes = Classes([ClassDef(k, f"class_{k}", aliases=(label,)) for k, label in enumerate(labels, 1)])
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        found.files += 1
        for task in content if isinstance(content, list) else [content]:
            name = Path(str(task.get("data", {}).get("image"))).stem
            for annotation in read_task({"id": 1, **task}).annotations:
                if annotation.problem:
                    found.left_out[annotation.problem].append(path.name)
                for region in annotation.regions:
                    try:
                        height, width = int(region.height), int(region.width)
                        shapes = regions_to_shapes([region], classes=classes, height=height, width=width)
                    except ValueError as error:
                        found.left_out[str(error)].append(path.name)
                    else:
                        rings += [(name, region.label, shape.points) for shape in shapes]
    if truth is not None:
        same = _rings_against(rings, truth, Report(""))
        found.outlines, found.differences = same.outlines, same.differences
    return found
