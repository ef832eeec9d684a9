"""The phantom and the demo: frames a second, speckle of muscle, and the gain of the second model.

The demo runs once for each seed, as `dmr demo` does. Each is a line of `results/phantom.csv`. An interrupted run goes
on with the next seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from parts import add, open_round
from record import record
from scipy import ndimage

from dmr.active.demo.run import run_demo
from dmr.annotate.phantom.clip import draw_clip
from dmr.annotate.phantom.scanner import SCANNERS
from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.tissue import INDEX
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.render.overlay import contact_sheet
from dmr.annotate.scans.images import encode_png

PUBLISHED = (0.5, 1.0)  # Nakagami's m of muscle, Shankar 2000
SHEET = Path(__file__).resolve().parents[1] / "docs" / "phantom.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    rows: list[dict[str, Any]] = [speed(), *speckle()]
    for row in rows:
        print(row, flush=True)
    parts = {f"demo-{seed}": seed for seed in range(args.seeds)}
    number, done = open_round("phantom", parts)
    for name, seed in parts.items():
        if name not in done:
            done[name] = demo(seed)
            add("phantom", {"round": number, "part": name, **done[name]})
        rows.append({k: v for k, v in done[name].items() if k not in ("round", "part", "commit")})
        print(rows[-1], flush=True)
    demos = [row for row in rows if row["what"] == "demo"]
    headline = {
        "frames_per_s": rows[0]["frames_per_s"],
        "demo_s": round(float(np.mean([row["seconds"] for row in demos])), 1),
        "second_model_gain": round(float(np.mean([row["gain"] for row in demos])), 4),
        "nakagami_m": round(float(np.median([row["nakagami_m"] for row in rows if row["what"] == "speckle"])), 3),
    }
    print(headline)
    print(record("phantom", headline=headline, rows=rows))
    SHEET.write_bytes(encode_png(sheet()))  # last, because the record needs a clean tree


def speed() -> dict[str, Any]:
    """Frames a second on two cores; they are written as PNG with their outlines."""
    wanted = PhantomSet(patients=8, frames=16, seed=90)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        frames = sum(write_phantom(Path(folder) / "set", wanted))
        seconds = time.perf_counter() - began
    return {"what": "speed", "frames": frames, "seconds": round(seconds, 2), "frames_per_s": round(frames / seconds, 1)}


def speckle() -> list[dict[str, Any]]:
    """First-order statistics of the psoas' envelope, 2 mm from its borders, with a scanner without compounding."""
    rows = []
    for seed in range(8):
        clip = draw_clip(np.random.default_rng([91, seed]), frames=1, scanner=SCANNERS["dune"])
        pose = clip.poses[0]
        section = clip.subject.section(pose.z)
        envelope = clip.imager.envelope(pose, section)
        muscle = clip.imager.plane.tissues(pose, section) == INDEX["psoas_major"]
        muscle = ndimage.binary_erosion(muscle, np.ones((21, 9), np.bool_))
        values = level(envelope, muscle)
        power = values**2
        rows.append(
            {
                "what": "speckle",
                "subject": seed,
                "samples": int(muscle.sum()),
                "nakagami_m": round(float(power.mean() ** 2 / power.var()), 3),
                "snr": round(float(values.mean() / values.std()), 3),
                "published_m": PUBLISHED,
            }
        )
    return rows


def level(envelope: NDArray[np.float32], muscle: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The muscle's envelope without attenuation: each depth is divided by its root mean square."""
    rows = np.flatnonzero(muscle.sum(axis=1) >= 20)
    parts = [envelope[r, muscle[r]] / np.sqrt((envelope[r, muscle[r]] ** 2).mean()) for r in rows]
    return np.concatenate(parts)


def demo(seed: int) -> dict[str, Any]:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = run_demo(
            Path(folder) / "demo",
            steps=None,
            seed=seed,
            device="cpu",
            show=lambda line: print(line, flush=True),
        )
    seconds = time.perf_counter() - began
    first, second = done.figures.first, done.figures.second
    return {
        "what": "demo",
        "seed": seed,
        "seconds": round(seconds, 1),
        "first_steps": first.steps,
        "second_steps": second.steps,
        "first_dice": first.dice,
        "second_dice": second.dice,
        "verdict": done.verdict,
        "gain": round(done.gain, 4),
    }


def sheet() -> NDArray[np.uint8]:
    """A contact sheet of three subjects with each scanner."""
    cells: list[tuple[NDArray[np.uint8], str]] = []
    for seed in range(3):
        for name in sorted(SCANNERS):
            clip = draw_clip(np.random.default_rng([92, seed, len(cells)]), frames=1, scanner=SCANNERS[name])
            frame = next(clip.frames())
            cells.append((write_screen(frame.pixels, clip.view)[:400], f"synthetic, scanner {name}"))
    return contact_sheet(cells, columns=4, cell_width=320)


if __name__ == "__main__":
    main()
