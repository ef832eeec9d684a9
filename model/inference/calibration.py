"""Calibration: correct a network's probabilities, and measure how right they are.

It is fitted on validation patients and measured on others. Networks trained with Dice are too sure (Mehrtash et al.
2020, doi:10.1109/TMI.2020.3006437). Only pixels near a structure count, because any network is right in the empty
background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Curve = tuple[tuple[float, float], ...]
"""Points of probability and the share of such pixels that are of the class. Both rise. Empty for no change."""

REACH: Final = 10.0  # px: only pixels so near to predicted or drawn foreground count
BINS: Final = 15
KNOTS: Final = 8  # points of a class's curve: more would overfit the few validation patients
_SAMPLED: Final = 1500  # pixels of each class and frame that are enough for the fit
_FEW: Final = 8  # with fewer structures the guess of Dice is not fitted


@dataclass(frozen=True, slots=True)
class Calibration:
    """How layers' probabilities are corrected, and how a structure's Dice is guessed from them.

    A probability is replaced by the share of pixels with such a probability that were of the class. This is histogram
    binning (Zadrozny & Elkan 2001) with equally many pixels in each bin, made monotonic (their isotonic regression of
    2002, doi:10.1145/775047.775151), with straight lines between the bins. It never reverses the order of pixels, and
    outlines do not depend on it. It holds near structures, where it was fitted. Far from them, where pixels are surely
    background, it would make thousands of pixels unsure.

    Attributes:
        curves: The curve of each class.
        dice_slope: Slope of the line from the Dice that the probabilities expect to the guessed Dice.
        dice_offset: Offset of this line.
    """

    curves: tuple[Curve, ...]
    dice_slope: float = 1.0
    dice_offset: float = 0.0

    @classmethod
    def none(cls, classes: int) -> Calibration:
        """No correction."""
        return cls(((),) * classes)

    @classmethod
    def of(cls, details: Mapping[str, Any], names: Sequence[str]) -> Calibration:
        """The calibration in a model's card, in the order of `names`; no correction if the card has none."""
        told = details.get("calibration") or {}
        if "curves" not in told:  # not calibrated, or by an old version that stored slopes
            return cls.none(len(names))
        curves = tuple(tuple((float(p), float(share)) for p, share in told["curves"][name]) for name in names)
        return cls(curves, float(told["dice"]["slope"]), float(told["dice"]["offset"]))

    def for_card(self, names: Sequence[str]) -> dict[str, Any]:
        """JSON values for the card, which `of` reads."""
        return {
            "curves": {name: [list(point) for point in curve] for name, curve in zip(names, self.curves, strict=True)},
            "dice": {"slope": self.dice_slope, "offset": self.dice_offset},
        }

    def layers(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Corrected probabilities of layers `(classes, h, w)`; they hold within `REACH` of a structure."""
        return np.stack([_along(curve, layer) for curve, layer in zip(self.curves, p, strict=True)])

    def dice(self, p: NDArray[np.float32], mask: Mask) -> float:
        """The guessed Dice of a structure, 0 to 1; 0 without an outline.

        Args:
            p: Its layer's uncorrected probabilities `(h, w)`.
            mask: Its outline on the same grid.
        """
        if not mask.any():
            return 0.0
        return float(np.clip(self.dice_offset + self.dice_slope * expected_dice(p, mask), 0, 1))


def _along(curve: Curve, p: NDArray[np.float32]) -> NDArray[np.float32]:
    if not curve:
        return p
    x, share = np.array(curve).T
    return np.asarray(np.interp(p, x, share), np.float32)


def expected_dice(p: NDArray[np.float32], mask: Mask) -> float:
    """The Dice of a mask that the probabilities `p` expect: twice the sum of `p` in the mask, over both sizes."""
    total = float(mask.sum() + p.sum())
    return 2 * float(p[mask].sum()) / total if total else 0.0


def near(predicted: Mask, drawn: Mask, *, reach: float = REACH) -> Mask:
    """The pixels within `reach` of predicted or drawn foreground."""
    either = predicted | drawn
    found = np.zeros_like(either)
    rows, columns = np.flatnonzero(either.any(1)), np.flatnonzero(either.any(0))
    if not len(rows):
        return found
    margin = int(np.ceil(reach))
    window = (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    found[window] = np.asarray(ndimage.distance_transform_edt(~either[window])) <= reach
    return found


@dataclass(slots=True, eq=False)
class Reliability:
    """How right probabilities near structures are; filled frame by frame.

    Attributes:
        counts: `(classes, BINS)`: numbers of pixels, binned by probability.
        sums: Sums of their probabilities.
        hits: Numbers of those pixels that are of the class.
    """

    counts: Floats
    sums: Floats
    hits: Floats

    @classmethod
    def empty(cls, classes: int) -> Reliability:
        """Nothing seen yet."""
        return cls(*(np.zeros((classes, BINS)) for _ in range(3)))

    def add(self, k: int, p: NDArray[np.float32], drawn: Mask, where: Mask) -> None:
        """Count the pixels `where` of class `k`."""
        q, y = p[where].astype(np.float64), drawn[where]
        bins = np.minimum((q * BINS).astype(np.int64), BINS - 1)
        self.counts[k] += np.bincount(bins, minlength=BINS)
        self.sums[k] += np.bincount(bins, q, minlength=BINS)
        self.hits[k] += np.bincount(bins, y.astype(np.float64), minlength=BINS)

    def join(self, other: Reliability) -> None:
        """Add the counts of another."""
        self.counts += other.counts
        self.sums += other.sums
        self.hits += other.hits

    def error(self) -> Floats:
        """Expected calibration error of each class: mean distance between probability and true share, by pixels."""
        total = self.counts.sum(1)
        gap = np.abs(self.sums - self.hits).sum(1)
        return np.asarray(np.divide(gap, total, out=np.full_like(total, np.nan), where=total > 0))


@dataclass(slots=True, eq=False)
class Evidence:
    """What a calibration is fitted on: pixels near structures, and structures' Dice; filled frame by frame."""

    classes: int
    pixels: list[list[Floats]] = field(default_factory=list)  # for each class and frame `(3, n)`: see `add`
    structures: list[tuple[float, float]] = field(default_factory=list)  # expected and true Dice

    def __post_init__(self) -> None:
        self.pixels = [[] for _ in range(self.classes)]

    def add(self, k: int, p: NDArray[np.float32], predicted: Mask, drawn: Mask, *, reach: float) -> None:
        """Add a frame's layer of class `k`, which must be covered in the frame; on any grid.

        Args:
            k: The class.
            p: Uncorrected probabilities `(h, w)`.
            predicted: The model's mask.
            drawn: The physician's mask.
            reach: `REACH` in pixels of this grid.
        """
        places = np.flatnonzero(near(predicted, drawn, reach=reach))
        each = max(1, len(places) // _SAMPLED)  # one pixel in so many is used, and stands for them
        places = places[::each]
        own = (p.ravel()[places], drawn.ravel()[places], np.full(len(places), each))
        self.pixels[k].append(np.stack(own).astype(np.float64))
        size = int(predicted.sum() + drawn.sum())
        if drawn.any() and predicted.any():
            self.structures.append((expected_dice(p, predicted), 2 * float((predicted & drawn).sum()) / size))

    def joined(self, *others: Evidence) -> Evidence:
        """This and other evidence of the same classes."""
        made = Evidence(self.classes)
        for one in (self, *others):
            for k in range(self.classes):
                made.pixels[k] += one.pixels[k]
            made.structures += one.structures
        return made

    def fit(self) -> Calibration:
        """Fit the calibration to the evidence."""
        curves = tuple(_curve(*np.concatenate(own, axis=1)) if own else () for own in self.pixels)
        made = Calibration(curves)
        if len(self.structures) < _FEW:
            return made
        x, dice = np.array(self.structures).T
        slope = float(np.cov(x, dice)[0, 1] / max(x.var(ddof=1), 1e-6))
        if slope <= 0:  # too few structures, or all alike: then the expected Dice is the better guess
            return made
        return Calibration(curves, round(slope, 5), round(float(dice.mean() - slope * x.mean()), 5))


def _curve(p: Floats, hit: Floats, weight: Floats) -> Curve:
    """Points of probability and share of hits; no points if all pixels or no pixels are of the class."""
    order = np.argsort(p, kind="stable")
    p, hit, weight = p[order], hit[order], weight[order]
    if not weight @ hit or weight @ hit == weight.sum():
        return ()
    before = np.cumsum(weight) - weight / 2
    bins = np.minimum((before * (KNOTS / weight.sum())).astype(np.int64), KNOTS - 1)
    total = np.bincount(bins, weight, minlength=KNOTS)
    kept = total > 0
    mean = np.bincount(bins, weight * p, minlength=KNOTS)[kept] / total[kept]
    hits = np.bincount(bins, weight * hit, minlength=KNOTS)[kept]
    x, bin_of = np.unique(np.round(mean, 6), return_inverse=True)  # bins of the same probability are joined
    size = np.bincount(bin_of, total[kept])
    share = optimize.isotonic_regression(np.bincount(bin_of, hits) / size, weights=size).x
    return tuple(zip(x.tolist(), np.round(share, 5).tolist(), strict=True))
