"""One simulated round after the other: choose, draw or correct, train; a chain is one strategy with one seed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import partial
from hashlib import sha256
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation.effort import effort
from simulation.scoring import Scores
from simulation.training import Frames

from dmr.active.selection.seconds import PRIOR, expected_work, fitted_pace
from dmr.active.selection.strategies import STRATEGIES, Choice, Labelled, Parts, Pool, Strategy, informative

INITIAL: Final = 16
PIXELS: Final = 16  # side of the down-scaled frames that tell near-copies apart
PLANNED: Final = 6  # rounds: 16, 32, 64, 128, 256, and one that would follow


def strategy_of(text: str) -> Strategy:
    """A strategy by name; `informative:no-time+slack=2` is `informative` with parts switched off and numbers changed.

    Raises:
        SystemExit: There is no such strategy or part.
    """
    name, _, changes = text.partition(":")
    if name not in STRATEGIES or (changes and name != "informative"):
        raise SystemExit(f"{text}: not a strategy. Use one of {', '.join(STRATEGIES)}, or informative:no-PART")
    if not changes:
        return STRATEGIES[name]
    known = {f.name: f for f in fields(Parts)}
    values: dict[str, Any] = {}
    for change in changes.split("+"):
        off, number = re.fullmatch(r"no-(\w+)", change), re.fullmatch(r"(\w+)=([\d.]+)", change)
        part = off[1] if off else number[1] if number else change
        if part not in known or not (off or number):
            raise SystemExit(f"{text}: {change} is no part of informative. Use one of {', '.join(known)}")
        default = getattr(Parts(), part)
        values[part] = False if off else type(default)(float(number[2])) if number else default
    return partial(informative, parts=replace(Parts(), **values))


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The packed frames, on this side and on the device.

    Attributes:
        frames: On the device.
        ids: `(N,)`.
        patients: `(N,)` numbers.
        folds: `(N,)`.
        names: Of the classes.
        small: `(N, PIXELS * PIXELS)` down-scaled frames.
    """

    frames: Frames
    ids: NDArray[np.str_]
    patients: NDArray[np.int_]
    folds: NDArray[np.int_]
    names: tuple[str, ...]
    small: NDArray[np.float32]

    @classmethod
    def load(cls, path: Any, device: torch.device) -> Packed:
        """Read what `simulation.pack` wrote."""
        with np.load(path) as packed:
            pixels = packed["pixels"].astype(np.float32)
            n, side = len(pixels), pixels.shape[-1] // PIXELS
            small = pixels.reshape(n, PIXELS, side, PIXELS, side).mean((2, 4)).reshape(n, -1)
            small = (small - small.mean(1, keepdims=True)) / (small.std(1, keepdims=True) + 1e-3)
            return cls(
                Frames.of(packed, device),
                packed["ids"],
                packed["patients"].astype(int),
                packed["folds"].astype(int),
                tuple(str(name) for name in packed["names"]),
                small,
            )

    def at(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Rows as an index on the device."""
        return torch.from_numpy(np.asarray(rows)).to(self.frames.pixels.device)


@dataclass(slots=True)
class State:
    """Where a chain stands.

    Attributes:
        labelled: Rows of the packed frames.
        seconds: Of the simulated physician so far.
        round_seconds: Of the last round.
        round_forecast: What was forecast for it.
        accepted: Structures left as drafted, so far.
        measured: Seconds of every corrected frame so far.
        work: The same as expected before, structures and pixels.
    """

    labelled: NDArray[np.intp]
    seconds: float = 0.0
    round_seconds: float = 0.0
    round_forecast: float = 0.0
    accepted: int = 0
    measured: list[NDArray[np.float64]] = field(default_factory=list)
    work: list[NDArray[np.float64]] = field(default_factory=list)

    def digest(self, packed: Packed) -> str:
        """A hash of which frames are labelled."""
        return sha256("".join(sorted(packed.ids[self.labelled])).encode()).hexdigest()[:12]

    def copy(self) -> State:
        """Another chain that begins where this one stands."""
        return replace(self, labelled=self.labelled.copy(), measured=[*self.measured], work=[*self.work])


def initial(packed: Packed, pool: NDArray[np.intp], seed: int, *, count: int = INITIAL) -> State:
    """The first frames, the same for all strategies: patient-stratified random, drawn from nothing."""
    rng = np.random.default_rng([seed, count])
    chosen = STRATEGIES["stratified"](_bare(packed, pool, rng), count)
    rows = pool[[c.index for c in chosen]]
    cost = effort(packed.frames.targets[packed.at(rows)], len(packed.names), None)
    return State(rows, float(cost.seconds.sum()), float(cost.seconds.sum()))


def _bare(packed: Packed, rows: NDArray[np.intp], rng: np.random.Generator) -> Pool:
    patients = tuple(str(p) for p in packed.patients[rows])
    return Pool(
        tuple(str(i) for i in packed.ids[rows]), patients, patients, rng, packed.names, pixels=packed.small[rows]
    )


def pool_of(packed: Packed, pool: NDArray[np.intp], state: State, scores: Scores, *, seed: int, budget: int) -> Pool:
    """What a strategy may know before the round that ends at `budget`.

    Args:
        packed: All frames.
        pool: Rows of those that may be labelled.
        state: What is labelled.
        scores: Of all of `pool`, in its order.
        seed: Of the chain.
        budget: Labelled frames after the round; with the seed it decides all randomness.
    """
    known = np.isin(pool, state.labelled)
    new = ~known
    rng = np.random.default_rng([seed, budget])
    patients = tuple(str(p) for p in packed.patients[pool[known]])
    pace = fitted_pace(np.concatenate(state.work), np.concatenate(state.measured)) if state.measured else PRIOR
    return replace(
        _bare(packed, pool[new], rng),
        entropy=scores.entropy[new],
        presence=scores.presence[new],
        guessed=scores.guessed[new],
        whole_entropy=scores.whole_entropy[new],
        whole_margin=scores.whole_margin[new],
        whole_bald=scores.whole_bald[new],
        bald=scores.bald[new],
        embeddings=scores.embeddings[new],
        gradients=scores.gradients[new],
        seconds=pace.seconds(expected_work(scores.presence[new], scores.guessed[new], scores.length[new])),
        labelled=Labelled(patients, patients, scores.embeddings[known], packed.small[pool[known]]),
        round_number=int(np.log2(len(state.labelled) // INITIAL)) + 1,
        planned_rounds=PLANNED,
    )


def correct(
    packed: Packed, pool: NDArray[np.intp], state: State, scores: Scores, asked: Pool, chosen: list[Choice]
) -> State:
    """The physician corrects the drafts of the chosen frames; the state afterwards."""
    picked = np.array([c.index for c in chosen], np.intp)
    rows = pool[np.isin(pool, state.labelled, invert=True)][picked]
    place = np.searchsorted(pool, rows)
    cost = effort(packed.frames.targets[packed.at(rows)], len(packed.names), scores.drafts[packed.at(place)])
    work = expected_work(scores.presence[place], scores.guessed[place], scores.length[place])
    assert asked.seconds is not None
    return State(
        np.concatenate([state.labelled, rows]),
        state.seconds + float(cost.seconds.sum()),
        float(cost.seconds.sum()),
        float(asked.seconds[picked].sum()),
        state.accepted + int(cost.accepted.sum()),
        [*state.measured, cost.seconds],
        [*state.work, work],
    )
