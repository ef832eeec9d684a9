"""How long correcting a draft takes: a stated model of a physician's time, and what measured times change about it.

    seconds = 8 a frame + 3 a structure that is touched + 0.15 a boundary pixel that is drawn anew

Boundary pixels are those on a grid of 128 x 128, whatever the size of the frame: a larger picture of the same outline
takes no longer to draw. The three numbers are assumed until times are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .pool import Floats

GRID: Final = 128  # side of the grid on which boundary pixels are counted
FRAME_S, STRUCTURE_S, PIXEL_S = 8.0, 3.0, 0.15
GOOD_ENOUGH: Final = 0.9  # Dice from which a structure is left as it is drafted
PREDICTED: Final = 0.5  # highest probability from which a structure is expected
MISS_SHARE: Final = 1.5  # of the boundary that is drawn anew, for each point of guessed Dice below GOOD_ENOUGH

_TRUST: Final = 0.5  # how far each number may be off, as a share of it: the width of the prior
_SPREAD: Final = 0.4  # how far single frames are off the model, as a share of their time
_ODD: Final = 2.0  # spreads beyond which a frame counts less and less: somebody had a coffee
_FEW: Final = 5.0  # frames at which their median counts half
_ROUNDS: Final = 20
_LEAST, _MOST = 0.1, 10.0  # how far measured times may move each number


@dataclass(frozen=True, slots=True)
class Pace:
    """A physician's time: seconds a frame, a structure that is touched, a boundary pixel that is drawn anew."""

    frame_s: float = FRAME_S
    structure_s: float = STRUCTURE_S
    pixel_s: float = PIXEL_S

    def seconds(self, work: Floats) -> NDArray[np.float64]:
        """`(n,)` for work `(n, 2)`: structures and pixels."""
        return np.asarray(self.frame_s + work @ np.array([self.structure_s, self.pixel_s]), dtype=np.float64)


PRIOR: Final = Pace()


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What the drafts of many frames show: what a draft without a class lacks.

    Attributes:
        share: `(C,)` share of the frames whose draft shows the class.
        length: `(C,)` median boundary pixels of the class there.
    """

    share: Floats
    length: Floats

    @classmethod
    def of(cls, presence: Floats, length: Floats) -> Usual:
        """From drafts as `expected_work` takes them."""
        there = presence >= PREDICTED
        share = there.mean(0) if len(there) else np.zeros(presence.shape[1])
        pairs = zip(length.T, there.T, strict=True)
        return cls(share, np.array([float(np.median(own[seen])) if seen.any() else 0.0 for own, seen in pairs]))


def expected_work(presence: Floats, guessed: Floats, length: Floats, *, usual: Usual) -> NDArray[np.float64]:
    """`(n, 2)` structures that will be touched and boundary pixels that will be drawn anew.

    A class that a draft does not show is drawn anew with the square of the share of drafts that show it as its
    probability: what nearly all show was most likely missed, what half of them show most likely is not there.

    Args:
        presence: `(n, C)` highest probability of each class.
        guessed: `(n, C)` guessed Dice of each class.
        length: `(n, C)` boundary pixels of the draft on a grid of 128 x 128.
        usual: Of all frames that these are compared with.
    """
    there = presence >= PREDICTED
    missing = np.clip(MISS_SHARE * (GOOD_ENOUGH - guessed), 0, 1)
    lacking = ~there * usual.share**2
    touched = (there * (missing > 0) + lacking).sum(1)
    return np.stack([touched, (there * length * missing + lacking * usual.length).sum(1)], axis=1).astype(np.float64)


def fitted_pace(work: Floats, seconds: Floats, *, prior: Pace = PRIOR) -> Pace:
    """The pace that measured times tell, drawn towards another one as long as they are few.

    The median tells how fast the physician is on the whole; then Bayesian linear regression with a normal prior around
    `prior` times that. A frame far off its forecast counts little (weights of a Cauchy distribution), because a break
    for coffee is no drawing time.

    Args:
        work: `(m, 2)` of the corrected drafts, as `expected_work` gives it.
        seconds: `(m,)` measured.
        prior: The pace without them.
    """
    before = np.array([prior.frame_s, prior.structure_s, prior.pixel_s])
    known = np.isfinite(seconds) & (seconds > 0)
    if not known.any():
        return prior
    measured = np.asarray(seconds, dtype=np.float64)[known]
    parts = np.concatenate([np.ones((len(measured), 1)), work[known]], axis=1) * before
    # How fast this physician is on the whole comes first: else each frame of a slow one would count as odd.
    few = len(measured) / (len(measured) + _FEW)
    whole = float(np.clip(np.median(measured / parts.sum(1)) ** few, _LEAST, _MOST))
    factors: NDArray[np.float64] = np.full(3, whole)  # of the prior's numbers
    trust = 1 / (_TRUST * whole) ** 2
    for _ in range(_ROUNDS):
        forecast = parts @ factors
        off = (measured - forecast) / (_SPREAD * forecast)
        weight = 1 / (1 + (off / _ODD) ** 2) / (_SPREAD * forecast) ** 2
        normal = parts.T @ (weight[:, None] * parts) + np.eye(3) * trust
        pull = parts.T @ (weight * measured) + whole * trust
        new = np.asarray(np.clip(np.linalg.solve(normal, pull), _LEAST, _MOST), dtype=np.float64)
        if np.abs(new - factors).max() < 1e-6:
            break
        factors = new
    return Pace(*(float(value) for value in before * factors))


def told_seconds(seconds: float) -> str:
    """A time in words, to 5 s: *about 40 s*."""
    return f"about {max(5, round(seconds / 5) * 5)} s"
