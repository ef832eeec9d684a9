"""Blank what lies outside a frame's ultrasound image, where scanners write who the patient is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..shapes import Ring
from .decoding.values import Box
from .edge import LIT, fit_edge
from .sector import find_sector, grown, has_second_image, sector_mask
from .words import line_on_dark, touches

BLANK: Final = 0
_FILLS: Final = 0.95  # share of the frame from which a sector leaves no margin: what was there cannot be told
_LEAST: Final = 0.02  # share of the frame; a smaller ultrasound region is a mistake of the tags
_SMALL: Final = 0.2  # share of the frame; letters are large beside a smaller image, and an edge moves with them
TINY_REGION: Final = "the ultrasound region in the tags is too small to be the image"
NO_SECTOR: Final = "no sector was found"
NO_MARGIN: Final = "the image fills the frame, so text may lie inside it"
IN_CORNER: Final = "the image reaches an upper corner of the frame, where scanners write names"
_CORNER: Final = 0.02  # of the shorter side
NO_EDGE: Final = "the edge of the image is not clear, so text may touch it"
TOUCHING: Final = "something bright touches the image (text?)"
ON_DARK: Final = "something like a line of text stands on a dark part of the image"
DRAWN: Final = "an outline reaches past the edge of the image, and something bright is there (text?)"
_SEEN: Final = 40  # grey level of what is bright; of it, so many
_WIDER: Final = 10  # px under an outline widen what is kept
_ROOM: Final = 0.03  # of the shorter side; so far beyond the rough sector its edge is looked for
_CUT: Final = 0.03  # of the image; more that is lit outside the fitted edge is no text
SMALL: Final = "the image is a small part of the frame, so words at its edge may be taken for a part of it"
SECOND_IMAGE: Final = "something large lies outside the sector (a second image?)"

By = Literal["region", "sector", "nothing"]


@dataclass(frozen=True, slots=True, eq=False)
class Cleaning:
    """What is kept of the frames of one scan file.

    Attributes:
        kept: `(height, width)` bool, the pixels that are not blanked.
        sector: Outline of the region that holds ultrasound; None if it was not found.
        by: What tells: the file's ultrasound regions, the sector found in the pixels, or nothing.
        unsure: Why a person must look at the frame before it leaves; empty if the machine is sure.
    """

    kept: NDArray[np.bool_]
    sector: Ring | None
    by: By
    unsure: str = ""

    @property
    def blanked(self) -> float:
        """Share of the frame that is blanked, 0 to 1."""
        return 1 - float(self.kept.mean())

    def clean(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame with the rest blanked; rows and columns stay.

        Args:
            pixels: `(height, width)` uint8.
        """
        return np.where(self.kept, pixels, np.uint8(BLANK))


def plan_cleaning(
    frames: Sequence[NDArray[np.uint8]], *, regions: Sequence[Box] = (), drawn: NDArray[np.bool_] | None = None
) -> Cleaning:
    """Decide what to keep of frames that share a screen.

    Regions from the file's tags are certain. Without them the sector is looked for in the brightest value of each
    pixel over all frames, and where that leaves a doubt, it says so.

    Args:
        frames: `(height, width)` uint8 each, of one size.
        regions: Ultrasound regions from the file's tags.
        drawn: Pixels that somebody outlined. They widen what is kept within the image that was found roughly, or
            within the regions; then a person must look.
    """
    brightest = frames[0] if len(frames) == 1 else np.maximum.reduce(list(frames))
    if regions:
        cleaning, found = _of_regions(brightest, regions), np.zeros(brightest.shape, np.bool_)
        for x0, y0, x1, y1 in regions:
            found[y0:y1, x0:x1] = True
    else:
        cleaning, found = _of_pixels(brightest)
    if drawn is None:
        return cleaning
    more = drawn & found & ~cleaning.kept
    if np.count_nonzero(brightest[more] > _SEEN) < _WIDER:
        return cleaning
    return replace(cleaning, kept=cleaning.kept | more, unsure=cleaning.unsure or DRAWN)


