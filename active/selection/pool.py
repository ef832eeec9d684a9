"""What a strategy sees, and what it answers: one contract for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


_BY_CLASS: Final = ("entropy", "presence", "guessed", "bald")
_OF_CANDIDATES: Final = (
    *_BY_CLASS,
    "whole_entropy",
    "whole_margin",
    "whole_bald",
    "embeddings",
    "gradients",
    "pixels",
    "seconds",
)


UNKNOWN: Final = "unknown, of clip "
"""How the key of a patient begins whom nobody knows: each clip counts as a patient of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The frames that are labelled already, in any order.

    Attributes:
        patients: Of each frame, pseudonyms.
        clips: Of each frame.
        embeddings: `(m, d)` by the same network as the candidates'; None without a network.
        pixels: `(m, p)` down-scaled grey values; None where they were not computed.
    """

    patients: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()
    embeddings: Floats | None = None
    pixels: Floats | None = None

    def __len__(self) -> int:
        return len(self.patients)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates for a physician's time and what is known of them; rows are candidates, `n` of them.

    All that comes from a network is None before there is one.

    Attributes:
        ids: Frame ids, all different.
        clips: Of each candidate.
        patients: Of each candidate, pseudonyms.
        rng: All randomness comes from it.
        names: Of the classes, `C` of them.
        entropy: `(n, C)` binary entropy over each class's plausible region, 0 to 1.
        presence: `(n, C)` the highest probability of each class in the frame, 0 to 1.
        guessed: `(n, C)` guessed Dice of each class, 0 to 1.
        whole_entropy: `(n,)` mean entropy over all pixels of the frame.
        whole_margin: `(n,)` mean over all pixels of the two highest probabilities' difference.
        whole_bald: `(n,)` mutual information of prediction and look, mean over all pixels.
        bald: `(n, C)` the same over each class's plausible region.
        embeddings: `(n, d)` of the network.
        gradients: `(n, g)` gradients of the last layer at the network's own answer (Ash et al. 2020).
        pixels: `(n, p)` down-scaled grey values: needs no network.
        seconds: `(n,)` predicted time to correct the draft.
        labelled: What is labelled already.
        round_number: Rounds done; 0 when nothing is labelled.
        planned_rounds: Rounds that are planned in all.
        benefit: What the audit says of choosing: False if it does not pay, None if unknown.
    """

    ids: tuple[str, ...]
    clips: tuple[str, ...]
    patients: tuple[str, ...]
    rng: np.random.Generator
    names: tuple[str, ...] = ()
    entropy: Floats | None = None
    presence: Floats | None = None
    guessed: Floats | None = None
    whole_entropy: Floats | None = None
    whole_margin: Floats | None = None
    whole_bald: Floats | None = None
    bald: Floats | None = None
    embeddings: Floats | None = None
    gradients: Floats | None = None
    pixels: Floats | None = None
    seconds: Floats | None = None
    labelled: Labelled = field(default_factory=Labelled)
    round_number: int = 0
    planned_rounds: int = 8
    benefit: bool | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        if len(set(self.ids)) != n:
            raise ValueError("ids: a frame is there twice")
        for name in ("clips", "patients", *_OF_CANDIDATES):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise ValueError(f"{name}: {len(value)} rows for {n} candidates")
        for name in _BY_CLASS:
            value = getattr(self, name)
            if value is not None and value.shape != (n, len(self.names)):
                raise ValueError(f"{name}: shape {value.shape} for {n} candidates and {len(self.names)} classes")

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, rows: Indices) -> Pool:
        """The pool of these candidates alone, in this order; all else stays, the generator too."""
        changes: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in rows) for name in ("ids", "clips", "patients")
        }
        for name in _OF_CANDIDATES:
            value = getattr(self, name)
            changes[name] = None if value is None else value[rows]
        return replace(self, **changes)

    @property
    def progress(self) -> float:
        """Share of the planned rounds that is done, 0 at the first that has a network, 1 at the last."""
        return float(np.clip((self.round_number - 1) / max(1, self.planned_rounds - 2), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Choice:
    """A frame that a strategy asks for.

    Attributes:
        index: Its row in the pool.
        frame_id: Its id.
        reason: Why, in a sentence for a physician.
        score: What it was ranked by, higher is better; not comparable between strategies.
        audit: Whether it belongs to the slice drawn at random that tells how good things are.
    """

    index: int
    frame_id: str
    reason: str
    score: float
    audit: bool = False


class NotKnownError(ValueError):
    """A strategy needs what is not known of these frames.

    Args:
        what: Such as `embeddings`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: not in this pool, and the strategy needs it")
        self.what = what


Strategy = Callable[[Pool, int], list[Choice]]


def best(pool: Pool, scores: Floats, n: int, *, reason: str) -> list[Choice]:
    """The `n` highest of `scores` `(n,)`, ties in the pool's order; `reason` may show the score as `{:.2f}`."""
    order = np.argsort(-scores, kind="stable")[:n]
    return [Choice(int(i), pool.ids[i], reason.format(scores[i]), float(scores[i])) for i in order]


def needed(value: Floats | None, what: str) -> Floats:
    """`value`, where a strategy cannot work without it.

    Raises:
        NotKnownError: It is not there.
    """
    if value is None:
        raise NotKnownError(what)
    return value
