"""The default: expected gain a minute, spread over classes, patients and unlike frames; every part can be left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .caps import capped
from .distance import Copies, both_units, nearest, to_one
from .foreground import foreground
from .noise import power_noise, scheduled_beta
from .pool import Choice, Floats, Indices, Pool, needed
from .reasons import FROM_NOTHING, why
from .stratified import stratified
from .turns import Allowance, shares
from .typiclust import typical


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of the choice are on, and their numbers.

    Attributes:
        eligible: Leave near-copies out, and keep the caps a clip.
        typical: Begin with typical frames, where there is no network yet; else patients take turns.
        classes: Share most of the batch out over the classes.
        need: Weigh classes by how badly they are predicted; else all alike.
        noise: Rank with noise that decays over the rounds.
        diversity: Take frames that are unlike one another from the top of the ranking.
        spread: Let patients take turns, those with the fewest labelled frames first.
        time: Rank by gain a minute; else by gain.
        audit: Draw a slice at random.
        reasons: Give a sentence each.
        fallback: Fall back to the baseline where the audit shows no benefit.
        again: Rank doubtful labelled frames beside new ones; the ranking does it, not the strategy.
        by_guess: Gain is what the guessed Dice lacks to 1; else entropy. Off until a comparison shows that it pays.
        class_share: Of the batch that is shared out over classes.
        shortlist: From how many batches' worth of best frames diverse ones are taken.
        audit_share: Of the batch.
        copy_correlation: Frames of a clip at least as alike as this are near-copies. On the development set the
            outlines of two such frames agree by Dice 0.8, those of less alike ones by less.
        per_clip: Frames of a clip in a round.
        per_patient: Frames of a patient in a round; None for no cap.
        lead: How many frames a patient may be ahead of the one with the fewest; 0 is strict turns.
        time_power: 1 divides gain by time, 0 leaves time out.
        first_beta: Inverse noise in the first round.
        last_beta: Inverse noise in the last round.
    """

    eligible: bool = True
    typical: bool = True
    classes: bool = True
    need: bool = True
    noise: bool = True
    diversity: bool = True
    spread: bool = True
    time: bool = True
    audit: bool = True
    reasons: bool = True
    fallback: bool = True
    again: bool = True
    by_guess: bool = False
    class_share: float = 0.66
    shortlist: float = 4.0
    audit_share: float = 0.12
    copy_correlation: float = 0.98
    per_clip: int = 2
    per_patient: int | None = None
    lead: int = 0
    time_power: float = 1.0
    first_beta: float = 1.0
    last_beta: float = 100.0


DEFAULT = Parts()


def informative(pool: Pool, n: int, *, parts: Parts = DEFAULT) -> list[Choice]:
    """Choose `n` frames, the one to begin with first."""
    n = min(n, len(pool))
    if n < 1:
        return []
    if pool.entropy is None or pool.presence is None:
        return _cold_start(pool, n, parts)
    if parts.fallback and pool.benefit is False:
        chosen = capped(foreground, pool, n, per_clip=parts.per_clip, per_patient=parts.per_patient)
        return _told(pool, chosen, parts)
    search = _Search(pool, parts)
    audit = round(parts.audit_share * n) if parts.audit else 0
    search.draw(audit)
    left = n - len(search.chosen)
    overall, by_class = gains(pool, parts)
    quotas = [0] * len(pool.names)
    if parts.classes:
        quotas = shares(round(parts.class_share * left), class_needs(pool, parts))
    for k, quota in enumerate(quotas):
        search.take(by_class[:, k], quota, about=k)
    search.take(overall, n - len(search.chosen), about=None)
    return search.ordered()


def gains(pool: Pool, parts: Parts) -> tuple[Floats, Floats]:
    """What labelling a frame is expected to teach, a minute: overall `(n,)` and of each class `(n, C)`.

    A class's entropy over its plausible region, times the highest probability: an absent class teaches little.
    """
    unsure = 1 - needed(pool.guessed, "guessed Dice") if parts.by_guess else needed(pool.entropy, "entropy")
    by_class = unsure * needed(pool.presence, "presence")
    overall = by_class @ class_needs(pool, parts)
    if pool.seconds is None:
        return overall, by_class
    return a_minute(overall, pool.seconds, parts), a_minute(by_class, pool.seconds[:, None], parts)


def a_minute(gain: Floats, seconds: Floats, parts: Parts) -> Floats:
    """Gain a minute where time counts, else the gain itself."""
    if not parts.time:
        return gain
    return np.asarray(gain / (np.maximum(seconds, 1.0) / 60) ** parts.time_power)


