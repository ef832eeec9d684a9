"""Time and memory that choosing 100 frames takes, by the size of the pool and by strategy.

The pools are synthetic: clips of 40 frames, four clips a patient, frames of a clip alike. Each choice is made in a
process of its own, whose peak memory counts, with the pool in it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dmr.active.selection.pool import Floats
from dmr.active.selection.strategies import STRATEGIES, Labelled, Pool

SIZES: Final = (1_000, 10_000, 100_000)
CHOSEN: Final = 100
CLIP, CLIPS_A_PATIENT = 40, 4
LABELLED: Final = 400
CLASSES: Final = ("nerve", "muscle", "artery", "vein")
EMBEDDING, PIXELS, GRADIENT = 128, 16 * 16, 80
FIRST_ROUND: Final = "informative, no model yet"  # no scores and no network's embeddings: pixels alone


def synthetic_pool(n: int, *, seed: int, first_round: bool = False) -> Pool:
    """`n` candidates, and as many labelled frames as a department has after some rounds."""
    rng = np.random.default_rng(seed)
    total = n if first_round else n + LABELLED
    clip = np.arange(total) // CLIP
    clips = tuple(f"clip{c:06d}" for c in clip)
    patients = tuple(f"patient{c // CLIPS_A_PATIENT:06d}" for c in clip)
    order = rng.permutation(total)
    rows, known = order[:n], order[n:]
    pixels = _alike(rng, clip, PIXELS)
    labelled = Labelled()
    more: dict[str, Any] = {}
    if not first_round:
        embeddings = _alike(rng, clip, EMBEDDING).astype(np.float16)
        labelled = Labelled(_at(patients, known), _at(clips, known), embeddings[known], pixels[known])
        more = {"embeddings": embeddings[rows], "gradients": _alike(rng, clip, GRADIENT)[rows]}
        for name in ("entropy", "presence", "guessed", "bald"):
            more[name] = rng.random((n, len(CLASSES)), dtype=np.float32)
        for name in ("whole_entropy", "whole_margin", "whole_bald"):
            more[name] = rng.random(n, dtype=np.float32)
        more["seconds"] = rng.uniform(10, 90, n).astype(np.float32)
    return Pool(
        ids=tuple(f"frame{i:07d}" for i in rows),
        clips=_at(clips, rows),
        patients=_at(patients, rows),
        rng=rng,
        names=CLASSES,
        pixels=pixels[rows],
        labelled=labelled,
        round_number=0 if first_round else 4,
        **more,
    )


def _alike(rng: np.random.Generator, clip: NDArray[np.intp], width: int) -> Floats:
    """`(n, width)` float32: a clip's own vector, and a little noise."""
    made = rng.standard_normal((len(clip), width), dtype=np.float32)
    made *= 0.3
    made += rng.standard_normal((int(clip[-1]) + 1, width), dtype=np.float32)[clip]
    return made


def _at(names: tuple[str, ...], rows: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(names[i] for i in rows)


def choose(strategy: str, n: int) -> dict[str, float]:
    """Choose once, in this process."""
    pool = synthetic_pool(n, seed=0, first_round=strategy == FIRST_ROUND)
    chooser = STRATEGIES[strategy.partition(",")[0]]
    began = time.perf_counter()
    chosen = chooser(pool, CHOSEN)
    seconds = time.perf_counter() - began
    if len({c.frame_id for c in chosen}) != CHOSEN:
        raise SystemExit(f"{strategy}: {len(chosen)} frames chosen, expected {CHOSEN}")
    return {"seconds": round(seconds, 2), "mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0)}


def in_a_process(strategy: str, n: int) -> dict[str, float]:
    """Choose once, in a new process."""
    command = [sys.executable, __file__, "--one", strategy, "--sizes", str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{strategy} of {n}: {done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="frames in the pool")
    parser.add_argument("--strategies", nargs="+", default=["informative", FIRST_ROUND, *list(STRATEGIES)[1:]])
    parser.add_argument("--one", help="choose once in this process, and print what it took as JSON")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(choose(args.one, args.sizes[0])))
        return
    rows: list[dict[str, Any]] = []
    print(f"{CHOSEN} frames chosen: seconds, and peak memory of the process in MiB\n")
    print(f"{'strategy':28}" + "".join(f"{n:>18,}" for n in args.sizes))
    for strategy in args.strategies:
        print(f"{strategy:28}", end="", flush=True)
        for n in args.sizes:
            took = in_a_process(strategy, n)
            rows.append({"strategy": strategy, "frames": n, **took})
            print(f"{took['seconds']:9.2f} s {took['mb']:4.0f} MiB", end="", flush=True)
        print()
    largest = [r for r in rows if r["strategy"] == "informative" and r["frames"] == max(SIZES)]
    if largest:
        from record import record

        headline = {"choose_100k_s": largest[0]["seconds"], "choose_100k_mb": largest[0]["mb"]}
        print(f"\n{headline}\n{record('select', headline=headline, rows=rows)}")


if __name__ == "__main__":
    main()
