"""One simulated round after the other: choose, draw or correct; a chain is one strategy with one seed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from functools import partial
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...annotate.errors import UsageError
from ..selection.seconds import GRID, PRIOR, Usual, expected_work, fitted_pace
from ..selection.strategies import STRATEGIES, Choice, Labelled, Parts, Pool, Strategy, informative
from .effort import Effort
from .scoring import Scores

PIXELS: Final = 16  # side of the down-scaled frames that tell near-copies apart
Indices = NDArray[np.intp]


def strategy_of(text: str) -> Strategy:
    """A strategy by name; `informative:no-time+lead=2` is `informative` with parts switched off and numbers changed.

    Raises:
        UsageError: There is no such strategy or part.
    """
    name, _, changes = text.partition(":")
    if name not in STRATEGIES or (changes and name != "informative"):
        raise UsageError("simulate", f"{text!r} is no strategy", f"Use some of {', '.join(STRATEGIES)}")
    if not changes:
        return STRATEGIES[name]
    known = {f.name: f for f in fields(Parts)}
    values: dict[str, Any] = {}
    for change in changes.split("+"):
        off, number = re.fullmatch(r"no-(\w+)", change), re.fullmatch(r"(\w+)=(\d+(?:\.\d+)?)", change)
        part = off[1] if off else number[1] if number else change
        if part not in known or not (off or number):
            what = f"{change!r} in {text!r} is no part of informative"
            raise UsageError("simulate", what, f"Write no-PART or PART=NUMBER with one of {', '.join(known)}")
        default = getattr(Parts(), part)
        values[part] = False if off else type(default)(float(number[2])) if number else default
    return partial(informative, parts=replace(Parts(), **values))


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames of a simulation, `n` of them.

    Attributes:
        ids: `(n,)` frame ids.
        patients: `(n,)` pseudonyms or numbers.
        clips: `(n,)`; where nothing is known, a patient is one clip.
        names: Of the classes.
        small: `(n, PIXELS * PIXELS)` down-scaled frames, of `small_frames`.
    """

    ids: NDArray[Any]
    patients: NDArray[Any]
    clips: NDArray[Any]
    names: tuple[str, ...]
    small: NDArray[np.float32]


