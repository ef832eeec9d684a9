"""The whole ranking: the first frames by a strategy within the caps, then the others by gain with clips in turn."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...annotate.scans.similarity import NEAR_COPY_IN_CLIP
from ...annotate.wording import counted
from .caps import capped
from .informative import DEFAULT, Parts, gains, informative
from .pool import Choice, Floats, Pool
from .reasons import FROM_NOTHING, why
from .strategies import STRATEGIES

NEED_A_MODEL: Final = frozenset({"entropy", "margin", "bald", "power-bald", "badge", "clasp-pe"})
"""Strategies that choose by what a network says. Without one, `informative` begins in their place."""

_COPY: Final = "nearly the same picture as an earlier frame"
_MORE: Final = f"one more frame of its clip; {FROM_NOTHING}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a ranking.

    Attributes:
        strategy: Name of the strategy.
        first: How many frames it chooses: those of one round.
        per_clip: Most frames of a clip among them, as long as other clips have some.
        per_patient: The same for a patient; None for no cap.
        audit_share: Most frames of the audit slice among them, as a share; one at least,
            and none if it is 0. More of them come just after.
        parts: The parts of `informative` that are on.
    """

    strategy: str = "informative"
    first: int = 50
    per_clip: int = 2
    per_patient: int | None = None
    audit_share: float = 1.0
    parts: Parts = DEFAULT


@dataclass(frozen=True, slots=True)
class Looks:
    """By what near-copies are told outside of the first frames: perceptual hashes, 16 hex digits or None.

    Attributes:
        candidates: Of each candidate.
        labelled: Of each labelled frame, in the pool's order.
    """

    candidates: Sequence[str | None]
    labelled: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate's place in the order.

    Attributes:
        row: Its row in the pool.
        reason: Why it comes here, in a sentence.
        gain: Expected gain, a minute where times are known; None without a network.
    """

    row: int
    reason: str
    gain: float | None


def in_order(
    pool: Pool,
    asked: Asked,
    *,
    looks: Looks,
    audits: Mapping[int, float] | None = None,
    given: Mapping[int, str] | None = None,
) -> list[Place]:
    """All candidates, the one to begin with first.

    Args:
        pool: The candidates, those of a clip in order of time.
        asked: How to choose.
        looks: Tells near-copies apart.
        audits: Rows of the audit slice, each with its place among the first frames, 0 to 1. Their reasons are made like
            everybody's.
        given: Reasons by row, where somebody else has made them.

    Raises:
        NotKnownError: The strategy needs what is not known of these frames.
    """
    audits = audits or {}
    by_chance = sorted(audits, key=lambda row: audits[row])
    most = max(1, round(asked.audit_share * asked.first)) if asked.audit_share else 0
    among, after = by_chance[:most], by_chance[most:]
    others = np.array([i for i in range(len(pool)) if i not in audits], np.intp)
    chosen = choose(pool.only(others), min(max(0, asked.first - len(among)), len(others)), asked)
    rows = [*(int(others[c.index]) for c in chosen), *among]
    at = [*((k + 0.5) / len(chosen) for k in range(len(chosen))), *(audits[row] for row in among)]
    first = [*(rows[i] for i in np.argsort(at, kind="stable")), *after]
    gain = None if pool.entropy is None else gains(pool, asked.parts)[0]
    said = dict(zip(rows, (c.reason for c in chosen), strict=False))
    reasons = _Reasons(pool, asked, said, given or {})
    places = [(row, reasons.of(row)) for row in first]
    places += [(row, reasons.of(row, note)) for row, note in _rest(pool, asked, first, gain, looks)]
    return [Place(row, text, None if gain is None else float(gain[row])) for row, text in places]


class _Reasons:
    """Why a frame has its place: what the model thinks of it, said alike of all frames however they were chosen."""

    def __init__(self, pool: Pool, asked: Asked, said: Mapping[int, str], given: Mapping[int, str]) -> None:
        self.pool, self.asked, self.said, self.given = pool, asked, said, given
        self.known = frozenset(pool.labelled.patients)

    def of(self, row: int, note: str = "") -> str:
        """A frame's reason, with what is to be said of its place."""
        if not self.asked.parts.reasons:
            return ""
        own = self._own(row)
        if note == _COPY:
            return f"{note}; {own}" if self.pool.entropy is not None else note
        return f"{own}; {note}" if note else own

    def _own(self, row: int) -> str:
        if row in self.given:
            return self.given[row]
        if self.pool.entropy is None:
            return self.said.get(row, _MORE)
        chosen_for = self.said.get(row) if self.asked.strategy == "informative" else None
        return chosen_for or why(self.pool, row, known=self.known)


