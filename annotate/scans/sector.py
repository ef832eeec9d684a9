"""Find the sector from the pixels: the region of a frame that holds ultrasound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from ..geometry.raster import polygons_to_mask
from ..shapes import Ring, Shape

_WORKING_SIDE = 320  # px; a larger frame is searched in a reduced copy. At less, words merge into the image
_WINDOW = 5  # px; the neighbourhood that makes a pixel blank or not
# Blank is dark or flat: JPEG leaves up to about 4 grey levels beside an edge, and a program's panel has no speckle.
_DARK = 4.0
_FLAT = 3
# Shares of the shorter side: gaps between echoes up to this size are closed (the gap to a line of text is larger),
_CLOSING = 0.006
_OPENING = 0.012  # and lines and words up to this width are removed.
_LEAST = 0.05  # share of the frame; a smaller region is no sector
# A further part belongs to the sector if it lies within its columns, with this share of its width as tolerance,
_ASIDE = 0.03
_WIDE = 0.8  # and is nearly as wide,
_LARGE = 0.1  # or has this share of its area.
_EVEN = 1  # px; how much the slope of an even lower edge may change from column to column
_EDGE_RUN = 9  # columns over which an edge must be even
_FADING = 0.08  # share of the region's columns, side by side, without an edge: there the echoes fade
_EDGE_COLUMNS = 0.3  # share of the region's columns that need such an edge for the sector to end there
_DEEPER = 0.02  # share of the frame's height that is added below where echoes fade
_ADDED = 0.1  # share of a sector that may be added opposite to what was found, if nothing there is as bright as
_BRIGHT = 100
_ALONE = 0.01  # share of a sector that lies on one side only; if less than
_FILLED = 0.5  # of it is not blank, it is no echo
_MOST_POINTS = 24
_STRAY = 0.1  # of the sector's area; a larger part outside it may be a second image
_UPPER = 0.3  # share of the rows in which a single image has no gap but the curve of its probe
_GAP = 0.3  # share of their width


def find_sector(pixels: NDArray[np.uint8]) -> Ring | None:
    """Find the sector: the largest region that is not blank, with its gaps filled.

    Echoes fade with depth, so dark pixels below an echo belong to the sector, down to its lower edge. If no lower edge
    is found, the frame's edge is taken. The result is the convex hull, because a region too large does less harm.

    Args:
        pixels: `(height, width)` uint8.

    Returns:
        An outline of at most 24 points within the frame, or None if less than a twentieth of the frame is not blank.
    """
    factor = max(1, math.ceil(max(pixels.shape) / _WORKING_SIDE))
    grey = np.asarray(Image.fromarray(pixels).reduce(factor), dtype=np.uint8)
    found = _with_parted(_content(grey))
    region = found
    least = _LEAST * region.size
    # Most sectors are far larger, and their holes need no filling.
    if np.count_nonzero(region) < least and np.count_nonzero(ndimage.binary_fill_holes(region)) < least:
        return None
    region = _mirrored(_down_to_depth(_hull(region), grey), found, grey)
    return _few_points(_hull_ring(region), factor=factor, height=pixels.shape[0], width=pixels.shape[1])


def sector_mask(ring: Ring | None, *, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of a sector, `(height, width)` bool; all pixels if its outline is unknown."""
    if ring is None:
        return np.ones((height, width), dtype=np.bool_)
    return polygons_to_mask([Shape(1, ring)], height=height, width=width)


def has_second_image(pixels: NDArray[np.uint8], sector: NDArray[np.bool_]) -> bool:
    """Whether something large lies outside the sector, or a gap parts its upper rows: two images taken for one.

    Args:
        pixels: `(height, width)` uint8.
        sector: `(height, width)` bool.
    """
    factor = max(1, math.ceil(max(pixels.shape) / _WORKING_SIDE))
    grey = np.asarray(Image.fromarray(pixels).reduce(factor), dtype=np.uint8)
    inside = np.asarray(Image.fromarray(sector.astype(np.uint8)).reduce(factor), dtype=np.uint8) > 0
    content = _content(grey)
    parts, _ = ndimage.label(content & ~inside)
    stray = np.bincount(parts.ravel())[1:].max(initial=0)
    return bool(stray > _STRAY * np.count_nonzero(inside)) or _upper_gap(content & inside) > _GAP


