"""How far DMRNet gets: networks of several seeds on one grid, alone and together, one view of each and four.

Networks come from the peers' benchmark. What is looked at is chosen on folds (`--on 0,1`); the test patients are
scored for the record alone (`--on test`).
"""

from __future__ import annotations

import argparse
from typing import Any

from folds import IDS, STATE, fold, frames, test_patients
from record import record
from ubpd import CLASSES
from uncertainty import NAMES, methods

from dmr.model.device import use_threads
from dmr.model.evaluate import evaluate
from dmr.model.metrics import patient_intervals, summarise
from dmr.model.predict import Predictor
from dmr.model.training import NETWORK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--run", default="1200steps-256px-batch=8", help="of the peers' benchmark: steps, side, changes"
    )
    parser.add_argument("--on", default="test", help="test, or folds as 0,1")
    args = parser.parse_args()
    use_threads()
    size = int(args.run.split("-")[1].removesuffix("px"))
    data = frames(size)
    rows: list[dict[str, Any]] = []
    for on in args.on.split(","):
        held = test_patients(data.patients) if on == "test" else fold(data.patients, int(on))
        samples = data.part(held).native
        paths = sorted(STATE.glob(f"dmrnet_s.{NETWORK}-{on}-?-{args.run}.weights.pt"))
        for name, looks in methods(paths, None).items():
            predictor = Predictor(looks, class_ids=IDS, input_size=size)
            table = evaluate(predictor, samples, names=NAMES, contains={}, closely=False).table
            found, interval = summarise(table), patient_intervals(table)
            rows.append(
                {
                    "on": on,
                    "run": args.run,
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
    if args.on == "test":
        best = rows[-1]  # all networks and views: named before the test patients were looked at
        headline = {f"dice_{n}": best[f"dice_{n}"] for n in ("mean", *CLASSES.names)}
        print(record("best", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
