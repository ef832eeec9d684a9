"""The best that DMRNet reaches: networks of several seeds on a grid, alone and together, with one view and with four.

Networks come from `peers.py`. The headline is all seeds with all views on the finer grid. We chose it before any
ensemble was scored, because the finer grid was better on a fold. Single seeds on both grids had been scored by then.
"""

from __future__ import annotations

import argparse
from typing import Any

from folds import IDS, STATE, frames, test_patients
from record import record
from ubpd import CLASSES
from uncertainty import methods

from dmr.model.computing.threads import use_threads
from dmr.model.evaluation.evaluate import evaluate
from dmr.model.evaluation.metrics import patient_intervals, summarise
from dmr.model.inference.predict import Predictor
from dmr.model.training.train import NETWORK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="600steps-128px,600steps-256px-batch=8", help="runs of peers.py to score")
    args = parser.parse_args()
    use_threads()
    rows: list[dict[str, Any]] = []
    for run in args.runs.split(","):
        size = int(run.split("-")[1].removesuffix("px"))
        data = frames(size)
        held = test_patients(data.patients)
        samples = data.part(held).native
        paths = sorted(STATE.glob(f"dmrnet_s.{NETWORK}-test-?-{run}.weights.pt"))
        for name, looks in methods(paths, None).items():
            predictor = Predictor(looks, class_ids=IDS, input_size=size)
            table = evaluate(predictor, samples, classes=CLASSES, closely=False).table
            found, interval = summarise(table), patient_intervals(table)
            rows.append(
                {
                    "run": run,
                    "looks": name,
                    "networks": len(paths) if "seeds" in name else 1,
                    "frames": len(samples),
                    "patients": len(held),
                    **{f"dice_{n}": round(float(d), 4) for n, d in found["dice"].items()},
                    "low": round(float(interval["low"]["mean"]), 4),
                    "high": round(float(interval["high"]["mean"]), 4),
                    "iou_mean": round(float(found["iou"]["mean"]), 4),
                    "hd95_mean": round(float(found["hd95"]["mean"]), 1),
                }
            )
            print(rows[-1], flush=True)
    headline = {f"dice_{n}": rows[-1][f"dice_{n}"] for n in ("mean", *CLASSES.names)}
    print(record("best", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
