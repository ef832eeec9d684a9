"""The rounds of `dmr simulate`'s protocol on the packed frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from simulation.training import Frames

from dmr.active.selection.strategies import Choice, Pool
from dmr.active.simulation import protocol
from dmr.active.simulation.effort import effort
from dmr.active.simulation.protocol import FrameTable, State, small_frames
from dmr.active.simulation.scoring import Scores

INITIAL: Final = 16
PLANNED: Final = 6  # rounds: 16, 32, 64, 128, 256, and one that would follow


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The packed frames, on this side and on the device.

    Attributes:
        frames: On the device.
        table: What strategies may know of them; a patient is one clip.
        folds: `(N,)`.
    """

    frames: Frames
    table: FrameTable
    folds: NDArray[np.int_]

    @classmethod
    def load(cls, path: Any, device: torch.device) -> Packed:
        """Read what `simulation.pack` wrote."""
        with np.load(path) as packed:
            patients, names = packed["patients"].astype(int), tuple(str(name) for name in packed["names"])
            small = small_frames(packed["pixels"].astype(np.float32))
            table = FrameTable(packed["ids"], patients, patients, names, small)
            return cls(Frames.of(packed, device), table, packed["folds"].astype(int))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        return self.table.names

    def at(self, rows: NDArray[np.intp]) -> torch.Tensor:
        """Rows as an index on the device."""
        return torch.from_numpy(np.asarray(rows)).to(self.frames.pixels.device)


def initial(packed: Packed, pool: NDArray[np.intp], seed: int, *, count: int = INITIAL) -> State:
    """The first frames, the same for all strategies: patient-stratified random, drawn from nothing."""
    rows = protocol.first_rows(packed.table, pool, seed=seed, count=count)
    return protocol.begun(rows, effort(packed.frames.targets[packed.at(rows)], len(packed.names), None))


def pool_of(packed: Packed, pool: NDArray[np.intp], state: State, scores: Scores, *, seed: int, budget: int) -> Pool:
    """What a strategy may know before the round that ends at `budget`."""
    return protocol.pool_of(packed.table, pool, state, scores, seed=seed, budget=budget, planned=PLANNED)


def correct(
    packed: Packed, pool: NDArray[np.intp], state: State, scores: Scores, asked: Pool, chosen: list[Choice]
) -> State:
    """The physician corrects the drafts of the chosen frames; the state afterwards."""
    rows, place = protocol.chosen_rows(pool, state, chosen)
    cost = effort(packed.frames.targets[packed.at(rows)], len(packed.names), scores.drafts[packed.at(place)])
    assert asked.seconds is not None
    forecast = np.asarray(asked.seconds, np.float64)[[c.index for c in chosen]]
    return protocol.corrected(state, rows, cost, work=protocol.work_of(scores, place), forecast=forecast)
