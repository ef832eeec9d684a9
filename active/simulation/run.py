"""`dmr simulate`: strategies against one another on the workspace's own outlines, round by round, resumable."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ... import __version__
from ...annotate.workspace import Session
from ...model.training.settings import TrainSettings
from ...model.training.tensors import save_tensors
from ...model.training.trainer import Progress
from . import protocol
from .book import Book
from .effort import Effort, effort
from .learner import Judged, judged, kept_tensors, network_name, scores_of, trained, with_weights
from .lines import ALL, FULL, INITIAL
from .points import points_changed
from .protocol import Indices, State
from .study import Study

LONGER: Final = 2  # times the steps: a training of this length says whether the others learn enough
_WHOLE: Final = "-"  # rounds of a training on the whole pool
_NUMBERS: Final = ("rounds", "seconds", "round_seconds", "round_forecast")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated.

    Attributes:
        strategies: Their names.
        seeds: Seed k holds out the patients of fold k.
        budgets: Labelled frames after each round, rising.
        settings: How each network is trained.
    """

    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    budgets: tuple[int, ...]
    settings: TrainSettings

    @property
    def trainings(self) -> int:
        """How many trainings there are in all."""
        return 1 + len(self.seeds) * (2 + len(self.strategies) * (len(self.budgets) - 1))

    def rounds(self, count: int) -> str:
        """The first budgets, as the lines have them."""
        return " ".join(str(b) for b in self.budgets[:count])


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """Where a chain stands: what is labelled, and the weights that learnt from it."""

    state: State
    weights: dict[str, torch.Tensor]


