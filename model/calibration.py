"""What a network's probabilities are worth: fitted on validation patients, measured on others.

Networks trained with Dice are surer than they are right (Mehrtash et al. 2020, doi:10.1109/TMI.2020.3006437). What
counts is how sure they are near a structure, not in the empty background, where each is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

REACH: Final = 10.0  # px: how near to predicted or drawn foreground a pixel is looked at
BINS: Final = 15
_LEAST: Final = 1e-7  # probabilities are kept off 0 and 1 by this much
_SAMPLED: Final = 1500  # pixels of each class and frame that are enough to fit by
_FEW: Final = 8  # structures by which a Dice cannot be learnt to be predicted


@dataclass(frozen=True, slots=True)
class Calibration:
    """How layers' probabilities are corrected, and how a structure's Dice is guessed from them.

    Of each layer the log-odds are multiplied and shifted (temperature scaling, Guo et al. 2017, arXiv:1706.04599, with
    Platt's offset, a layer at a time): the order of pixels stays, and so do the outlines. It holds near structures,
    where it was fitted; far from them, where each pixel is surely background, it would make thousands of them unsure.

    Attributes:
        slopes: Of each class; a temperature's inverse.
        offsets: Of each class, in log-odds.
        dice_slope: Of the guessed Dice against the one that the probabilities expect.
        dice_offset: Likewise.
    """

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]
    dice_slope: float = 1.0
    dice_offset: float = 0.0

    @classmethod
    def none(cls, classes: int) -> Calibration:
        """Probabilities as they come."""
        return cls((1.0,) * classes, (0.0,) * classes)

    @classmethod
    def of(cls, details: Mapping[str, Any], names: Sequence[str]) -> Calibration:
        """What a model's card holds, in the order of `names`; none where it holds nothing."""
        told = details.get("calibration")
        if not told:
            return cls.none(len(names))
        own = [told["classes"][name] for name in names]
        return cls(
            tuple(float(c["slope"]) for c in own),
            tuple(float(c["offset"]) for c in own),
            float(told["dice"]["slope"]),
            float(told["dice"]["offset"]),
        )

    def for_card(self, names: Sequence[str]) -> dict[str, Any]:
        """What `of` reads."""
        classes = zip(names, self.slopes, self.offsets, strict=True)
        return {
            "classes": {n: {"slope": round(s, 5), "offset": round(o, 5)} for n, s, o in classes},
            "dice": {"slope": round(self.dice_slope, 5), "offset": round(self.dice_offset, 5)},
        }

    def layers(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of layers `(classes, h, w)`, corrected; to be believed within `REACH` of a structure."""
        slopes = np.array(self.slopes, np.float32)[:, None, None]
        offsets = np.array(self.offsets, np.float32)[:, None, None]
        return np.asarray(special.expit(slopes * log_odds(p) + offsets), np.float32)

    def dice(self, p: NDArray[np.float32], mask: Mask) -> float:
        """The Dice that a structure's outline is guessed to have against a physician's, 0 to 1; 0 without an outline.

        Args:
            p: Its layer's probabilities `(h, w)`, as they come.
            mask: Its outline on the same grid.
        """
        if not mask.any():
            return 0.0
        return float(np.clip(self.dice_offset + self.dice_slope * expected_dice(p, mask), 0, 1))


def log_odds(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of probabilities, kept finite."""
    q = np.clip(p, _LEAST, 1 - _LEAST).astype(np.float32)
    return np.asarray(np.log(q) - np.log1p(-q), np.float32)


def expected_dice(p: NDArray[np.float32], mask: Mask) -> float:
    """Dice of a mask against a truth drawn pixel by pixel from `p`: twice what it holds of `p`, over both sizes."""
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
    """How often pixels near a structure that got a probability are of it; filled frame by frame.

    Attributes:
        counts: `(classes, BINS)`: pixels by probability.
        sums: Their probabilities.
        hits: Those that are of the class.
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

    def error(self) -> Floats:
        """Expected calibration error of each class: mean distance of probability and share, weighed by pixels."""
        total = self.counts.sum(1)
        gap = np.abs(self.sums - self.hits).sum(1)
        return np.asarray(np.divide(gap, total, out=np.full_like(total, np.nan), where=total > 0))


@dataclass(slots=True, eq=False)
class Evidence:
    """What a calibration is fitted by: pixels near structures, and structures' Dice; filled frame by frame."""

    classes: int
    odds: list[list[NDArray[np.float32]]] = field(default_factory=list)
    hits: list[list[Mask]] = field(default_factory=list)
    structures: list[tuple[float, float]] = field(default_factory=list)  # expected and true Dice

    def __post_init__(self) -> None:
        self.odds = [[] for _ in range(self.classes)]
        self.hits = [[] for _ in range(self.classes)]

    def add(self, k: int, p: NDArray[np.float32], predicted: Mask, drawn: Mask, *, reach: float) -> None:
        """A frame's layer of class `k`, which its annotator covered: probabilities as they come, on any grid.

        Args:
            k: The class.
            p: `(h, w)`.
            predicted: Its outline.
            drawn: The physician's.
            reach: `REACH` in pixels of this grid.
        """
        places = np.flatnonzero(near(predicted, drawn, reach=reach))
        places = places[:: max(1, len(places) // _SAMPLED)]
        self.odds[k].append(log_odds(p.ravel()[places]))
        self.hits[k].append(drawn.ravel()[places])
        size = int(predicted.sum() + drawn.sum())
        if drawn.any() and predicted.any():
            self.structures.append((expected_dice(p, predicted), 2 * float((predicted & drawn).sum()) / size))

    def fit(self) -> Calibration:
        """The calibration that makes what was seen likeliest."""
        slopes, offsets = [], []
        for odds, hits in zip(self.odds, self.hits, strict=True):
            z = np.concatenate(odds).astype(np.float64) if odds else np.zeros(0)
            y = np.concatenate(hits) if hits else np.zeros(0, bool)
            slope, offset = _platt(z, y) if y.any() and not y.all() else (1.0, 0.0)
            slopes.append(slope)
            offsets.append(offset)
        made = Calibration(tuple(slopes), tuple(offsets))
        if len(self.structures) < _FEW:
            return made
        x, dice = np.array(self.structures).T
        slope = float(np.cov(x, dice)[0, 1] / max(x.var(ddof=1), 1e-6))
        if slope <= 0:  # too few structures, or all alike: better the expected one than one turned round
            return made
        return Calibration(made.slopes, made.offsets, slope, float(dice.mean() - slope * x.mean()))


def _platt(z: Floats, y: Mask) -> tuple[float, float]:
    """Slope and offset of the log-odds `z` under which `y` is likeliest; a slope is never negative."""
    sign = np.where(y, -1.0, 1.0)

    def loss(w: Floats) -> float:
        # The last term keeps a class of few pixels near what it is.
        return float(np.logaddexp(0, sign * (w[0] * z + w[1])).mean()) + 1e-4 * float((w[0] - 1) ** 2 + w[1] ** 2)

    found = optimize.minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.01, 10), (-10, 10)])
    return float(found.x[0]), float(found.x[1])