def _upper_gap(content: NDArray[np.bool_]) -> float:
    """The widest gap in each of the upper rows as a share of the row's width, the mean over these rows."""
    rows = np.flatnonzero(content.any(axis=1))
    gaps = []
    for row in rows[: max(1, round(_UPPER * len(rows)))]:
        columns = np.flatnonzero(content[row])
        gaps.append(np.diff(columns, prepend=columns[0]).max() / (columns[-1] + 1 - columns[0]))
    return float(np.mean(gaps)) if gaps else 0.0


def _mirrored(region: NDArray[np.bool_], found: NDArray[np.bool_], grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Make the region symmetric, as a sector is: a shadow may hide one side, or a line of text may reach into it.

    What is on one side only is echo if it is filled, and then the other side is added, but for something bright there,
    or if the sector became much larger. If it is mostly blank, the hull spans words and the image, and it goes.

    Args:
        region: The sector so far, convex.
        found: What is not blank, before the hull.
        grey: The frame.
    """
    columns = np.flatnonzero(region.any(axis=0))
    first, last = columns[0], columns[-1] + 1
    opposite = np.zeros_like(region)
    opposite[:, first:last] = region[:, first:last][:, ::-1]
    alone = region & ~opposite
    if np.count_nonzero(alone) >= _ALONE * np.count_nonzero(region) and found[alone].mean() < _FILLED:
        return region & opposite
    added = opposite & ~region
    small = np.count_nonzero(added) <= _ADDED * np.count_nonzero(region)
    return region | added if small and grey[added].max(initial=0) < _BRIGHT else region


def _content(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with a neighbourhood that is neither dark nor flat. Gaps are closed, and thin lines removed."""
    bright = np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(_WINDOW // 2))) > _DARK
    around = np.pad(grey, _WINDOW // 2, mode="symmetric")
    varied = _over_windows(np.maximum, around, _WINDOW) - _over_windows(np.minimum, around, _WINDOW) >= _FLAT
    closing, opening = _square(grey, _CLOSING), _square(grey, _OPENING)
    # Pixels beyond the frame count like its border, otherwise the border would be removed.
    margin = np.pad(bright & varied, opening, mode="edge")
    closed = shrunk(grown(margin, closing), closing)
    opened = grown(shrunk(closed, opening), opening)
    # Undo the window's reach of half its size past the image. Done last, it does not cut the skin from what is below.
    return shrunk(opened, _WINDOW)[opening:-opening, opening:-opening]


def _square(grey: NDArray[np.uint8], share: float) -> int:
    """The odd side of a square of about twice this share of the shorter side."""
    return 2 * max(2, round(share * min(grey.shape))) + 1


def grown(mask: NDArray[np.bool_], side: int, *, axes: tuple[int, ...] = (0, 1)) -> NDArray[np.bool_]:
    """The mask dilated by a square of odd `side`, or along one axis only."""
    reach = [(side // 2, side // 2) if axis in axes else (0, 0) for axis in (0, 1)]
    return _over_windows(np.logical_or, np.pad(mask, reach), side, axes)


def shrunk(mask: NDArray[np.bool_], side: int, *, axes: tuple[int, ...] = (0, 1)) -> NDArray[np.bool_]:
    """The mask eroded by a square of odd `side`, or along one axis only; pixels beyond the frame count as not set."""
    reach = [(side // 2, side // 2) if axis in axes else (0, 0) for axis in (0, 1)]
    return _over_windows(np.logical_and, np.pad(mask, reach), side, axes)


def _over_windows(join: np.ufunc, padded: NDArray[Any], side: int, axes: tuple[int, ...] = (0, 1)) -> NDArray[Any]:
    """`join` over the square window around each pixel, `(H + side - 1, W + side - 1)` -> `(H, W)`.

    A window is joined from two halves, each of these from two halves again: few passes, each over whole rows.
    """
    for axis in axes:
        reach = 1
        while reach < side:
            step = min(reach, side - reach)
            first, second = [slice(None)] * 2, [slice(None)] * 2
            first[axis], second[axis] = slice(None, -step), slice(step, None)
            padded = join(padded[tuple(first)], padded[tuple(second)])
            reach += step
    return padded


def _with_parted(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest part, with parts that a dark layer or a shadow cuts off: skin above, echoes below."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    places = [place for _, place in ndimage.find_objects(parts)]
    largest = places[sizes.argmax() - 1]
    aside = _ASIDE * (largest.stop - largest.start)
    taken = np.zeros(count + 1, dtype=np.bool_)
    for number, place in enumerate(places, start=1):
        # Unlike these parts, a line of text is small, or begins or ends elsewhere than the image.
        within = place.start >= largest.start - aside and place.stop <= largest.stop + aside
        wide = place.stop - place.start >= _WIDE * (largest.stop - largest.start)
        taken[number] = within and (wide or sizes[number] >= _LARGE * sizes.max())
    return np.asarray(taken[parts])


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return polygons_to_mask([Shape(1, _hull_ring(mask))], height=mask.shape[0], width=mask.shape[1]) | mask


def _hull_ring(mask: NDArray[np.bool_]) -> Ring:
    """The outline of the convex hull of a mask that is not empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    lit = mask[rows]
    columns = np.concatenate([lit.argmax(axis=1), mask.shape[1] - lit[:, ::-1].argmax(axis=1)])
    rows = np.tile(rows, 2)
    corners = np.concatenate([np.column_stack([columns, rows + dy]) for dy in (0, 1)])
    hull = shapely.convex_hull(shapely.linestrings(corners))
    return tuple((float(x), float(y)) for x, y in shapely.get_coordinates(hull)[:-1])


def _down_to_depth(region: NDArray[np.bool_], grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Extend columns with fading echoes down to the sector's depth.

    The sector's true lower edge is even from column to column and has nothing below it; the end of fading echoes jumps
    up and down. If too little of an edge is found, the depth is the frame's.
    """
    height = len(grey)
    columns = np.flatnonzero(region.any(axis=0))
    if region[-1, columns].all():
        return region
    # The region's border is as coarse as those squares; the last bright pixel near it is exact.
    reach = _square(grey, _OPENING)
    near = _over_windows(np.logical_or, np.pad(region, ((reach, reach), (0, 0))), 2 * reach + 1, axes=(0,))
    bottoms = _bottoms(near & (grey > _DARK), columns)
    even = np.abs(np.diff(bottoms, n=2, prepend=bottoms[0], append=bottoms[-1])) <= _EVEN
    following = np.minimum(bottoms + 1 + np.arange(reach)[:, None], height - 1)
    blank = np.ptp(grey[following, columns], axis=0) < 2 * _FLAT
    # Far above the hull, it is a bone that casts a shadow.
    low = bottoms >= _bottoms(region, columns) - reach
    edge = np.asarray(ndimage.binary_opening(even & blank & low, np.ones(_EDGE_RUN, dtype=np.bool_)), dtype=np.bool_)
    seen = np.count_nonzero(edge) >= _EDGE_COLUMNS * len(columns)
    # In the middle a fan is deeper than at its sides, and there a bone's shadow may hide its edge.
    depth = int(bottoms[edge].max()) + round(_DEEPER * height) if seen else height - 1
    rows = np.arange(height)[:, None]
    # A few columns without an edge may be the corners of a fan.
    wide = np.ones(max(_EDGE_RUN, round(_FADING * len(columns))), dtype=np.bool_)
    fading = columns[np.asarray(ndimage.binary_opening(~edge, wide), dtype=np.bool_)] if seen else columns
    extended = region.copy()
    extended[:, fading] |= (rows > _bottoms(region, fading)) & (rows <= depth)
    return _hull(extended) if seen else extended


def _bottoms(region: NDArray[np.bool_], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """The last row of the region in each of its columns."""
    return np.asarray(region.shape[0] - 1 - region[::-1, columns].argmax(axis=0), dtype=np.intp)


def _few_points(ring: Ring, *, factor: int, height: int, width: int) -> Ring:
    """Simplify to the allowed number of points, in the frame's pixels and within the frame."""
    whole = shapely.box(0, 0, width, height)
    polygon = shapely.Polygon([(x * factor, y * factor) for x, y in ring])
    tolerance = 0.004 * max(height, width)
    while True:
        # Growing by a third of it makes up for cut corners. A sector too large does less harm than one too small.
        simple = polygon.simplify(tolerance).buffer(tolerance / 3, join_style="mitre").intersection(whole)
        points = shapely.get_coordinates(simple.exterior if isinstance(simple, shapely.Polygon) else whole.exterior)[
            :-1
        ]
        if len(points) <= _MOST_POINTS:
            return tuple((float(x), float(y)) for x, y in np.round(points, 1))
        tolerance *= 1.5