def choose(pool: Pool, n: int, asked: Asked) -> list[Choice]:
    """The first `n` by the strategy, within the caps.

    Raises:
        NotKnownError: The strategy needs what is not known of these frames.
    """
    if n < 1:
        return []
    name = asked.strategy
    if name == "informative" or (pool.entropy is None and name in NEED_A_MODEL):
        parts = replace(asked.parts, audit=False, per_clip=asked.per_clip, per_patient=asked.per_patient)
        return informative(pool, n, parts=parts)
    chosen = capped(STRATEGIES[name], pool, n, per_clip=asked.per_clip, per_patient=asked.per_patient)
    return chosen if pool.entropy is not None else [replace(c, reason=FROM_NOTHING) for c in chosen]


def _rest(pool: Pool, asked: Asked, first: Sequence[int], gain: Floats | None, looks: Looks) -> list[tuple[int, str]]:
    """All others with what is to be said of their place: the best first, clips in turn, near-copies last."""
    before = set(first)
    rows = [i for i in range(len(pool)) if i not in before]
    order = _spread(pool, rows) if gain is None else sorted(rows, key=lambda i: -gain[i])
    seen = _Seen(pool, looks)
    for i in first:
        seen.is_copy(i)
    turn = Counter(pool.clips[i] for i in first)
    placed: list[tuple[tuple[int, int, int], int, str]] = []
    for place, i in enumerate(order):
        if seen.is_copy(i):
            placed.append(((1, 0, place), i, _COPY))
            continue
        lap = turn[pool.clips[i]] // asked.per_clip
        turn[pool.clips[i]] += 1
        behind = lap * asked.per_clip
        note = (
            f"{counted(behind, 'better frames')} of its clip {'comes' if behind == 1 else 'come'} first"
            if behind and gain is not None
            else ""
        )
        placed.append(((0, lap, place), i, note))
    return [(i, note) for _, i, note in sorted(placed)]


def _spread(pool: Pool, rows: Sequence[int]) -> list[int]:
    """Frames of each clip so that any number of them is spread over its time: every clip's first, then the middle."""
    clips: dict[str, list[int]] = defaultdict(list)
    for i in rows:
        clips[pool.clips[i]].append(i)
    keys: dict[int, tuple[int, str]] = {}
    for clip, own in clips.items():
        bits = max(1, (len(own) - 1).bit_length())
        order = sorted(range(len(own)), key=lambda k: int(f"{k:0{bits}b}"[::-1], 2))
        keys |= {own[k]: (place, clip) for place, k in enumerate(order)}
    return sorted(rows, key=lambda i: keys[i])


class _Seen:
    """Which frames of each clip were seen, by their hashes; a near-copy of one is told."""

    def __init__(self, pool: Pool, looks: Looks) -> None:
        self.clips, self.hashes = pool.clips, looks.candidates
        sizes = Counter(pool.clips)
        sizes.update(pool.labelled.clips)
        self.kept = {clip: np.zeros(sizes[clip], np.uint64) for clip in set(pool.clips)}
        self.count: Counter[str] = Counter()
        for clip, text in zip(pool.labelled.clips, looks.labelled, strict=False):
            if clip in self.kept and text is not None:
                self._keep(clip, np.uint64(int(text, 16)))

    def is_copy(self, row: int) -> bool:
        """Whether a frame looks like one seen before; if not, it is seen from now on."""
        clip, text = self.clips[row], self.hashes[row]
        if text is None:
            return False
        own = np.uint64(int(text, 16))
        if (np.bitwise_count(self.kept[clip][: self.count[clip]] ^ own) <= NEAR_COPY_IN_CLIP).any():
            return True
        self._keep(clip, own)
        return False

    def _keep(self, clip: str, own: np.uint64) -> None:
        self.kept[clip][self.count[clip]] = own
        self.count[clip] += 1
