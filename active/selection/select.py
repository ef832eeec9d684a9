"""The order of frames for programs that have scores of their own: a thin layer over `order.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...annotate.errors import SettingsError
from .informative import Parts
from .order import NEED_A_MODEL, Asked, Looks, in_order
from .pool import Pool
from .strategies import STRATEGIES

SIMULATED_ONLY: Final = frozenset({"badge"})
"""Strategies that need what only a simulation computes."""


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


def check_strategy(name: str, *, where: str = "dmr.toml: [select]") -> None:
    """Refuse a strategy that does not exist, or that runs in the simulation only.

    Raises:
        SettingsError: It is so.
    """
    known = ", ".join(n for n in STRATEGIES if n not in SIMULATED_ONLY)
    if name not in STRATEGIES:
        raise SettingsError(where, f"the strategy {name!r} is not known", f"Use one of {known}")
    if name in SIMULATED_ONLY:
        what = f"the strategy {name!r} needs the network's gradients, which dmr does not keep with drafts"
        compare = f"Only a simulation has them, to compare it: `dmr simulate --strategies {name},random`"
        raise SettingsError(where, what, f"{compare}. To rank, use one of {known}")


def select(candidates: Sequence[Candidate], *, strategy: str, per_clip: int, seed: int = 0) -> list[Ranked]:
    """Put frames in the order in which they should be outlined.

    Args:
        candidates: Frames that nobody has labelled.
        strategy: `informative`: highest score first, clips in turn. Without scores, the frames of each clip are spread
            over its time. `random` and `stratified`: by chance, patients in turn for the latter. The other strategies
            need a model; in a workspace, `dmr select` has what they need.
        per_clip: Frames that a clip may give before it is every other clip's turn.
        seed: Random seed.

    Returns:
        All of them in order, each with the reason for its place.

    Raises:
        SettingsError: There is no such strategy, or it needs more than scores.

    Example:
        >>> a = dmr.Candidate("a", clip="c1", patient=None, position=0, score=0.2, reason="nerve border uncertain")
        >>> b = dmr.Candidate("b", clip="c2", patient=None, position=0, score=0.7, reason="muscle border uncertain")
        >>> [ranked.frame_id for ranked in dmr.select([a, b], strategy="informative", per_clip=2)]
        ['b', 'a']
    """
    check_strategy(strategy, where="select")
    if strategy in NEED_A_MODEL | {"coreset", "typiclust"}:
        remedy = "Use informative, random, stratified or foreground, or `dmr select` in a workspace"
        raise SettingsError("select", f"the strategy {strategy!r} needs more than scores", remedy)
    own = sorted(candidates, key=lambda c: (c.clip, c.position, c.frame_id))
    scored = any(c.score is not None for c in own)
    scores = np.array([[c.score or 0.0] for c in own]).reshape(len(own), 1)
    known: dict[str, Any] = {"names": ("score",), "entropy": scores, "presence": np.ones_like(scores)} if scored else {}
    pool = Pool(
        tuple(c.frame_id for c in own),
        tuple(c.clip for c in own),
        tuple(c.patient or c.clip for c in own),
        np.random.default_rng(seed),
        **known,
    )
    first = 0 if strategy == "informative" else len(own)
    asked = Asked(strategy=strategy, first=first, per_clip=per_clip, parts=Parts(time=False))
    given = {i: c.reason for i, c in enumerate(own) if c.reason}
    order = in_order(pool, asked, looks=Looks([c.perceptual_hash for c in own]), given=given)
    return [Ranked(k, own[p.row].frame_id, own[p.row].score, p.reason) for k, p in enumerate(order, 1)]
