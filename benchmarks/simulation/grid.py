"""The grid of simulated labelling: strategies, seeds and budgets; a finished training is a line, trained once.

Seed k holds out fold k, which is scored; the fixed test patients are not in the packed file. All strategies of a seed
begin with the same 16 frames and train with the same seed. Groups of the plan are worked off in their order:

    PYTHONPATH=benchmarks python -m simulation.grid --group 'foreground,informative;0,1;32,64' --group 'full;0,1;all'
    PYTHONPATH=benchmarks python -m simulation.grid --plan benchmarks/simulation/plan.txt --slots 14
"""

from __future__ import annotations

import argparse
import threading
import time
import traceback
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from simulation import network
from simulation.rounds import INITIAL as FIRST
from simulation.rounds import Packed, correct, initial, pool_of
from simulation.scoring import dice, score
from simulation.training import Rows, Slot, functions

from dmr.active.simulation.lines import FULL, INITIAL, KEY
from dmr.active.simulation.protocol import State, strategy_of
from dmr.active.simulation.scoring import Scores
from dmr.annotate.system.appended import add_row, add_text, whole_rows

RESULTS: Final = Path(__file__).parents[1] / "results" / "simulate.csv"


@dataclass(frozen=True, slots=True)
class Chain:
    """One strategy with one seed, through growing budgets."""

    strategy: str
    seed: int
    budgets: tuple[int, ...]
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished training: where its chain stands, its weights, and what they say of the pool."""

    state: State
    scores: Scores | None


class Lines:
    """The file of results: lines are appended and never changed."""

    def __init__(self, path: Path, fixed: dict[str, Any], classes: tuple[str, ...]) -> None:
        self.path, self.fixed, self.lock = path, fixed, threading.Lock()
        self.columns = [
            *("strategy", "seed", "budget", "frames", "patients", "labelled"),
            *(f"dice_{name}" for name in classes),
            *("dice_mean", "minutes", "round_minutes", "round_forecast", "accepted"),
            *("network", "steps", "commit", "device", "seconds"),
        ]
        self.done = {tuple(row[k] for k in KEY) for row in whole_rows(path)}

    def has(self, strategy: str, seed: int, budget: object, steps: int) -> bool:
        """Whether a training is there."""
        return (strategy, str(seed), str(budget), str(self.fixed["network"]), str(steps)) in self.done

    def add(self, row: dict[str, Any]) -> None:
        """Append a training, unless it is there; it is on the disk when this returns."""
        row = {**row, **self.fixed}
        with self.lock:
            key = tuple(str(row[k]) for k in KEY)
            if key in self.done:
                return
            add_row(self.path, row, columns=self.columns)
            self.done.add(key)


class Grid:
    """All that chains share."""

    def __init__(self, packed: Packed, lines: Lines, *, layout: network.Layout, choices: Path) -> None:
        self.packed, self.lines, self.layout, self.choices = packed, lines, layout, choices
        self.first: dict[tuple[int, int], Future[Trained]] = {}
        self.lock = threading.Lock()

    def pool(self, seed: int) -> Rows:
        """Rows that may be labelled: all but the fold that is held out."""
        return np.flatnonzero(self.packed.folds != seed % 5)

    def trained(self, slot: Slot, chain: Chain, state: State, budget: int | None, strategy: str) -> Trained:
        """Train on what is labelled, write the line, and score the pool for the next round."""
        packed = self.packed
        vector, seconds = slot.train(state.labelled, steps=chain.steps, seed=chain.seed * 1000 + (budget or 999))
        held = packed.at(np.flatnonzero(packed.folds == chain.seed % 5))
        frames, classes = packed.frames, len(packed.names)
        found = dice(self.layout, vector, frames.pixels[held], frames.targets[held], classes)
        row = {
            "strategy": strategy,
            "seed": chain.seed,
            "budget": budget or "all",
            "frames": len(state.labelled),
            "patients": len(set(packed.table.patients[state.labelled])),
            "labelled": state.digest(packed.table),
            **{f"dice_{name}": f"{value:.4f}" for name, value in zip(packed.names, found, strict=True)},
            "dice_mean": f"{found.mean():.4f}",
            "minutes": f"{state.seconds / 60:.2f}" if budget else "",
            "round_minutes": f"{state.round_seconds / 60:.2f}" if budget else "",
            "round_forecast": f"{state.round_forecast / 60:.2f}" if budget and state.rounds > 1 else "",
            "accepted": state.tally["accepted"],
            "steps": chain.steps,
            "seconds": f"{seconds:.2f}",
        }
        self.lines.add(row)
        with self.lock:
            add_text(self.choices, f"{strategy},{chain.seed},{budget},{' '.join(packed.table.ids[state.labelled])}\n")
        if budget is None or budget == chain.budgets[-1]:
            return Trained(state, None)
        return Trained(state, score(self.layout, vector, frames.pixels[packed.at(self.pool(chain.seed))]))

    def start(self, slot: Slot, chain: Chain) -> Trained:
        """The first round, which all chains of a seed share; whoever comes first trains it, the others wait."""
        with self.lock:
            key = (chain.seed, chain.steps)
            mine = key not in self.first
            future = self.first.setdefault(key, Future())
        if mine:
            try:
                state = initial(self.packed, self.pool(chain.seed), chain.seed)
                future.set_result(self.trained(slot, chain, state, FIRST, INITIAL))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def work(self, slot: Slot, chain: Chain) -> None:
        """Go through a chain's budgets; what has its line is trained again only if a later budget needs it."""
        if chain.strategy == FULL:
            if not self.lines.has(FULL, chain.seed, "all", chain.steps):
                self.trained(slot, chain, State(self.pool(chain.seed)), None, FULL)
            return
        left = [b for b in chain.budgets if not self.lines.has(chain.strategy, chain.seed, b, chain.steps)]
        if not left:
            return
        pool, select = self.pool(chain.seed), strategy_of(chain.strategy)
        now = self.start(slot, chain)
        for budget in (b for b in chain.budgets if b <= max(left)):
            assert now.scores is not None
            asked = pool_of(self.packed, pool, now.state, now.scores, seed=chain.seed, budget=budget)
            chosen = select(asked, budget - len(now.state.labelled))
            state = correct(self.packed, pool, now.state, now.scores, asked, chosen)
            now = self.trained(slot, chain, state, budget, chain.strategy)


