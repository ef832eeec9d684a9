"""Polygons to masks: the pixels inside outlines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ..shapes import Ring, Shape
from .scanline import Runs, ring_runs

if TYPE_CHECKING:
    from typing_extensions import Buffer

Mask = NDArray[np.bool_]
"""`(height, width)` bool."""

Index = NDArray[np.uint8]
"""`(height, width)` uint8 of class ids, 0 for background."""

Layers = NDArray[np.bool_]
"""`(classes, height, width)` bool, one layer for each class; layers may overlap."""


def polygons_to_mask(shapes: Sequence[Shape], *, height: int, width: int) -> Mask:
    """Paint shapes of any classes on one mask.

    A pixel belongs to an outline when its centre lies inside, so neighbours that share an edge share no pixel. An
    outline that crosses itself is filled by the even-odd rule. A hole is cut out of the shapes of its class and group
    only, so an island in a hole stays.

    Args:
        shapes: Outlines in pixels, `(x, y)`; they may reach past the grid.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        `(height, width)` bool.

    Example:
        >>> square = dmr.Shape(1, ((10, 10), (40, 10), (40, 30), (10, 30)))
        >>> int(dmr.polygons_to_mask([square], height=100, width=200).sum())
        600
    """
    mask = np.zeros((height, width), dtype=np.bool_)
    _paint(mask, shapes)
    return mask


def shapes_to_layers(shapes: Sequence[Shape], *, class_ids: Sequence[int], height: int, width: int) -> Layers:
    """Paint each class's shapes on a layer of its own; layers may overlap.

    A pixel belongs to a shape when its centre lies inside, so neighbours that share an edge share no pixel.
    Holes are cut out of the shapes of their class and group.

    Args:
        shapes: Outlines in pixels, `(x, y)`; they may reach past the grid.
        class_ids: The layers wanted, in this order; shapes of other classes are left out.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        `(len(class_ids), height, width)` bool.

    Example:
        >>> psoas = dmr.Shape(1, ((0, 0), (60, 0), (60, 60), (0, 60)))
        >>> plexus = dmr.Shape(2, ((10, 10), (40, 10), (40, 30), (10, 30)))
        >>> layers = dmr.shapes_to_layers([psoas, plexus], class_ids=[1, 2], height=100, width=200)
        >>> layers.sum((1, 2)).tolist()  # layers overlap
        [3600, 600]
    """
    layers = np.zeros((len(class_ids), height, width), dtype=np.bool_)
    for layer, class_id in zip(layers, class_ids, strict=True):
        own = [shape for shape in shapes if shape.class_id == class_id]
        if own:
            _paint(layer, own)
    return layers


def shapes_to_index(shapes: Sequence[Shape], *, paint_order: Sequence[int], height: int, width: int) -> Index:
    """Paint shapes on a class-index mask, higher over lower. It is fast, because it paints no layers.

    Args:
        shapes: Outlines in pixels, `(x, y)`. Classes that are not in `paint_order` are left out.
        paint_order: Class ids, 1 to 255, from the lowest to the highest.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        `(height, width)` uint8 of class ids, 0 where there is none.
    """
    known = _in_order(shapes, paint_order)
    if any(s.hole for s in known):
        ids = [i for i in paint_order if any(s.class_id == i for s in known)]
        layers = shapes_to_layers(known, class_ids=ids, height=height, width=width)
        return layers_to_index(layers, class_ids=ids, paint_order=ids)[0]
    runs = ring_runs([s.points for s in known], height=height, width=width)
    index = np.zeros((height, width), dtype=np.uint8)
    _fill(index, runs, np.repeat([s.class_id for s in known], runs.counts).tolist())
    return index


def hidden_pixels(shapes: Sequence[Shape], *, paint_order: Sequence[int], height: int, width: int) -> int:
    """The number of pixels that `shapes_to_index` hides under a higher class, counted for each class."""
    known = _in_order(shapes, paint_order)
    ids = {s.class_id for s in known}
    if len(ids) < 2:
        return 0
    painted = sum(
        int(np.count_nonzero(polygons_to_mask([s for s in known if s.class_id == i], height=height, width=width)))
        for i in ids
    )
    return painted - int(np.count_nonzero(shapes_to_index(known, paint_order=paint_order, height=height, width=width)))


def hidden_classes(shapes: Sequence[Shape], *, paint_order: Sequence[int], height: int, width: int) -> frozenset[int]:
    """The classes of which `shapes_to_index` shows no pixel, because all lie hidden under higher classes."""
    known = _in_order(shapes, paint_order)
    if len({s.class_id for s in known}) < 2:
        return frozenset()
    size = {"height": height, "width": width}
    shown = set(np.unique(shapes_to_index(known, paint_order=paint_order, **size)).tolist())
    unseen = {s.class_id for s in known} - shown
    return frozenset(i for i in unseen if polygons_to_mask([s for s in known if s.class_id == i], **size).any())


class Unseen(NamedTuple):
    """Classes of which something is drawn that shows nowhere.

    Attributes:
        empty: An outline leaves no pixel.
        gone: Those of `empty` of which nothing else is left, or of which holes take a whole outline away.
        uncut: A hole cuts nothing.
    """

    empty: frozenset[int]
    gone: frozenset[int]
    uncut: frozenset[int]


def unseen(shapes: Sequence[Shape], *, height: int, width: int) -> Unseen:
    """The classes of which something is drawn that shows nowhere.

    An outline leaves no pixel if it holds no pixel's centre, or if holes take all of it away. A hole cuts nothing if no
    outline of its class and group has a pixel in it.

    Args:
        shapes: Outlines in pixels, `(x, y)`.
        height: Rows of the frame.
        width: Columns of the frame.
    """
    cut = {(s.class_id, s.group) for s in shapes if s.hole}
    empty: set[int] = set()
    seen: set[int] = set()
    whole = [s for s in shapes if not s.hole and (s.class_id, s.group) not in cut]
    for shape, runs in zip(whole, ring_runs([s.points for s in whole], height=height, width=width).counts, strict=True):
        (seen if runs else empty).add(shape.class_id)
    buried: set[int] = set()
    uncut: set[int] = set()
    size = {"height": height, "width": width}
    for key in cut:
        own = [s for s in shapes if (s.class_id, s.group) == key]
        outlines, gone = [s for s in own if not s.hole], np.zeros((height, width), np.bool_)
        outlined = polygons_to_mask(outlines, **size)
        for ring in (s.points for s in own if s.hole):
            hole = np.zeros_like(gone)
            _add(hole, [ring])
            if not (hole & outlined).any() and (hole.any() or not outlines):
                uncut.add(key[0])
            gone |= hole
        for shape in outlines:
            mask = polygons_to_mask([shape], **size)
            (seen if (mask & ~gone).any() else buried if mask.any() else empty).add(key[0])
    return Unseen(frozenset(empty | buried), frozenset((empty - seen) | buried), frozenset(uncut))


def _in_order(shapes: Sequence[Shape], paint_order: Sequence[int]) -> list[Shape]:
    places = {class_id: place for place, class_id in enumerate(paint_order)}
    return sorted((s for s in shapes if s.class_id in places), key=lambda s: places[s.class_id])


def layers_to_index(
    layers: Layers, *, class_ids: Sequence[int], paint_order: Sequence[int]
) -> tuple[NDArray[np.uint8], int]:
    """Flatten layers to a class-index mask, higher over lower.

    Args:
        layers: `(classes, height, width)` bool.
        class_ids: The class id of each layer, 1 to 255.
        paint_order: Class ids from the lowest to the highest, with every id of `class_ids`.

    Returns:
        `(height, width)` uint8 of class ids, 0 for background, and the number of pixels hidden under a higher layer,
        counted once for each layer.

    Raises:
        ValueError: An id is missing from `paint_order` or does not fit a byte, or there is not one layer for each id.
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