def small_frames(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames `(n, S, S)` -> `(n, PIXELS * PIXELS)`, each of zero mean and unit deviation; S a multiple of PIXELS."""
    n, side = len(pixels), pixels.shape[-1] // PIXELS
    small = pixels.reshape(n, PIXELS, side, PIXELS, side).mean((2, 4)).reshape(n, -1)
    return np.asarray((small - small.mean(1, keepdims=True)) / (small.std(1, keepdims=True) + 1e-3))


@dataclass(slots=True, eq=False)
class State:
    """Where a chain stands.

    Attributes:
        labelled: Rows of the frames, in the order in which they were labelled.
        rounds: Rounds done.
        seconds: Of the simulated physician so far.
        round_seconds: Of the last round.
        round_forecast: What was forecast for it.
        tally: What the physician did so far, by name.
        measured: Seconds of every corrected frame so far.
        work: The same as expected before, `(m, 2)` structures and pixels.
    """

    labelled: Indices
    rounds: int = 0
    seconds: float = 0.0
    round_seconds: float = 0.0
    round_forecast: float = 0.0
    tally: Counter[str] = field(default_factory=Counter)
    measured: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    work: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    def digest(self, frames: FrameTable) -> str:
        """A hash of which frames are labelled."""
        return sha256("".join(sorted(str(i) for i in frames.ids[self.labelled])).encode()).hexdigest()[:12]


def first_rows(frames: FrameTable, pool: Indices, *, seed: int, count: int) -> Indices:
    """The first frames, the same for all strategies of a seed: patient-stratified random."""
    chosen = STRATEGIES["stratified"](_bare(frames, pool, np.random.default_rng([seed, count])), count)
    return pool[[c.index for c in chosen]]


def begun(rows: Indices, cost: Effort, tally: Counter[str] | None = None) -> State:
    """The state after the first round, in which everything is drawn from nothing."""
    seconds = float(cost.seconds.sum())
    return State(rows, 1, seconds, seconds, tally=_tallied(cost, tally))


def _bare(frames: FrameTable, rows: Indices, rng: np.random.Generator) -> Pool:
    ids, clips, patients = (tuple(str(v) for v in a[rows]) for a in (frames.ids, frames.clips, frames.patients))
    return Pool(ids, clips, patients, rng, frames.names, pixels=frames.small[rows])


def pool_of(
    frames: FrameTable, pool: Indices, state: State, scores: Scores, *, seed: int, budget: int, planned: int
) -> Pool:
    """What a strategy may know before the round that ends at `budget`.

    Args:
        frames: All frames.
        pool: Rows of those that may be labelled.
        state: What is labelled.
        scores: Of all of `pool`, in its order.
        seed: Of the chain.
        budget: Labelled frames after the round; with the seed it decides all randomness.
        planned: Rounds that are planned in all.
    """
    known = np.isin(pool, state.labelled)
    new = ~known
    pace = fitted_pace(state.work, state.measured) if len(state.measured) else PRIOR
    clips, patients = (tuple(str(v) for v in a[pool[known]]) for a in (frames.clips, frames.patients))
    return replace(
        _bare(frames, pool[new], np.random.default_rng([seed, budget])),
        entropy=scores.entropy[new],
        presence=scores.presence[new],
        guessed=scores.guessed[new],
        whole_entropy=scores.whole_entropy[new],
        whole_margin=scores.whole_margin[new],
        whole_bald=scores.whole_bald[new],
        bald=scores.bald[new],
        embeddings=scores.embeddings[new],
        gradients=scores.gradients[new],
        seconds=pace.seconds(work_of(scores, new)),
        labelled=Labelled(patients, clips, scores.embeddings[known], frames.small[pool[known]]),
        round_number=state.rounds,
        planned_rounds=planned,
    )


def work_of(scores: Scores, rows: Indices | NDArray[np.bool_]) -> NDArray[np.float64]:
    """`(n, 2)` structures and boundary pixels that correcting the drafts of some frames is expected to take."""
    length = scores.length * (GRID / scores.drafts.shape[-1])
    usual = Usual.of(scores.presence, length)
    return expected_work(scores.presence[rows], scores.guessed[rows], length[rows], usual=usual)


def chosen_rows(pool: Indices, state: State, chosen: list[Choice]) -> tuple[Indices, Indices]:
    """The rows of the frames that a strategy chose, and their places in `pool`."""
    picked = np.array([c.index for c in chosen], np.intp)
    rows = pool[np.isin(pool, state.labelled, invert=True)][picked]
    return rows, np.searchsorted(pool, rows)


def corrected(
    state: State,
    rows: Indices,
    cost: Effort,
    *,
    work: NDArray[np.float64],
    forecast: NDArray[np.float64],
    tally: Counter[str] | None = None,
) -> State:
    """The state after the physician corrected the drafts of the chosen frames.

    Args:
        state: Before.
        rows: The chosen frames.
        cost: What they cost.
        work: What was expected of each, of `work_of`.
        forecast: The seconds that were forecast for each.
        tally: What else the physician did, by name.
    """
    seconds = float(cost.seconds.sum())
    return State(
        np.concatenate([state.labelled, rows]),
        state.rounds + 1,
        state.seconds + seconds,
        seconds,
        float(forecast.sum()),
        state.tally + _tallied(cost, tally),
        np.concatenate([state.measured, cost.seconds]),
        np.concatenate([state.work, work]),
    )


def _tallied(cost: Effort, more: Counter[str] | None) -> Counter[str]:
    own = {"touched": int(cost.touched.sum()), "accepted": int(cost.accepted.sum()), "added_px": int(cost.added.sum())}
    return Counter(own) + (more or Counter())
