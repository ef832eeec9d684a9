"""Outlines from a box against the ellipse in the same box, on patients that the network has not learnt from.

Each side of a tight box is moved at random by up to 5 % of its length; ellipse and network get the same box. A fold's
result is a line of `results/refine.csv`. A stopped run goes on with the next fold. `--test` adds the fixed test
patients, for a network that has learnt from all others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from folds import FOLDS, IDS, fold, test_patients
from numpy.typing import NDArray
from parts import Row, add, lines, open_round
from record import record
from ubpd import CLASSES, samples

from dmr.model.computing.threads import use_threads
from dmr.model.data.dataset import Sample
from dmr.model.evaluation.bootstrap import BOUNDS, drawn_patients, mean_of_known, resampled_means
from dmr.model.refine.judging import MOVED, Answered, answered
from dmr.model.refine.learning import RefineSettings, learn
from dmr.model.refine.prompt import Click
from dmr.model.refine.refiner import Refiner
from dmr.model.refine.structures import Structures, sample_structures, structure_box

NAMES: Final = tuple(c.name for c in CLASSES)
CLICKS: Final = 3
CLICKED: Final = 5  # every fifth frame is clicked into, because each click asks again
RESAMPLES: Final = 2000


def trained(some: Sequence[Sample], settings: RefineSettings) -> tuple[Refiner, dict[str, Any]]:
    structures = Structures.of(some, class_ids=IDS, size=settings.size)

    def on_step(step: int, share: float, loss: float) -> None:
        if step % 50 == 0:
            print(f"  step {step}, {100 * share:.0f} %, loss {loss:.3f}", flush=True)

    began = time.process_time()
    network, steps, seconds = learn(
        structures, classes=len(IDS), settings=settings, device=torch.device("cpu"), on_step=on_step
    )
    told = {"structures": len(structures), "steps": steps, "minutes": round(seconds / 60, 2)}
    told["cpu_minutes"] = round((time.process_time() - began) / 60, 2)
    return Refiner(network, class_ids=IDS, size=settings.size, device=torch.device("cpu")), told


def by_patient(rows: Sequence[Answered]) -> list[list[float]]:
    """For each patient and class the number of structures and the sum of the differences to the ellipse."""
    patients = sorted({r.patient or "" for r in rows})
    found = np.zeros((len(patients), len(IDS), 2))
    for r in rows:
        found[patients.index(r.patient or ""), IDS.index(r.class_id)] += 1, r.network - r.ellipse
    return [[round(float(v), 4) for v in own] for own in found.reshape(len(patients), -1)]


def means(rows: Sequence[Answered], prefix: str) -> dict[str, Any]:
    found = {}
    for i, name in zip(IDS, NAMES, strict=True):
        own = [r for r in rows if r.class_id == i]
        found[f"{prefix}ellipse_{name}"] = round(float(np.mean([r.ellipse for r in own])), 4)
        found[f"{prefix}network_{name}"] = round(float(np.mean([r.network for r in own])), 4)
    return found


def clicked(refiner: Refiner, some: Sequence[Sample]) -> dict[str, Any]:
    """Mean Dice over the classes without a click, with one, two and three, on part of the frames."""
    rows = list(answered(refiner, some[::CLICKED], generator=np.random.default_rng(0), clicks=CLICKS))
    every = [[(r.network, *r.clicked) for r in rows if r.class_id == i] for i in IDS]
    mean = np.mean([np.mean(own, axis=0) for own in every if own], axis=0)
    return {f"clicks_{k}": round(float(d), 4) for k, d in enumerate(mean)}


def click_seconds(refiner: Refiner, some: Sequence[Sample], *, count: int = 60) -> dict[str, Any]:
    """Seconds from box and click to outline: the median, and what 95 of 100 do not exceed."""
    took = []
    for sample in some[:: max(1, len(some) // count)]:
        for parts in list(sample_structures(sample.annotation.shapes, IDS))[:1]:
            box, began = structure_box(parts), time.perf_counter()
            click = Click((box.left + box.right) / 2, (box.top + box.bottom) / 2)
            refiner.refine(sample.pixels, box=box, class_id=parts[0].class_id, clicks=[click])
            took.append(time.perf_counter() - began)
    return {"click_s": round(float(np.median(took)), 4), "click_s_95": round(float(np.quantile(took, 0.95)), 4)}


def scored(refiner: Refiner, some: Sequence[Sample]) -> dict[str, Any]:
    moved = list(answered(refiner, some, moved=MOVED, generator=np.random.default_rng(0)))
    tight = list(answered(refiner, some, moved=0.0, generator=np.random.default_rng(0)))
    return {
        "asked": len(moved),
        **means(moved, ""),
        **means(tight, "tight_"),
        **clicked(refiner, some),
        **click_seconds(refiner, some),
        "patients": by_patient(moved),
        "tight_patients": by_patient(tight),
    }


def difference(rows: Sequence[Row], key: str) -> dict[str, float]:
    """Network minus ellipse of each class and their mean, each with the bounds of a 95 % interval over patients."""
    cells: NDArray[np.float64] = np.concatenate([np.array(row[key]).reshape(-1, len(IDS), 2) for row in rows])
    counts, sums = cells[..., 0], cells[..., 1]
    classes = resampled_means(sums, counts, np.ones((1, len(cells))))
    draws = resampled_means(sums, counts, drawn_patients(len(cells), resamples=RESAMPLES, seed=0))
    found: dict[str, float] = {}
    values = [*zip(NAMES, classes[0], draws.T, strict=True), ("mean", mean_of_known(classes)[0], mean_of_known(draws))]
    for name, value, drawn in values:
        low, high = np.nanquantile(drawn, BOUNDS)
        found |= {name: round(float(value), 4), f"{name}_low": round(float(low), 4)}
        found[f"{name}_high"] = round(float(high), 4)
    return found


def recorded(rows: Sequence[Row]) -> None:
    folds = [row for row in rows if row["part"] != "test"]
    compared = {"moved": difference(folds, "patients"), "tight": difference(folds, "tight_patients")}
    headline: dict[str, float | None] = {
        "refine_minus_ellipse": compared["moved"]["mean"],
        "refine_minus_ellipse_low": compared["moved"]["mean_low"],
        "refine_minus_ellipse_tight": compared["tight"]["mean"],
        "refine_minus_ellipse_tight_low": compared["tight"]["mean_low"],
        "refine_click_s": max(row["click_s_95"] for row in folds),
        "folds": float(len(folds)),
        "test_minus_ellipse": None,
        "test_minus_ellipse_low": None,
    }
    for row in (row for row in rows if row["part"] == "test"):
        compared["test, moved"] = difference([row], "patients")
        compared["test, tight"] = difference([row], "tight_patients")
        headline["test_minus_ellipse"] = compared["test, moved"]["mean"]
        headline["test_minus_ellipse_low"] = compared["test, moved"]["mean_low"]
    print(f"{'network minus ellipse':22}" + "".join(f"{name:>27}" for name in (*NAMES, "mean")))
    for box, own in compared.items():
        cells = [f"{own[n]:+.3f} ({own[f'{n}_low']:+.3f} to {own[f'{n}_high']:+.3f})" for n in (*NAMES, "mean")]
        print(f"{box:22}" + "".join(f"{cell:>27}" for cell in cells))
    shown = [{key: v for key, v in row.items() if not key.endswith("patients")} for row in rows]
    print(headline)
    print(record("refine", headline=headline, rows=[{"boxes": box, **own} for box, own in compared.items()] + shown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=RefineSettings().steps)
    parser.add_argument("--test", action="store_true", help="also score the fixed test patients, once")
    parser.add_argument("--record", action="store_true", help="run nothing: compute the record from what is done")
    args = parser.parse_args()
    if args.record:
        known = lines("refine")
        recorded([row for row in known if row["round"] == known[-1]["round"]])
        return
    use_threads()
    settings = RefineSettings(steps=args.steps)
    every = list(samples(sectors=False))
    patients = {s.patient or "" for s in every}
    wanted = {f"fold {k}": fold(patients, k) for k in range(FOLDS)}
    if args.test:
        wanted["test"] = test_patients(patients)
    number, done = open_round("refine", wanted)
    for part, judged in wanted.items():
        if part in done:
            continue
        print(part, flush=True)
        others = [s for s in every if (s.patient or "") not in judged | test_patients(patients)]
        refiner, told = trained(others, settings)
        row = {"part": part, "round": number, **told, **scored(refiner, [s for s in every if s.patient in judged])}
        print({key: value for key, value in row.items() if not key.endswith("patients")}, flush=True)
        add("refine", row)
        done[part] = row
    recorded(list(done.values()))


if __name__ == "__main__":
    main()
