"""How much a frame can teach: pure functions of a network's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A class's plausible region is 1.5 times its expected area, so that it includes the border. Averaged over the whole
# frame, a small nerve would drown in background.
REGION_FACTOR = 1.5
REGION_LEAST = 24  # pixels of the network's grid: the area of a small nerve at 128 x 128
PLAUSIBLE = 0.05  # less likely pixels do not count towards the expected area: they are thousands, and would dominate
LIKELY = 0.2  # a class that reaches this probability nowhere counts as absent


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How unsure a network is of one class in one frame.

    Attributes:
        name: The class.
        entropy: Mean binary entropy over the plausible region; 0 is certain, 1 is most uncertain.
        peak: Highest probability in the frame, 0 to 1.
        area: Share of the frame outlined as this class, 0 to 1.
    """

    name: str
    entropy: float
    peak: float
    area: float


def plausible_entropy(p: NDArray[np.float32]) -> float:
    """Mean binary entropy of one layer `(h, w)` over its most likely pixels, 0 to 1 bit."""
    expected = p[p >= PLAUSIBLE].sum()
    n = int(np.clip(REGION_FACTOR * expected, min(REGION_LEAST, p.size), p.size))
    top = np.partition(p.ravel(), p.size - n)[p.size - n :].astype(np.float64).clip(1e-6, 1 - 1e-6)
    return float(-(top * np.log2(top) + (1 - top) * np.log2(1 - top)).mean())


def class_scores(layers: NDArray[np.float32], drawn: NDArray[np.bool_], *, names: Sequence[str]) -> list[ClassScore]:
    """Score each class.

    Args:
        layers: `(C, h, w)` probabilities on the network's grid.
        drawn: `(C, H, W)` masks of the outlines, at the frame's own size.
        names: Names of the classes.
    """
    return [
        ClassScore(name, plausible_entropy(p), float(p.max()), float(d.mean()))
        for name, p, d in zip(names, layers, drawn, strict=True)
    ]


def frame_score(scores: Sequence[ClassScore]) -> float:
    """A frame's score, 0 to 1: the mean entropy over its classes."""
    return float(np.mean([s.entropy for s in scores])) if scores else 0.0


def reason(scores: Sequence[ClassScore]) -> str:
    """Why a frame is worth a physician's time, in one sentence."""
    if not any(s.area for s in scores):
        likeliest = max(scores, key=lambda s: s.peak)
        if likeliest.peak < LIKELY:
            return "no outline: the model finds none of the structures"
        return f"no outline, but {_words(likeliest.name)} may be there ({likeliest.peak:.0%} likely)"
    missing = [s for s in scores if not s.area and s.peak >= LIKELY]
    by_entropy = sorted((s for s in scores if s.area), key=lambda s: -s.entropy)
    parts = [f"{_words(by_entropy[0].name)} border {_strength(by_entropy[0].entropy)}"]
    parts += [f"{_words(s.name)} border also {_strength(s.entropy)}" for s in by_entropy[1:2] if s.entropy > 0.4]
    parts += [f"{_words(s.name)} may be missed ({s.peak:.0%} likely)" for s in missing[:1]]
    return "; ".join(parts)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _strength(entropy: float) -> str:
    if entropy > 0.6:
        return f"very uncertain ({entropy:.2f})"
    if entropy > 0.3:
        return f"uncertain ({entropy:.2f})"
    return f"fairly certain ({entropy:.2f})"
