"""Training, prediction and the demo while other programs run: with one thread, with all, and as dmr chooses.

Foreign jobs are Python processes that only count. The settings take turns. A slow setting is stopped after five steps
or two minutes. Each measurement is a line of `results/busy.csv`, and an interrupted run goes on with the rest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from parts import add, open_round
from record import record

from dmr.active.demo.run import run_demo
from dmr.model.computing.threads import ThreadChoice, counts_to_try, granted_threads, set_thread_count
from dmr.model.data.dataset import TrainingSet
from dmr.model.inference.engine import OpenVinoEngine, TorchEngine
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.training.settings import TrainSettings
from dmr.model.training.trainer import Trainer

CPU = torch.device("cpu")
JOBS = (0, 1, 2, 4, 8)
CLASSES, SIDE, BATCH = 6, 128, 8
TURNS, TURN_S = 2, 15.0
SLOW_STEPS, SLOW_S = 5, 120.0  # a slow setting is stopped after so many steps or seconds
PREDICT_JOBS = (0, 4)
DEMO_JOBS = 4
OF_THE_LINE = ("round", "part", "commit")
COLUMNS = (
    *OF_THE_LINE,
    *("what", "jobs", "one_s", "one_steps", "all_s", "all_steps", "chosen_s", "chosen_steps", "probing_share", "ratio"),
    *("seconds", "first_steps", "second_steps", "steps", "first_dice", "second_dice", "gain", "verdict"),
)
BURN = "while True:\n    sum(i * i for i in range(10000))"


@contextmanager
def foreign(jobs: int) -> Iterator[None]:
    """Run other programs that each keep a core busy; they end with the block."""
    running = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(jobs)]
    try:
        time.sleep(1.0)
        yield
    finally:
        for job in running:
            job.kill()
            job.wait()


class Side:
    """One setting, and the seconds and steps of all its turns."""

    def __init__(self, step: Callable[[], None], *, choice: Callable[[], ThreadChoice]) -> None:
        self.step, self.choice = step, choice
        self.seconds, self.steps, self.probing = 0.0, 0, 0.0

    @property
    def step_s(self) -> float:
        return self.seconds / self.steps

    def turn(self) -> None:
        """Do steps for some seconds, with the choosing of threads; every turn starts choosing again."""
        choice = self.choice()
        began = time.perf_counter()
        before = self.seconds
        while not self.slow and self.seconds - before < TURN_S:
            choice()
            self.step()
            self.steps += 1
            self.seconds = before + time.perf_counter() - began
        self.probing += choice.spent_s

    @property
    def slow(self) -> bool:
        """Whether it is so slow that it gets no more turns."""
        return self.seconds > SLOW_S or (self.steps >= SLOW_STEPS and self.step_s > TURN_S / 2)


def measure(what: str, make: Callable[[], Callable[[], None]], jobs: int) -> dict[str, Any]:
    """Seconds a step of each setting while `jobs` foreign jobs run."""
    step = make()
    most = granted_threads()
    sides = {
        "one": Side(step, choice=lambda: ThreadChoice([1])),
        "all": Side(step, choice=lambda: ThreadChoice([most])),
        "chosen": Side(step, choice=lambda: ThreadChoice(counts_to_try(most))),
    }
    with foreign(jobs):
        for _ in range(TURNS):
            for side in sides.values():
                if not side.slow:
                    side.turn()
    best = min(sides["one"].step_s, sides["all"].step_s)
    row: dict[str, Any] = {"what": what, "jobs": jobs}
    for name, side in sides.items():
        row |= {f"{name}_s": round(side.step_s, 4), f"{name}_steps": side.steps}
    row["probing_share"] = round(sides["chosen"].probing / sides["chosen"].seconds, 4)
    return row | {"ratio": round(sides["chosen"].step_s / best, 3)}


def training_step() -> Callable[[], None]:
    """A step of `dmrnet_s` on random frames, as `dmr train` does it."""
    generator = torch.Generator().manual_seed(0)
    shape = (4 * BATCH, SIDE, SIDE)
    data = TrainingSet(
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        torch.randint(0, 1 + CLASSES, shape, dtype=torch.uint8, generator=generator),
        torch.ones(shape[0], CLASSES, dtype=torch.bool),
        (None,) * shape[0],
    )
    none = TrainingSet(data.frames[:0], data.targets[:0], data.covered[:0], ())
    settings = TrainSettings(input=SIDE, batch=BATCH, steps=10**6, check_every=10**6)
    trainer = Trainer(DMRNet(CLASSES, size=SIZES["s"]), data, none, settings=settings, device=CPU)
    return lambda: trainer.run(seconds=1e-9)


def prediction() -> Callable[[], None]:
    """A prediction of a batch of frames with torch."""
    engine = TorchEngine(DMRNet(CLASSES, size=SIZES["s"]), CPU)
    frames = torch.randn(BATCH, 1, SIDE, SIDE)
    return lambda: engine(frames) and None


def openvino(jobs: int) -> dict[str, Any]:
    """Seconds a batch with OpenVINO, with one thread and with all; its streams do not wait for each other."""
    network, frames = DMRNet(CLASSES, size=SIZES["s"]), torch.randn(8 * BATCH, 1, SIDE, SIDE)
    engines = {n: OpenVinoEngine(network, size=SIDE, threads=n) for n in (1, granted_threads())}
    seconds, count = dict.fromkeys(engines, 0.0), dict.fromkeys(engines, 0)
    with foreign(jobs):
        for _ in range(TURNS):
            for n, engine in engines.items():
                began = time.perf_counter()
                while time.perf_counter() - began < TURN_S / 4:
                    engine(frames)
                    count[n] += 1
                seconds[n] += time.perf_counter() - began
    one, every = (seconds[n] / count[n] for n in engines)
    row = {"what": "openvino", "jobs": jobs, "one_s": round(one, 4), "all_s": round(every, 4)}
    return row | {"chosen_s": row["all_s"], "ratio": round(every / min(one, every), 3)}


def demo(jobs: int) -> dict[str, Any]:
    """Run `dmr demo` as a newcomer starts it."""
    set_thread_count(None)
    with foreign(jobs), tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = run_demo(
            Path(folder) / "demo",
            steps=None,
            seed=0,
            device="cpu",
            show=lambda line: print(line, flush=True),
        )
        seconds = time.perf_counter() - began
    first, second = done.figures.first, done.figures.second
    assert first.dice is not None and second.dice is not None
    return {
        "what": "demo",
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "first_steps": first.steps,
        "second_steps": second.steps,
        "steps": first.steps + second.steps,
        "first_dice": round(first.dice, 4),
        "second_dice": round(second.dice, 4),
        "gain": round(done.gain, 4),
        "verdict": done.verdict,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["step", "predict", "openvino", "demo"], help="measure only these")
    args = parser.parse_args()
    work: dict[str, Callable[[], dict[str, Any]]] = {}
    for jobs in JOBS:
        work[f"step-{jobs}"] = partial(measure, "step", training_step, jobs)
        work[f"openvino-{jobs}"] = partial(openvino, jobs)
    for jobs in PREDICT_JOBS:
        work[f"predict-{jobs}"] = partial(measure, "predict", prediction, jobs)
    for jobs in (0, DEMO_JOBS):
        work[f"demo-{jobs}"] = partial(demo, jobs)
    number, done = open_round("busy", work)
    for name, make in work.items():
        if name not in done and (not args.only or name.startswith(args.only)):
            done[name] = make()
            add("busy", {"round": number, "part": name, **done[name]}, columns=COLUMNS)
        if name in done:
            print(done[name], flush=True)
    rows = [{k: v for k, v in done[name].items() if k not in OF_THE_LINE} for name in work if name in done]
    if len(rows) < len(work):
        print("Some parts are not measured yet, so nothing is recorded.")
        return
    demos = {row["jobs"]: row["seconds"] for row in rows if row["what"] == "demo"}
    headline = {
        "ratio_worst": max(row["ratio"] for row in rows if row["what"] == "step"),
        "ratio_worst_predict": max(row["ratio"] for row in rows if row["what"] in ("predict", "openvino")),
        "demo_idle_s": demos[0],
        "demo_busy_s": demos[DEMO_JOBS],
    }
    print(headline)
    print(record("busy", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
