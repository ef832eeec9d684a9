"""How often frames are taken for what they are not: pages, screenshots, black and uniform frames, colour Doppler.

The made pictures come from two seeds. The limits in `annotate/scans/views.py` were chosen on pictures of these programs
from other seeds and of the first one; the headline counts those of the second one, and all real frames. All made
pictures are synthetic.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from record import record
from ubpd import FOLDER
from views_made import KINDS, Pixels, phantom_screens

from dmr.annotate.scans.decoding.pixels import coloured_share, grey_of_rgb
from dmr.annotate.scans.deidentify import plan_cleaning
from dmr.annotate.scans.images import read_frames
from dmr.annotate.scans.views import no_view

CHOSEN, MEASURED = 18, 81  # the two seeds
REAL = FOLDER / "images"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200, help="pictures of each kind and seed")
    each = parser.parse_args().each
    rows: list[dict[str, Any]] = []
    for seed in (CHOSEN, MEASURED):
        screens = list(phantom_screens(each, seed=seed))
        rows.append(row("phantom", seed, screens))
        print(rows[-1], flush=True)
        for number, (kind, make) in enumerate(KINDS.items()):
            rng = np.random.default_rng([seed, number])
            rows.append(row(kind, seed, (make(rng, screens[k % len(screens)]) for k in range(each))))
            print(rows[-1], flush=True)
    if REAL.is_dir():
        real = (frame.pixels for path in sorted(REAL.iterdir()) for frame in read_frames(path))
        rows.append(row("real, UBPD", None, real))
        print(rows[-1])
    else:
        print(f"{REAL} is not here: real frames are left out")
    headline = headline_of(rows)
    print(headline)
    print(record("views", headline=headline, rows=rows))


def row(kind: str, seed: int | None, pictures: Iterable[Pixels]) -> dict[str, Any]:
    """How many pictures of a kind are flagged, and as what."""
    told = Counter(judged(pixels) for pixels in pictures)
    named = {str(view): count for view, count in told.most_common() if view is not None}
    return {"kind": kind, "seed": seed, "of": told.total(), "flagged": told.total() - told[None], "as": named}


def judged(pixels: Pixels) -> str | None:
    """What a picture is taken for, as at ingest."""
    coloured = coloured_share(pixels) if pixels.ndim == 3 else 0.0
    grey = grey_of_rgb(pixels) if pixels.ndim == 3 else pixels
    return no_view(grey, kept=plan_cleaning([grey]).kept, coloured=coloured)


def headline_of(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Shares over the second seed and the real frames: flagged wrongly, and not flagged, by kind."""
    shares = {r["kind"]: r["flagged"] / r["of"] for r in rows if r["seed"] != CHOSEN}
    real = shares.get("real, UBPD")
    return {
        "phantom_flagged": round(shares["phantom"], 4),
        "ubpd_flagged": None if real is None else round(real, 4),
        **{f"missed_{kind.removeprefix('a ').replace(' ', '_')}": round(1 - shares[kind], 4) for kind in KINDS},
    }


if __name__ == "__main__":
    main()