def _of_pixels(pixels: NDArray[np.uint8]) -> tuple[Cleaning, NDArray[np.bool_]]:
    """What to keep without tags, and the sector as it was found roughly."""
    height, width = pixels.shape
    everything = np.ones((height, width), np.bool_)
    ring = find_sector(pixels)
    if ring is None:
        return Cleaning(everything, None, "nothing", NO_SECTOR), everything
    rough = sector_mask(ring, height=height, width=width)
    if rough.mean() > _FILLS:
        return Cleaning(rough, ring, "sector", NO_MARGIN), rough
    if has_second_image(pixels, rough):
        return Cleaning(everything, ring, "nothing", SECOND_IMAGE), rough
    kept, ring, unsure = _tight(pixels, rough, ring)
    if kept.mean() < _LEAST:
        return Cleaning(everything, None, "nothing", NO_SECTOR), everything
    if not unsure:
        unsure = IN_CORNER if _in_top_corner(kept) else SMALL if kept.mean() < _SMALL else ""
    return Cleaning(kept, ring, "sector", unsure), rough


def _of_regions(pixels: NDArray[np.uint8], regions: Sequence[Box]) -> Cleaning:
    """What to keep inside the regions of the tags."""
    kept, ring, unsure = _in_regions(pixels, regions)
    if kept.mean() < _LEAST:
        return Cleaning(np.ones(pixels.shape, np.bool_), None, "nothing", TINY_REGION)
    if kept.mean() > _FILLS:
        return Cleaning(np.ones(pixels.shape, np.bool_), ring, "region", NO_MARGIN)
    return Cleaning(kept, ring, "region", unsure)


def _tight(pixels: NDArray[np.uint8], rough: NDArray[np.bool_], ring: Ring) -> tuple[NDArray[np.bool_], Ring, str]:
    """What to keep if the edge of the image is fitted, its outline, and why a person must look.

    Args:
        pixels: The brightest values.
        rough: The sector that was found; words that stand near it may be in it.
        ring: Its outline.
    """
    height, width = pixels.shape
    ground = int(np.bincount(pixels[~rough], minlength=1).argmax()) if not rough.all() else 0
    room = grown(rough, 2 * round(_ROOM * min(pixels.shape)) + 1)  # a rough sector may be too small at its corners
    edge = fit_edge(pixels, region=room, ground=ground)
    if edge is None:
        return rough, ring, NO_EDGE
    fitted = edge.ring(lowest=max(y for _, y in ring))
    kept = sector_mask(fitted, height=height, width=width)
    if np.count_nonzero(rough & ~kept & (pixels > ground + LIT)) > _CUT * np.count_nonzero(kept):
        return rough, ring, NO_EDGE
    if touches(pixels, kept, ground=ground):
        return kept, fitted, TOUCHING
    return kept, fitted, ON_DARK if line_on_dark(pixels, kept, ground=ground) else ""


def _in_top_corner(kept: NDArray[np.bool_]) -> bool:
    """Whether what is kept reaches a corner: a line of text that touches the sector is taken for a part of it."""
    side = max(1, round(_CORNER * min(kept.shape)))
    return bool(kept[:side, :side].any() or kept[:side, -side:].any())


def _in_regions(pixels: NDArray[np.uint8], regions: Sequence[Box]) -> tuple[NDArray[np.bool_], Ring | None, str]:
    """What to keep inside the regions: of each the image, if its edge is found there, else the whole box."""
    kept = np.zeros(pixels.shape, np.bool_)
    outlines: list[Ring] = []
    doubts: list[str] = []
    for x0, y0, x1, y1 in regions:
        inside = pixels[y0:y1, x0:x1]
        ring = find_sector(inside)
        if ring is None:
            kept[y0:y1, x0:x1] = True
            outlines.append(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
            continue
        rough = sector_mask(ring, height=y1 - y0, width=x1 - x0)
        # An image that fills its region leaves no room for words.
        image, ring, doubt = (rough, ring, "") if rough.mean() > _FILLS else _tight(inside, rough, ring)
        if doubt:
            doubts.append(doubt)
        kept[y0:y1, x0:x1] |= image
        outlines.append(tuple((x + x0, y + y0) for x, y in ring))
    # A frame has one outline; of several regions none stands for all.
    return kept, outlines[0] if len(outlines) == 1 else None, doubts[0] if doubts else ""
