"""How right probabilities are with one view, several views, dropout, and several networks.

Networks come from `peers.py` on a fold. Each patient of the fold tests a calibration that was fitted on the other
patients of the fold. So no patient tests a calibration or a network that has seen them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from folds import IDS, STATE, fold, frames
from record import record
from torch import Tensor
from ubpd import CLASSES

from dmr.model.computing.threads import use_threads
from dmr.model.data.dataset import Sample
from dmr.model.evaluation.evaluate import evaluate
from dmr.model.evaluation.metrics import guess_correlation, summarise
from dmr.model.inference.calibration import Evidence, Reliability
from dmr.model.inference.engine import DropoutEngine, TorchEngine
from dmr.model.inference.predict import Look, Predictor, views
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.training.train import NETWORK

CPU = torch.device("cpu")
NAMES = {c.id: c.name for c in CLASSES}


def network(path: Path) -> DMRNet:
    made = DMRNet(len(IDS), size=SIZES["s"], dropout=0.1)
    state: dict[str, Tensor] = torch.load(path, weights_only=True)
    made.load_state_dict(state)
    return made.eval()


def methods(paths: Sequence[Path], dropout: Path | None) -> dict[str, list[Look]]:
    """Looks by name, without those whose networks are missing."""
    if not paths:
        raise SystemExit("There are no weights: run benchmarks/peers.py first.")
    engines = [TorchEngine(network(p), CPU) for p in paths]
    found = {"one view": [Look(engines[0])], "four views": views(engines[0])}
    if dropout is not None:
        found["dropout, 8 draws"] = [Look(DropoutEngine(network(dropout), CPU, seed=100 * k)) for k in range(8)]
    if len(engines) > 1:
        found[f"{len(engines)} seeds"] = [Look(e) for e in engines]
        found[f"{len(engines)} seeds, four views"] = views(*engines)
    return found


def judged(
    looks: list[Look], patients: list[list[Sample]], size: int
) -> tuple[pd.DataFrame, Reliability, Reliability, float]:
    """Scores, reliability before and after calibration on the other patients, and seconds a frame."""
    before, after, tables = Reliability.empty(len(IDS)), Reliability.empty(len(IDS)), []
    plain = Predictor(looks, class_ids=IDS, input_size=size)
    began = time.perf_counter()
    first = [evaluate(plain, own, classes=CLASSES) for own in patients]
    seconds = (time.perf_counter() - began) / sum(map(len, patients))
    for k, own in enumerate(patients):
        others = Evidence(len(IDS)).joined(*(one.evidence for j, one in enumerate(first) if j != k))
        by_others = Predictor(looks, class_ids=IDS, input_size=size, calibration=others.fit())
        done = evaluate(by_others, own, classes=CLASSES)
        tables.append(done.table)
        before.join(first[k].reliability)
        after.join(done.reliability)
    return pd.concat(tables), before, after, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="600steps-128px", help="run of peers.py: steps and side of the grid")
    parser.add_argument("--folds", default="0,1")
    args = parser.parse_args()
    use_threads()
    size = int(args.run.split("-")[1].removesuffix("px"))
    data = frames(size)
    rows: list[dict[str, Any]] = []
    for k in map(int, args.folds.split(",")):
        samples = data.part(fold(data.patients, k)).native
        patients = [[s for s in samples if s.patient == p] for p in sorted({s.patient or "" for s in samples})]
        paths = sorted(STATE.glob(f"dmrnet_s.{NETWORK}-{k}-?-{args.run}.weights.pt"))
        dropped = sorted(STATE.glob(f"dmrnet_s.{NETWORK}-{k}-?-{args.run}-dropout=*.weights.pt"))
        for name, looks in methods(paths, dropped[0] if dropped else None).items():
            table, before, after, seconds = judged(looks, patients, size)
            dice, correlation = summarise(table)["dice"], guess_correlation(table)
            rows.append(
                {
                    "fold": k,
                    "looks": name,
                    "dice_mean": round(float(dice["mean"]), 4),
                    "guess_correlation": round(float(correlation["all"]), 3),
                    **{f"guess_{c}": round(float(correlation.get(c, np.nan)), 3) for c in CLASSES.names},
                    **{f"ece_{c}": round(float(e), 3) for c, e in zip(CLASSES.names, after.error(), strict=True)},
                    **{
                        f"ece_before_{c}": round(float(e), 3)
                        for c, e in zip(CLASSES.names, before.error(), strict=True)
                    },
                    "evaluated_s_a_frame": round(seconds, 3),
                }
            )
            print(rows[-1], flush=True)
    of = [r for r in rows if r["looks"] == "four views"]
    headline = {
        "ece_worst_class": max(float(np.mean([r[f"ece_{c}"] for r in of])) for c in CLASSES.names),
        "ece_mean": round(float(np.mean([r[f"ece_{c}"] for r in of for c in CLASSES.names])), 4),
        "ece_mean_before": round(float(np.mean([r[f"ece_before_{c}"] for r in of for c in CLASSES.names])), 4),
        "guess_correlation": round(float(np.mean([r["guess_correlation"] for r in of])), 4),
    }
    print(headline)
    print(record("uncertainty", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