def run_all(grid: Grid, slots: list[Slot], chains: list[Chain], *, until: float) -> None:
    """Work off the chains, one a slot at a time, until all are done or no time is left for another."""
    waiting, lock = deque(chains), threading.Lock()
    began, count = time.monotonic(), len(grid.lines.done)

    def sit(slot: Slot) -> None:
        while True:
            with lock:
                if not waiting or time.monotonic() > until:
                    return
                chain = waiting.popleft()
            try:
                with torch.cuda.stream(slot.stream):
                    grid.work(slot, chain)
            except Exception:  # one chain's failure leaves the others alone
                traceback.print_exc()
            now = time.monotonic() - began
            made = len(grid.lines.done) - count
            print(f"{now:6.1f} s  {made} trainings, {now / max(1, made):.2f} s each; {chain}", flush=True)

    threads = [threading.Thread(target=sit, args=(slot,), daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(slots: list[Slot], rows: Rows, steps: int) -> float:
    """Steps a second of all slots together, after one warm-up."""
    slots[0].train(rows, steps=steps, seed=0)
    one = slots[0].train(rows, steps=steps, seed=0)[1]
    began = time.monotonic()

    def go(slot: Slot) -> None:
        with torch.cuda.stream(slot.stream):
            slot.train(rows, steps=steps, seed=0)

    threads = [threading.Thread(target=go, args=(slot,)) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = steps * len(slots) / (time.monotonic() - began)
    print(f"alone {one / steps * 1e3:.2f} ms a step; {len(slots)} side by side {rate:.0f} steps a second", flush=True)
    return rate


def make_slots(args: argparse.Namespace, packed: Packed, layout: network.Layout, most: int) -> list[Slot]:
    """As many slots as asked for, with compiled steps if those are faster, or if asked for."""
    torch.backends.cudnn.benchmark = True  # while steps are recorded; each thread would do it again for itself
    dtype = torch.bfloat16  # on every device, so that lines can be compared
    kinds = {"yes": [True], "no": [False], "try": [False, True]}[args.compile]
    best: tuple[float, list[Slot]] = (0.0, [])
    for compiled in kinds:
        try:
            began = time.monotonic()
            parts = functions(layout, compiled=compiled)
            slots = [Slot(packed.frames, layout, parts, most=most, dtype=dtype) for _ in range(args.slots)]
            print(f"{'compiled' if compiled else 'plain'}: ready in {time.monotonic() - began:.1f} s", flush=True)
            rate = measure(slots, np.arange(64), args.measure) if args.measure else 1.0
        except Exception:  # Dynamo, Inductor and Triton raise kinds of their own, and the plain steps do the same work
            if not best[1] and compiled == kinds[-1]:
                raise
            traceback.print_exc()
            continue
        best = max(best, (rate, slots), key=lambda pair: pair[0])
    torch.backends.cudnn.benchmark = False
    return best[1]


def chains_of(groups: list[str], steps: int) -> list[Chain]:
    """`strategies;seeds;budgets[;steps]` -> chains, a strategy after the other."""
    found = []
    for group in groups:
        names, seeds, budgets, *more = group.split(";")
        numbers = tuple(int(b) for b in budgets.split(",") if b != "all")
        own = int(more[0]) if more else steps
        found += [Chain(n, int(s), numbers, own) for n in names.split(",") for s in seeds.split(",")]
    for chain in found:
        if chain.strategy != FULL:
            strategy_of(chain.strategy)
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=Path("build/simulation/ubpd-128.npz"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--choices", type=Path, default=Path("build/simulation/choices.csv"))
    parser.add_argument("--group", action="append", default=[], metavar="STRATEGIES;SEEDS;BUDGETS[;STEPS]")
    parser.add_argument("--plan", type=Path, help="a file with a group a line, worked off after those of --group")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--slots", type=int, default=1, help="trainings side by side")
    parser.add_argument("--compile", choices=["yes", "no", "try"], default="no")
    parser.add_argument("--measure", type=int, default=0, help="steps by which speed is measured first")
    parser.add_argument("--minutes", type=float, default=1e6, help="after which no chain is begun")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--commit", help="that the results are of; by default the one checked out")
    return parser.parse_args()


def main() -> None:
    args = options()
    until = time.monotonic() + args.minutes * 60
    if args.commit is None:
        from record import commit

        args.commit = commit()
    device = torch.device(args.device)
    packed = Packed.load(args.pack, device)
    layout = network.Layout(network.shapes_of(len(packed.names)))
    fixed = {"network": network.NAME, "commit": args.commit, "device": args.device}
    lines = Lines(args.results, fixed, packed.names)
    args.choices.parent.mkdir(parents=True, exist_ok=True)
    lines_of_plan = args.plan.read_text(encoding="utf-8").splitlines() if args.plan else []
    groups = [*args.group, *(line for line in lines_of_plan if line and not line.startswith("#"))]
    chains = chains_of(groups, args.steps)
    print(f"{len(chains)} chains, {layout.size} weights, {len(lines.done)} trainings are there", flush=True)
    slots = make_slots(args, packed, layout, max(c.steps for c in chains))
    run_all(Grid(packed, lines, layout=layout, choices=args.choices), slots, chains, until=until)


if __name__ == "__main__":
    main()
