"""The order in which frames are shown to a physician."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...annotate.errors import SettingsError
from ...annotate.scans.similarity import NEAR_COPY_IN_CLIP, hamming


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame that may be shown.

    Attributes:
        frame_id: Its id.
        clip: Its clip.
        patient: Pseudonym, None where unknown.
        position: Its place in the clip, any number that grows with time.
        perceptual_hash: 16 hex digits, None where there is none.
        score: How much the frame can teach; higher is more. None without a model.
        reason: Why it has this score, in words; empty without a model.

    Example:
        >>> dmr.Candidate("f1", clip="c1", patient=None, position=0).score is None
        True
    """

    frame_id: str
    clip: str
    patient: str | None
    position: float
    perceptual_hash: str | None = None
    score: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A frame's place in the order: `rank` 1 is shown first."""

    rank: int
    frame_id: str
    score: float | None
    reason: str


def informative(candidates: Sequence[Candidate], *, per_clip: int, seed: int) -> list[tuple[Candidate, str]]:
    """Highest score first, but at most `per_clip` frames of a clip in each turn of the clips; near-copies last."""
    del seed
    best_first = sorted(candidates, key=lambda c: (-(c.score or 0.0), c.frame_id))
    copies = _near_copies(best_first)
    turn: dict[str, int] = defaultdict(int)
    placed = []
    for c in best_first:
        if c.frame_id in copies:
            placed.append(((1, 0, 0.0), c, f"nearly the same picture as a frame ranked before it; {c.reason}"))
            continue
        lap = turn[c.clip] // per_clip
        turn[c.clip] += 1
        later = "" if lap == 0 else f"; comes after {lap * per_clip} better frames of its clip"
        placed.append(((0, lap, -(c.score or 0.0)), c, c.reason + later))
    return [(c, why) for _, c, why in sorted(placed, key=lambda p: p[0])]


def cold_start(candidates: Sequence[Candidate], *, per_clip: int, seed: int) -> list[tuple[Candidate, str]]:
    """Without a model: take the clips in turn; of each clip the most typical frame first, then the most different ones.

    Perceptual hashes say which frames are alike. Near-copies come last.
    """
    del per_clip, seed
    in_order = sorted(candidates, key=lambda c: (c.clip, c.position, c.frame_id))
    copies = _near_copies(in_order)
    clips: dict[str, list[Candidate]] = defaultdict(list)
    for c in in_order:
        if c.frame_id not in copies:
            clips[c.clip].append(c)
    placed: list[tuple[tuple[int, str], Candidate, str]] = []
    for clip, frames in clips.items():
        for turn, i in enumerate(_typical_then_different([f.perceptual_hash or "0" for f in frames])):
            which = (
                "the most typical frame of its clip" if turn == 0 else "unlike the frames of its clip ranked before it"
            )
            placed.append(((turn, clip), frames[i], f"no model yet: {which}"))
    ordered = [(c, why) for _, c, why in sorted(placed, key=lambda p: p[0])]
    return ordered + [
        (c, "nearly the same picture as a frame ranked before it") for c in in_order if c.frame_id in copies
    ]


def at_random(candidates: Sequence[Candidate], *, per_clip: int, seed: int) -> list[tuple[Candidate, str]]:
    """In random order; every frame has the same chance."""
    del per_clip
    in_order = sorted(candidates, key=lambda c: c.frame_id)
    order = np.random.default_rng(seed).permutation(len(in_order))
    return [(in_order[i], "chosen at random") for i in order]


Selector = Callable[..., list[tuple[Candidate, str]]]
SELECTORS: dict[str, Selector] = {"informative": informative, "cold-start": cold_start, "random": at_random}


def check_strategy(name: str) -> None:
    """Refuse a strategy that does not exist.

    Raises:
        SettingsError: There is no such strategy.
    """
    if name not in SELECTORS:
        raise SettingsError(
            "dmr.toml", f"[select] strategy {name!r} is not known", f"Use one of {', '.join(SELECTORS)}"
        )


def select(candidates: Sequence[Candidate], *, strategy: str, per_clip: int, seed: int = 0) -> list[Ranked]:
    """Put frames in the order in which they should be outlined.

    Args:
        candidates: Frames that nobody has labelled.
        strategy: `informative` (without scores it becomes `cold-start`), `cold-start` or `random`.
        per_clip: Frames that a clip may give before it is every other clip's turn.
        seed: Random seed.

    Returns:
        All of them in order, each with the reason for its place.

    Raises:
        SettingsError: There is no such strategy.

    Example:
        >>> a = dmr.Candidate("a", clip="c1", patient=None, position=0, score=0.2, reason="nerve border uncertain")
        >>> b = dmr.Candidate("b", clip="c2", patient=None, position=0, score=0.7, reason="muscle border uncertain")
        >>> [ranked.frame_id for ranked in dmr.select([a, b], strategy="informative", per_clip=2)]
        ['b', 'a']
    """
    check_strategy(strategy)
    if strategy == "informative" and all(c.score is None for c in candidates):
        strategy = "cold-start"
    ordered = SELECTORS[strategy](candidates, per_clip=per_clip, seed=seed)
    return [Ranked(k, c.frame_id, c.score, why) for k, (c, why) in enumerate(ordered, 1)]


def _near_copies(in_order: Sequence[Candidate]) -> set[str]:
    """Frames that look like an earlier frame of the same clip in this order."""
    kept: dict[str, list[str]] = defaultdict(list)
    copies = set()
    for c in in_order:
        if c.perceptual_hash is None:
            continue
        if any(hamming(c.perceptual_hash, h) <= NEAR_COPY_IN_CLIP for h in kept[c.clip]):
            copies.add(c.frame_id)
        else:
            kept[c.clip].append(c.perceptual_hash)
    return copies


def _typical_then_different(hashes: Sequence[str]) -> list[int]:
    """All indices: first the frame nearest to all others, then each time the frame farthest from those taken."""
    bits = np.array([int(h, 16) for h in hashes], np.uint64)
    order = [int(np.argmin([np.bitwise_count(bits ^ b).sum() for b in bits]))]
    distance = np.bitwise_count(bits ^ bits[order[0]]).astype(np.int64)
    distance[order[0]] = -1
    while len(order) < len(hashes):
        order.append(int(distance.argmax()))
        distance = np.minimum(distance, np.bitwise_count(bits ^ bits[order[-1]]))
        distance[order] = -1
    return order