def class_needs(pool: Pool, parts: Parts) -> Floats:
    """`(C,)`, sum 1: how much each class still has to be learnt, by its guessed Dice where it is predicted.

    A class of which the model says nothing in any frame, such as one that it has not learnt, gives nothing to choose
    by, so it gets no share.
    """
    needs: Floats = np.ones(len(pool.names))
    if parts.need and pool.guessed is not None and pool.presence is not None:
        there = pool.presence >= 0.5
        mean = (pool.guessed * there).sum(0) / np.maximum(there.sum(0), 1)
        needs = np.maximum(1 - mean, 0.05)
    if pool.presence is not None and (known := pool.presence.any(0)).any():
        needs = np.where(known, needs, 0.0)
    return np.asarray(needs / needs.sum())


def _cold_start(pool: Pool, n: int, parts: Parts) -> list[Choice]:
    """Without a network: typical frames within the caps, or else patients in turn."""
    if not parts.typical or (pool.embeddings is None and pool.pixels is None):
        return capped(stratified, pool, n, per_clip=parts.per_clip, per_patient=parts.per_patient)
    allowance = _allowance(pool, parts)
    waiting = typical(pool, min(len(pool), 3 * n))
    among = np.zeros(len(pool), bool)
    among[[row for row, _ in waiting]] = True
    chosen: list[Choice] = []
    while len(chosen) < n:
        allowed = allowance.allowed(among)
        row, score = next(pair for pair in waiting if allowed[pair[0]])
        among[row] = False
        allowance.take(row)
        chosen.append(Choice(row, pool.ids[row], FROM_NOTHING if parts.reasons else "", score))
    return chosen


def _allowance(pool: Pool, parts: Parts) -> Allowance:
    return Allowance(
        pool,
        per_clip=parts.per_clip if parts.eligible else None,
        per_patient=parts.per_patient,
        lead=parts.lead if parts.spread else None,
    )


def _told(pool: Pool, chosen: list[Choice], parts: Parts) -> list[Choice]:
    """The same with what the model thinks of each frame as its reason."""
    if pool.entropy is None:
        return chosen
    return [replace(c, reason=why(pool, c.index) if parts.reasons else "") for c in chosen]


class _Search:
    """One round's choice as it grows: what is taken, who may still give, how far all else lies from it."""

    def __init__(self, pool: Pool, parts: Parts) -> None:
        self.pool, self.parts = pool, parts
        self.free = np.ones(len(pool), bool)
        self.copies = Copies(pool, correlation=parts.copy_correlation) if parts.eligible else None
        self.fresh = np.ones(len(pool), bool) if self.copies is None else ~self.copies.of_labelled()
        self.allowance = _allowance(pool, parts)
        units = both_units(pool) if parts.diversity else None
        self.units = None if units is None else units[0]
        self.reached = None if units is None else nearest(*units)
        self.beta = scheduled_beta(pool, first=parts.first_beta, last=parts.last_beta)
        self.chosen: list[Choice] = []
        self.at: list[float] = []

    def draw(self, quota: int) -> None:
        """The audit slice: at random among all, near-copies and crowded patients too, so that it is unbiased."""
        rows = self.pool.rng.permutation(len(self.free))[:quota]
        for k, row in enumerate(rows):
            self._add(int(row), 0.0, None, (k + 0.5) / quota, audit=True)

    def take(self, gain: Floats, quota: int, *, about: int | None) -> None:
        """Take frames of high gain, as far as the caps allow; `about` is the class that they are asked for."""
        if quota < 1:
            return
        rank = power_noise(gain, beta=self.beta, rng=self.pool.rng) if self.parts.noise else gain
        for k in range(quota):
            rows = self._best(rank, max(1, round(self.parts.shortlist * (quota - k))))
            row = int(rows[0])
            if self.reached is not None and len(rows) > 1 and not np.isinf(self.reached[rows]).all():
                row = int(rows[np.argmax(self.reached[rows])])
            self._add(row, float(gain[row]), about, (k + 0.5) / quota)

    def _best(self, rank: Floats, count: int) -> Indices:
        """The best rows that are free, fresh and within the caps, best first; near-copies when nothing else is left."""
        if not (self.free & self.fresh).any():
            self.fresh[:] = True
        rows = np.flatnonzero(self.allowance.allowed(self.free & self.fresh))
        count = min(count, len(rows))
        top = rows[np.argpartition(-rank[rows], count - 1)[:count]]
        return np.asarray(top[np.argsort(-rank[top], kind="stable")])

    def _add(self, row: int, gain: float, about: int | None, at: float, *, audit: bool = False) -> None:
        reason = why(self.pool, row, about=about) if self.parts.reasons else ""
        self.chosen.append(Choice(row, self.pool.ids[row], reason, gain, audit))
        self.at.append(at)
        self.free[row] = False
        self.allowance.take(row)
        if self.copies is not None:
            self.fresh[self.copies.of(row)] = False
        if self.units is not None and self.reached is not None:
            self.reached = np.minimum(self.reached, to_one(self.units, row))

    def ordered(self) -> list[Choice]:
        """Every list's best first, the lists mixed evenly, so that a batch cut short is a smaller batch."""
        return [self.chosen[i] for i in np.argsort(self.at, kind="stable")]