class Simulation:
    """One run of `dmr simulate`.

    Args:
        s: The session.
        study: The frames.
        plan: What is simulated.
        folder: Where lines and states are kept.
        device: The device to compute on.
        left: The seconds that are left.
    """

    def __init__(
        self, s: Session, study: Study, plan: Plan, *, folder: Path, device: torch.device, left: Callable[[], float]
    ) -> None:
        self.s, self.study, self.plan, self.folder = s, study, plan, folder
        self.device, self.left = device, left
        self.book = Book(folder / "simulate.csv")
        self.fixed = {"network": network_name(plan.settings), "data": study.data}

    def run(self) -> None:
        """Do all trainings that have no line yet.

        Raises:
            OutOfTimeError: No time is left; the next run goes on.
        """
        self.s.tell("Trainings", 0, self.plan.trainings)
        for seed in self.plan.seeds:
            self._whole(seed, steps=self.plan.settings.steps)
            if seed == self.plan.seeds[0]:
                self._whole(seed, steps=LONGER * self.plan.settings.steps)
            first: Stand | None = None
            if not self.book.has(self._key(INITIAL, seed, 1)):
                first = self._first(seed)
            self.s.tell("Trainings", 1, self.plan.trainings)
            for name in self.plan.strategies:
                self._chain(name, seed, first)

    def _key(self, strategy: str, seed: int, rounds: int) -> dict[str, Any]:
        budget = self.plan.budgets[rounds - 1]
        told = {"strategy": strategy, "seed": seed, "budget": budget, "steps": self.plan.settings.steps}
        return {**told, **self.fixed, "rounds": self.plan.rounds(rounds)}

    def _whole(self, seed: int, *, steps: int) -> None:
        """Train on the whole pool of a seed."""
        key = {"strategy": FULL, "seed": seed, "budget": ALL, "steps": steps, **self.fixed, "rounds": _WHOLE}
        if not self.book.has(key):
            self._trained(key, State(self.study.pool(seed)))
        self.s.tell("Trainings", 1, self.plan.trainings)

    def _chain(self, name: str, seed: int, first: Stand | None) -> None:
        """Go through a strategy's budgets; what has its line is trained again only if a later budget needs it."""
        last = len(self.plan.budgets)
        missing = [k for k in range(2, last + 1) if not self.book.has(self._key(name, seed, k))]
        self.s.tell("Trainings", last - 1 - len(missing), self.plan.trainings)
        if not missing:
            return
        kept = self._stand(name, seed)
        if kept is not None and kept.state.rounds >= missing[0]:
            kept = None  # its line is not on the disk, so the round is done again
        now = kept or first or self._stand(INITIAL, seed) or self._first(seed)
        select, pool = protocol.strategy_of(name), self.study.pool(seed)
        for rounds in range(now.state.rounds + 1, max(missing) + 1):
            network = with_weights(self.study, now.weights, settings=self.plan.settings, device=self.device)
            self.s.tell("Scoring the pool", 0, None)
            scores = scores_of(network, self.study, pool, device=self.device)
            budget = self.plan.budgets[rounds - 1]
            asked = protocol.pool_of(
                self.study.table, pool, now.state, scores, seed=seed, budget=budget, planned=last + 1
            )
            chosen = select(asked, budget - len(now.state.labelled))
            rows, place = protocol.chosen_rows(pool, now.state, chosen)
            cost, tally = self._cost(rows, scores.drafts[torch.from_numpy(place).to(self.device)].cpu())
            assert asked.seconds is not None
            forecast = np.asarray(asked.seconds, np.float64)[[c.index for c in chosen]]
            work = protocol.work_of(scores, place)
            state = protocol.corrected(now.state, rows, cost, work=work, forecast=forecast, tally=tally)
            now = self._trained(self._key(name, seed, rounds), state)
            if rounds in missing:
                self.s.tell("Trainings", 1, self.plan.trainings)

    def _first(self, seed: int) -> Stand:
        """The first round, which all strategies of a seed share: everything is drawn from nothing."""
        rows = protocol.first_rows(self.study.table, self.study.pool(seed), seed=seed, count=self.plan.budgets[0])
        return self._trained(self._key(INITIAL, seed, 1), protocol.begun(rows, *self._cost(rows, None)))

    def _cost(self, rows: Indices, drafts: torch.Tensor | None) -> tuple[Effort, Counter[str]]:
        """What it takes to correct some drafts, and what else is counted of it."""
        grid, classes = self.study.grid, len(self.study.table.names)
        at = torch.from_numpy(np.asarray(rows, np.int64))
        truth, covered = grid.targets[at], grid.covered[at]
        cost = effort(truth, classes, drafts, inside=grid.inside, covered=covered)
        tally: Counter[str] = Counter()
        for k, (added, mm) in enumerate(zip(cost.added, self.study.mm[rows], strict=True)):
            tally += points_changed(
                truth[k].numpy(),
                None if drafts is None else drafts[k].numpy(),
                classes=classes,
                contains=self.study.contains,
                covered=covered[k].numpy(),
            )
            tally += Counter(added_um=0 if math.isnan(mm) else round(1000 * added * mm), without_mm=int(math.isnan(mm)))
        return cost, tally

    def _trained(self, key: dict[str, Any], state: State) -> Stand:
        """Train on what is labelled, judge, write the line, and keep the weights for the next round."""
        strategy, seed, steps = key["strategy"], key["seed"], key["steps"]
        own = replace(
            self.plan.settings, steps=steps, check_every=steps, patience=0, seed=1000 * seed + len(state.labelled)
        )
        half_done = self._file("training", *(str(v) for v in key.values()))
        what = f"{strategy}, seed {seed}, {len(state.labelled)} frames, {steps} steps"
        done = 0

        def told(progress: Progress) -> None:
            nonlocal done
            self.s.tell(what, progress.step - done, steps)
            done = progress.step

        network, seconds = trained(
            self.study,
            state.labelled,
            settings=own,
            device=self.device,
            state=half_done,
            left=self.left,
            on_progress=told,
        )
        held = self.study.held_out(seed)
        found = judged(network, self.study, held, device=self.device)
        stand = Stand(state, {k: v.cpu() for k, v in network.state_dict().items()})
        if self.book.add({**key, **self._line(state, found, held), "train_seconds": f"{seconds:.1f}"}):
            self.s.report.count("trainings done")
        if strategy != FULL:
            self._keep(strategy, seed, stand)
        half_done.unlink(missing_ok=True)
        return stand

    def _line(self, state: State, found: Judged, held: Indices) -> dict[str, Any]:
        table, tally = self.study.table, state.tally
        known_mm = state.rounds and not tally["without_mm"]
        return {
            "frames": len(state.labelled),
            "patients": len(set(table.patients[state.labelled])),
            "dice_mean": f"{found.mean:.4f}",
            "dice_classes": json.dumps(_by_class(table.names, found.classes, 4)),
            "hd95_classes": json.dumps(_by_class(table.names, found.hd95, 2)),
            "minutes": f"{state.seconds / 60:.2f}" if state.rounds else "",
            "round_minutes": f"{state.round_seconds / 60:.2f}" if state.rounds else "",
            "round_forecast": f"{state.round_forecast / 60:.2f}" if state.rounds > 1 else "",  # none before drafts
            "added_mm": f"{tally['added_um'] / 1000:.1f}" if known_mm else "",
            **{name: tally[name] for name in ("added_px", "touched", "accepted") if state.rounds},
            **{name: tally[name] for name in ("points_moved", "points_added", "points_removed") if state.rounds},
            "labelled": state.digest(table),
            "version": __version__,
            "device": self.device.type,
            "patients_dice": json.dumps(_by_patient(table.patients[held], found)),
        }

    def _file(self, kind: str, *key: str) -> Path:
        return self.folder / "state" / f"{kind}-{sha256('|'.join(key).encode()).hexdigest()[:16]}.pt"

    def _chain_file(self, strategy: str, seed: int) -> Path:
        steps = str(self.plan.settings.steps)
        return self._file("chain", strategy, str(seed), steps, *self.fixed.values(), str(self.plan.budgets[0]))

    def _keep(self, strategy: str, seed: int, stand: Stand) -> None:
        state = stand.state
        content = {
            "budgets": self.plan.rounds(state.rounds),
            "labelled": torch.from_numpy(np.asarray(state.labelled, np.int64)),
            **{name: getattr(state, name) for name in _NUMBERS},
            "tally": dict(state.tally),
            "measured": torch.from_numpy(state.measured),
            "work": torch.from_numpy(state.work),
            "weights": stand.weights,
        }
        save_tensors(self._chain_file(strategy, seed), content)

    def _stand(self, strategy: str, seed: int) -> Stand | None:
        """Where a chain stood when it was last kept; None where it went through other budgets."""
        kept = kept_tensors(self._chain_file(strategy, seed))
        if kept is None or kept["budgets"] != self.plan.rounds(kept["rounds"]):
            return None
        numbers = {name: kept[name] for name in _NUMBERS}
        arrays = {name: kept[name].numpy() for name in ("labelled", "measured", "work")}
        return Stand(State(**arrays, **numbers, tally=Counter(kept["tally"])), kept["weights"])


def _by_class(names: Sequence[str], values: Any, digits: int) -> dict[str, float | None]:
    return {n: None if np.isnan(v) else round(float(v), digits) for n, v in zip(names, values, strict=True)}


def _by_patient(patients: Any, found: Judged) -> dict[str, list[list[float]]]:
    """For each held-out patient, for each class: the sum of the frames' Dice, and the number of frames."""
    return dict(_sums(patients, found))


def _sums(patients: Any, found: Judged) -> Iterator[tuple[str, list[list[float]]]]:
    for patient in sorted(set(patients.tolist())):
        own = found.dice[patients == patient]
        shown = ~np.isnan(own)
        sums = np.where(shown, own, 0).sum(0)
        yield patient, [[round(float(a), 5), int(b)] for a, b in zip(sums, shown.sum(0), strict=True)]
