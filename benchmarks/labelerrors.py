"""How many spoiled outlines of real frames `dmr check --labels` ranks among its worst tenth.

UBPD without the fixed test patients, read with coverage `all`. 5 % of the structures are spoiled: put under another
class (nerve and artery, artery and vein), deleted, or shifted by 15 px; a structure is all that is drawn of a class in
a frame. A swap makes two wrong pairs of frame and class. Five networks learn from the spoiled outlines, each without a
fifth of the patients, and judge the patients left out; their predictions are kept in build/labelerrors.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from folds import IDS
from label_corruption import KINDS, Corruption
from label_folds import SIDE, Set, probabilities, spoiled_set
from numpy.typing import NDArray
from ubpd import CLASSES

from dmr.active.labels.compare import compare
from dmr.active.labels.doubt import Doubt, Label, doubts, outlines_of
from dmr.active.labels.grids import look_of, scaled_down
from dmr.annotate.geometry.trace import index_to_shapes
from dmr.annotate.render.overlay import contact_sheet, draw_overlay
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation
from dmr.model.data.dataset import Sample
from dmr.model.data.letterbox import Letterbox

WORST: Final = 0.1
PICTURES: Final = Path("build/labelerrors/worst.png")
NAMES: Final = {c.id: c.name for c in CLASSES}


def judged(
    samples: Sequence[Sample], targets: torch.Tensor, seen: NDArray[np.uint8]
) -> tuple[list[Label], list[Doubt]]:
    """All pairs of frame and class, frame by frame, and how doubtful each is."""
    drawn = targets.numpy()[:, None] == np.array(IDS, np.uint8)[:, None, None]
    labels = []
    for s, p, mask in zip(samples, seen, drawn, strict=True):
        look, side = look_of(scaled_down(s.pixels)), max(s.pixels.shape)
        for c in compare(p[1:], mask, class_ids=IDS):
            labels.append(Label(s.frame, s.patient or "", look, side, outlines_of(s.annotation, c.class_id), True, c))
    return labels, doubts(labels, names=NAMES)


def shares_found(corruptions: Sequence[Corruption], found: Sequence[Doubt], *, frames: int) -> list[dict[str, Any]]:
    """For each kind of error and for all: how many wrong pairs stand in the worst tenth of all pairs."""
    score = np.array([d.score for d in found])
    worst = set(np.argsort(-score, kind="stable")[: round(WORST * len(score))].tolist())
    rows: list[dict[str, Any]] = []
    for kind in (*KINDS, "all"):
        pairs = [
            c.frame * len(IDS) + IDS.index(class_id)
            for c in corruptions
            if kind in ("all", c.kind)
            for class_id in c.classes
        ]
        hits = sum(p in worst for p in pairs)
        rows.append({"kind": kind, "pairs": len(pairs), "found": hits, "share": round(hits / len(pairs), 4)})
    rows[-1] |= {"frames": frames, "all_pairs": len(score), "looked_at": len(worst)}
    return rows


def draw_worst(data: Set, seen: NDArray[np.uint8], *, count: int) -> None:
    """Pictures of the most doubtful labels as the physicians drew them, beside what the networks see."""
    labels, found = judged(data.samples, data.clean, seen)
    order = sorted(range(len(found)), key=lambda i: -found[i].score)[:count]
    cells = []
    for rank, i in enumerate(order, 1):
        sample = data.samples[i // len(IDS)]
        height, width = sample.pixels.shape
        restored = Letterbox(height, width, SIDE).restore(torch.from_numpy(seen[i // len(IDS)]).float())
        shapes = index_to_shapes(restored.argmax(0).numpy().astype(np.uint8), tolerance=2.0)
        name = NAMES[labels[i].comparison.class_id]
        for annotation, whose in (
            (sample.annotation, f"{rank}. {name} ({found[i].score:.2f}): {found[i].what}"),
            (Annotation(height, width, shapes, frozenset()), f"what the networks see; {sample.frame}"),
        ):
            cells.append((draw_overlay(sample.pixels, annotation, classes=CLASSES), whose))
    PICTURES.parent.mkdir(parents=True, exist_ok=True)
    PICTURES.write_bytes(encode_png(contact_sheet(cells, legend={c.name: c.color for c in CLASSES})))
    print(f"{PICTURES}: the {count} most doubtful labels of the physicians' own. It shows patients' frames.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, metavar="N", help="also draw the N most doubtful labels, not spoiled")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = spoiled_set()
    seen = probabilities(data)
    _, found = judged(data.spoiled, data.targets, seen)
    rows = shares_found(data.corruptions, found, frames=len(data.samples))
    print(f"{'kind':10}{'wrong pairs':>12}{'in the worst tenth':>20}{'share':>8}")
    for row in rows:
        print(f"{row['kind']:10}{row['pairs']:12}{row['found']:20}{row['share']:8.2f}")
    if args.pictures:
        draw_worst(data, seen, count=args.pictures)
    from record import record

    print(record("labelerrors", headline={"found_in_worst_tenth": rows[-1]["share"]}, rows=rows))


if __name__ == "__main__":
    main()
