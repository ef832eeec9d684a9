"""What more labelled frames would bring: about so many frames, so many hours, to a Dice. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ...annotate.wording import counted
from .correction import Correction, Raw
from .families import LEAST_POINTS, NOISE, Curves, Point, fit_curves

# Learnt from the curves of six strategies, five seeds each, on the development set (benchmarks/simulate.py prints it).
# Only a sixth of what the fitted curves promise came true there.
DEVELOPMENT_SET: Final = Correction(kept=0.16, width=0.82, count=180)
STEP: Final = 0.05  # Dice: the goal is the next multiple of it
MOST_TIMES: Final = 16  # times the frames that there are: no forecast looks further ahead
SECONDS_A_FRAME: Final = 60.0  # assumed, where no times are measured
_TRIES: Final = 65


@dataclass(frozen=True, slots=True)
class Ahead:
    """The forecast Dice with more frames, and the bounds of its interval."""

    frames: float
    dice: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Goal:
    """How many frames in all a Dice takes.

    Attributes:
        dice: The Dice.
        frames: About so many.
        soonest: Where the interval's upper bound reaches it.
        latest: Where its lower bound does; None if not within `MOST_TIMES` times the frames.
    """

    dice: float
    frames: float
    soonest: float
    latest: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the learning curve of a workspace says.

    Attributes:
        frames: Frames that the model with the most has learnt from.
        dice: Dice of the curve there.
        doubled: With twice as many frames.
        goal: The next multiple of `STEP`.
        reached: How many frames the goal takes; None if it is not forecast within `MOST_TIMES` times the frames.
        pays: Whether more frames still pay; None with too few points to say so.
    """

    frames: float
    dice: float
    doubled: Ahead
    goal: float
    reached: Goal | None
    pays: bool | None

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def joined(points: Sequence[Point]) -> list[Point]:
    """One point for each number of frames, the mean of its Dice, fewest frames first."""
    by_frames: dict[float, list[float]] = defaultdict(list)
    for frames, dice in points:
        by_frames[frames].append(dice)
    return [(frames, sum(dice) / len(dice)) for frames, dice in sorted(by_frames.items())]


def outlook(points: Sequence[Point], *, correction: Correction = DEVELOPMENT_SET) -> Outlook | None:
    """Forecast from points in any order; None with fewer than `LEAST_POINTS` different numbers of frames."""
    points = joined(points)
    if len(points) < LEAST_POINTS:
        return None
    curves, last = fit_curves(points), points[-1][0]
    here = curves.at(last)[0]
    goal = (math.floor(here / STEP + 1e-9) + 1) * STEP
    return Outlook(
        frames=last,
        dice=here,
        doubled=ahead(curves, last=last, frames=2 * last, correction=correction),
        goal=goal,
        reached=frames_to(curves, goal, last=last, correction=correction),
        pays=pays(points),
    )


def ahead(curves: Curves, *, last: float, frames: float, correction: Correction) -> Ahead:
    """The corrected Dice with `frames` frames; `last` are those of the last point."""
    raw = Raw.of(curves, last=last, frames=frames)
    return Ahead(frames, correction.middle(raw), *correction.interval(raw))


def frames_to(curves: Curves, goal: float, *, last: float, correction: Correction) -> Goal | None:
    """How many frames a Dice takes; None if it is not forecast within `MOST_TIMES` times those of the last point."""
    tries = [last * MOST_TIMES ** (k / (_TRIES - 1)) for k in range(_TRIES)]
    found = [ahead(curves, last=last, frames=n, correction=correction) for n in tries]
    middle = next((a.frames for a in found if a.dice >= goal), None)
    if middle is None:
        return None
    soonest = next(a.frames for a in found if a.high >= goal)
    return Goal(goal, middle, soonest, next((a.frames for a in found if a.low >= goal), None))


def promised(points: Sequence[Point]) -> float:
    """The Dice that twice as many frames bring by the fitted curves, without a correction: they are optimistic."""
    curves, last = fit_curves(points), points[-1][0]
    return curves.at(2 * last)[0] - curves.at(last)[0]


def pays(points: Sequence[Point]) -> bool | None:
    """Whether more frames still pay.

    They do not where even the optimistic curves promise less for twice as many frames than one training differs from
    the next by, `NOISE`, and already did so one model before.

    Returns:
        None with fewer than `LEAST_POINTS` + 1 points, fewest frames first: nothing was forecast before.
    """
    if len(points) <= LEAST_POINTS:
        return None
    return any(promised(points[:known]) >= NOISE for known in (len(points) - 1, len(points)))


def told(found: Outlook, *, seconds_a_frame: float | None = None) -> list[str]:
    """An outlook in lines for a person.

    Args:
        found: The outlook.
        seconds_a_frame: Measured; None where nothing is.
    """
    seconds = SECONDS_A_FRAME if seconds_a_frame is None else seconds_a_frame
    basis = f"at {seconds:.0f} s a frame, {'assumed' if seconds_a_frame is None else 'measured'}"
    more = found.doubled.frames - found.frames
    lines = [
        f"Forecast: {_frames(more)} more frames, {_hours(more * seconds)} ({basis}), to Dice "
        f"{found.doubled.dice:.2f} ({found.doubled.low:.2f} to {found.doubled.high:.2f}); now {found.dice:.2f}."
    ]
    if found.reached is None and found.goal <= 1:
        lines.append(f"  Dice {found.goal:.2f} is not forecast with up to {MOST_TIMES} times as many frames.")
    elif found.reached is not None:
        need, soonest = found.reached.frames - found.frames, found.reached.soonest - found.frames
        latest = found.reached.latest
        until = "or never" if latest is None else f"to {_frames(latest - found.frames)}"
        lines.append(
            f"  Dice {found.goal:.2f}: {_frames(need)} more frames, {_hours(need * seconds)} "
            f"(from {_frames(soonest)} more on, {until})."
        )
    if found.pays is False:
        lines.append(
            f"  More frames hardly pay any more: at the last two models, twice as many frames promised less than the "
            f"{NOISE:g} Dice by which one training differs from the next. Other kinds of scans may still teach it."
        )
    return lines


def too_few(models: int) -> str:
    """The line where there is no forecast yet; `models` are those with a Dice and a number of frames of their own."""
    return (
        f"No forecast: too few models yet. {counted(models, 'models')} with a number of frames of their own "
        f"{'was' if models == 1 else 'were'} judged; it takes {LEAST_POINTS}."
    )


def _frames(n: float) -> str:
    """A number of frames, to two digits: more would look exact."""
    if n < 1:
        return "0"
    digits = max(0, math.floor(math.log10(n)) - 1)
    return f"about {round(n / 10**digits) * 10**digits:,}"


def _hours(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