def _paint(mask: Mask, shapes: Sequence[Shape]) -> None:
    """Add the shapes' pixels to a mask, with each hole cut out of the shapes of its class and group."""
    holes: dict[tuple[int, int | None], list[Ring]] = {}
    for shape in shapes:
        if shape.hole:
            holes.setdefault((shape.class_id, shape.group), []).append(shape.points)
    _add(mask, [s.points for s in shapes if not s.hole and (s.class_id, s.group) not in holes])
    for key, rings in holes.items():
        whole, gone = np.zeros_like(mask), np.zeros_like(mask)
        _add(whole, [s.points for s in shapes if not s.hole and (s.class_id, s.group) == key])
        _add(gone, rings)
        mask |= whole & ~gone


def _add(mask: Mask, rings: Sequence[Ring]) -> None:
    """Add the rings' pixels to a mask."""
    runs = ring_runs(rings, height=mask.shape[0], width=mask.shape[1])
    _fill(mask.view(np.uint8), runs, [1] * len(runs.starts))


def _fill(grid: NDArray[np.uint8], runs: Runs, values: Sequence[int]) -> None:
    """Write a value along each run, later runs over earlier ones."""
    # For short stretches, writing bytes to memory is the fastest way.
    lines = {value: bytes([value]) * grid.shape[1] for value in set(values)}
    pixels = memoryview(cast("Buffer", grid.reshape(-1)))
    lengths = (runs.ends - runs.starts).tolist()
    for start, end, length, value in zip(runs.starts.tolist(), runs.ends.tolist(), lengths, values, strict=True):
        pixels[start:end] = lines[value][:length]
