"""Polygons to masks and back on real frames, against the libraries that others use, in one run on one core.

The methods convert the same frames and take turns after each batch, so other work on the machine slows all alike. Only
the conversion in memory is compared, from points to an array and back, without files.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import shapely
import torch
from labelme.utils import shapes_to_label  # type: ignore[import-untyped]
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize
from rasterio.features import shapes as polygonize
from record import record
from ubpd import CLASSES, samples

from dmr.annotate.geometry.raster import polygons_to_mask, shapes_to_index
from dmr.annotate.geometry.trace import index_to_shapes
from dmr.annotate.shapes import Annotation, Shape

TOLERANCE = 4.0  # px, as for drafts
ORDER = CLASSES.paint_order()
NAMES = {c.id: c.name for c in CLASSES}
Index = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=738, help="number of frames, at most")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    annotations = [s.annotation for s in samples()][: args.frames]
    masks = [ours_paint(a) for a in annotations]
    rows = [
        *timed(
            "paint",
            {"dmr": ours_paint, "labelme": labelme_paint, "rasterio": rasterio_paint, "opencv": opencv_paint},
            annotations,
            masks,
            args.rounds,
        ),
        *timed(
            "trace", {"dmr": ours_trace, "rasterio": rasterio_trace, "opencv": opencv_trace}, masks, masks, args.rounds
        ),
        *(lean(masks, annotations)),
    ]
    for row in rows:
        print(row, flush=True)
    speed = {(row["what"], row["method"]): row["frames_per_s"] for row in rows if "frames_per_s" in row}
    ours = next(row for row in rows if row["what"] == "lean" and row["method"] == "dmr")
    headline = {
        "raster_ratio_vs_labelme": round(speed["paint", "dmr"] / speed["paint", "labelme"], 2),
        "trace_ratio_vs_rasterio": round(speed["trace", "dmr"] / speed["trace", "rasterio"], 2),
        "points_per_frame": ours["points_per_frame"],
        "iou_mean": ours["iou_mean"],
        "iou_min": ours["iou_min"],
    }
    print(headline)
    print(record("convert", headline=headline, rows=rows))


def timed(
    what: str, methods: dict[str, Callable[[Any], Any]], inputs: list[Any], masks: list[Index], rounds: int
) -> list[dict[str, Any]]:
    """Speed of each method, and how many results are exact; the methods take turns after every 41 frames."""
    seconds = dict.fromkeys(methods, 0.0)
    for _ in range(rounds):
        for start in range(0, len(inputs), 41):
            batch = inputs[start : start + 41]
            for name, method in methods.items():
                began = time.perf_counter()
                for item in batch:
                    method(item)
                seconds[name] += time.perf_counter() - began
    rows = []
    for name, method in methods.items():
        made = [method(item) for item in inputs]
        if what == "trace":
            made = [repainted(shapes, mask) for shapes, mask in zip(made, masks, strict=True)]
        same = sum(np.array_equal(a, b) for a, b in zip(made, masks, strict=True))
        speed = rounds * len(inputs) / seconds[name]
        rows.append({"what": what, "method": name, "frames_per_s": round(speed, 1), "exact": same, "of": len(inputs)})
    return rows


def repainted(shapes: Any, mask: Index) -> Index:
    """Paint outlines with the pixel convention of the method that traced them."""
    if isinstance(shapes, tuple):
        return shapes_to_index(shapes, paint_order=ORDER, height=mask.shape[0], width=mask.shape[1])
    if shapes and isinstance(shapes[0], dict):
        painted = rasterize([(s, s["value"]) for s in shapes], out_shape=mask.shape, fill=0, dtype="uint8")
        return np.asarray(painted, np.uint8)
    again = np.zeros_like(mask)
    for value, contours in shapes:
        cv2.fillPoly(again, contours, value)
    return again


def ours_paint(a: Annotation) -> Index:
    return shapes_to_index(a.shapes, paint_order=ORDER, height=a.height, width=a.width)


def labelme_paint(a: Annotation) -> Any:
    ordered = sorted(a.shapes, key=lambda s: ORDER.index(s.class_id))
    shapes = [
        {"label": NAMES[s.class_id], "points": s.points, "group_id": s.group, "shape_type": "polygon"} for s in ordered
    ]
    values = {"_background_": 0, **{c.name: c.id for c in CLASSES}}
    return shapes_to_label((a.height, a.width), shapes, values)[0]


def rasterio_paint(a: Annotation) -> Index:
    ordered = sorted(a.shapes, key=lambda s: ORDER.index(s.class_id))
    shapes = [({"type": "Polygon", "coordinates": [[*s.points, s.points[0]]]}, s.class_id) for s in ordered]
    if not shapes:
        return np.zeros((a.height, a.width), np.uint8)
    return np.asarray(rasterize(shapes, out_shape=(a.height, a.width), fill=0, dtype="uint8"), np.uint8)


def opencv_paint(a: Annotation) -> Index:
    mask = np.zeros((a.height, a.width), np.uint8)
    for s in sorted(a.shapes, key=lambda s: ORDER.index(s.class_id)):
        cv2.fillPoly(mask, [np.round(np.array(s.points) - 0.5).astype(np.int32)], s.class_id)
    return mask


def ours_trace(mask: Index) -> tuple[Shape, ...]:
    return index_to_shapes(mask)


def rasterio_trace(mask: Index) -> list[dict[str, Any]]:
    return [{**geometry, "value": int(value)} for geometry, value in polygonize(mask, mask=mask > 0, connectivity=4)]


def opencv_trace(mask: Index) -> list[tuple[int, Any]]:
    found = []
    for value in np.flatnonzero(np.bincount(mask.ravel(), minlength=5)[1:]) + 1:
        contours, _ = cv2.findContours((mask == value).view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        found.append((int(value), contours))
    return found


def lean(masks: list[Index], annotations: list[Annotation]) -> list[dict[str, Any]]:
    """Points a frame and IoU a structure of editable outlines: ours, and those of plain coverage_simplify."""
    drawn = float(np.mean([sum(len(s.points) for s in a.shapes) for a in annotations]))
    rows: list[dict[str, Any]] = [
        {"what": "lean", "method": "as drawn by physicians", "points_per_frame": round(drawn, 1)}
    ]
    for name, method in (("dmr", our_lean), ("coverage_simplify", plain_lean)):
        points, ious = [], []
        began = time.perf_counter()
        made = [method(mask) for mask in masks]
        seconds = time.perf_counter() - began
        for mask, pairs in zip(masks, made, strict=True):
            points.append(sum(len(s.points) for _, simple in pairs for s in simple))
            height, width = mask.shape
            for exact, simple in pairs:
                a, b = (polygons_to_mask(s, height=height, width=width) for s in (exact, simple))
                ious.append(np.count_nonzero(a & b) / np.count_nonzero(a | b))
        rows.append(
            {
                "what": "lean",
                "method": name,
                "tolerance": TOLERANCE,
                "points_per_frame": round(float(np.mean(points)), 1),
                "iou_mean": round(float(np.mean(ious)), 4),
                "iou_min": round(float(np.min(ious)), 4),
                "structures": len(ious),
                "ms_a_frame": round(1000 * seconds / len(masks), 2),
            }
        )
    return rows


Pairs = list[tuple[tuple[Shape, ...], tuple[Shape, ...]]]


def structures(shapes: tuple[Shape, ...]) -> list[tuple[Shape, ...]]:
    """Group the shapes: each part with its holes."""
    found: dict[Any, list[Shape]] = {}
    for k, s in enumerate(shapes):
        found.setdefault(("part", k) if s.group is None else ("group", s.group), []).append(s)
    return [tuple(part) for part in found.values()]


def our_lean(mask: Index) -> Pairs:
    # Exact and simplified parts come in the same order.
    return list(
        zip(structures(index_to_shapes(mask)), structures(index_to_shapes(mask, tolerance=TOLERANCE)), strict=True)
    )


def plain_lean(mask: Index) -> Pairs:
    exact = structures(index_to_shapes(mask))
    faces = [shapely.Polygon(part[0].points, [s.points for s in part[1:]]) for part in exact]
    pairs = []
    for part, simple in zip(exact, shapely.coverage_simplify(faces, TOLERANCE), strict=True):
        rings = [simple.exterior, *simple.interiors]
        points = [tuple(map(tuple, shapely.get_coordinates(ring)[:-1].tolist())) for ring in rings]
        pairs.append((part, tuple(Shape(1, p, hole=k > 0, group=1) for k, p in enumerate(points))))
    return pairs


if __name__ == "__main__":
    main()
