"""Polygons to masks: which pixels an outline holds. Pure."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize

from .shapes import Ring, Shape

Mask = NDArray[np.bool_]
"""`(height, width)` bool."""

Layers = NDArray[np.bool_]
"""`(classes, height, width)` bool, one layer a class; layers may overlap."""

# GDAL's scan line goes astray with coordinates near the limits of a 32-bit integer; no frame is as wide as this.
_FAR = 1e7


def polygons_to_mask(shapes: Sequence[Shape], *, height: int, width: int) -> Mask:
    """Paint shapes, of whatever classes, on one mask.

    A pixel belongs to an outline when its centre lies inside, so neighbours that share an edge share no pixel. An
    outline that crosses itself is filled by the even-odd rule. Each hole is taken out of the shapes of its class and
    group, and of no others: an island in a hole stays.

    Args:
        shapes: Outlines in pixels, `(x, y)`; they may reach past the grid.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        `(height, width)` bool.
    """
    parts: dict[tuple[int, int | None], list[Ring]] = {}
    holes: dict[tuple[int, int | None], list[Ring]] = {}
    for shape in shapes:
        (holes if shape.hole else parts).setdefault((shape.class_id, shape.group), []).append(shape.points)
    mask = _paint([ring for key, rings in parts.items() if key not in holes for ring in rings], height, width)
    for key in parts.keys() & holes.keys():
        mask |= _paint(parts[key], height, width) & ~_paint(holes[key], height, width)
    return mask


def shapes_to_layers(shapes: Sequence[Shape], *, class_ids: Sequence[int], height: int, width: int) -> Layers:
    """Paint each class's shapes on a layer of its own; layers may overlap.

    A pixel belongs to a shape when its centre lies inside, so neighbours that share an edge share no pixel.
    Holes are taken out of the shapes of their class and group.

    Args:
        shapes: Outlines in pixels, `(x, y)`; they may reach past the grid.
        class_ids: The layers wanted, in this order; shapes of other classes are left out.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        `(len(class_ids), height, width)` bool.
    """
    layers = np.zeros((len(class_ids), height, width), dtype=np.bool_)
    for layer, class_id in zip(layers, class_ids, strict=True):
        own = [shape for shape in shapes if shape.class_id == class_id]
        if own:
            layer[:] = polygons_to_mask(own, height=height, width=width)
    return layers


def layers_to_index(
    layers: Layers, *, class_ids: Sequence[int], paint_order: Sequence[int]
) -> tuple[NDArray[np.uint8], int]:
    """Flatten layers to a class-index mask, higher over lower.

    Args:
        layers: `(classes, height, width)` bool.
        class_ids: The class id of each layer, 1 to 255.
        paint_order: Class ids from the lowest to the highest; it has every id of `class_ids`.

    Returns:
        `(height, width)` uint8 of class ids, 0 where there is none, and the number of hidden pixels: those of a layer
        that lie under a higher one, counted once for each layer.

    Raises:
        ValueError: An id is missing from `paint_order`, does not fit a byte, or the layers are not one for each id.
    """
    if len(layers) != len(class_ids):
        raise ValueError(f"{len(layers)} layers for {len(class_ids)} class ids")
    if missing := set(class_ids) - set(paint_order):
        raise ValueError(f"class ids {sorted(missing)} are not in the painting order")
    if any(not 1 <= class_id <= 255 for class_id in class_ids):
        raise ValueError("a class-index mask holds the ids 1 to 255")
    index = np.zeros(layers.shape[1:], dtype=np.uint8)
    places = {class_id: place for place, class_id in enumerate(class_ids)}
    for class_id in paint_order:
        if class_id in places:
            index[layers[places[class_id]]] = class_id
    return index, int(np.count_nonzero(layers)) - int(np.count_nonzero(index))


def _paint(rings: Sequence[Ring], height: int, width: int) -> Mask:
    """The union of the rings' pixels."""
    if not rings:
        return np.zeros((height, width), dtype=np.bool_)
    polygons = []
    for ring in rings:
        points = np.clip(np.asarray(ring, dtype=np.float64), -_FAR, _FAR).tolist()
        polygons.append(({"type": "Polygon", "coordinates": [[*points, points[0]]]}, 1))
    with warnings.catch_warnings():
        # GDAL expects a map; a frame's pixels are its own coordinates.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        painted = rasterize(polygons, out_shape=(height, width), fill=0, dtype="uint8")
    return np.asarray(painted, dtype=np.bool_)
