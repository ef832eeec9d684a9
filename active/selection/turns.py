"""Patients take turns: those of whom the fewest frames are labelled come first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from .pool import Floats, Indices, Mask, Pool


def in_turns(pool: Pool, n: int, *, among: Indices | None = None, taken: Sequence[int] = ()) -> list[int]:
    """Rows of `n` candidates, one after the other of the patient who has the fewest frames; both at random else.

    Args:
        pool: The candidates.
        n: How many, or fewer if there are no more.
        among: Rows to draw from; None for all.
        taken: Rows chosen before, which count for their patients.
    """
    rows = np.arange(len(pool)) if among is None else among
    counts = Counter(pool.labelled.patients)
    counts.update(pool.patients[i] for i in taken)
    waiting: dict[str, list[int]] = defaultdict(list)
    before = set(taken)
    for i in pool.rng.permutation(rows):
        if int(i) not in before:
            waiting[pool.patients[i]].append(int(i))
    chosen: list[int] = []
    patients = sorted(waiting)
    while len(chosen) < n and patients:
        fewest = min(counts[p] for p in patients)
        group = [p for p in patients if counts[p] == fewest]
        for k in pool.rng.permutation(len(group)):
            if len(chosen) == n:
                break
            chosen.append(waiting[group[k]].pop())
            counts[group[k]] += 1
        patients = [p for p in patients if waiting[p]]
    return chosen


class Allowance:
    """How many more frames of a clip and of a patient may be chosen in this round.

    A clip gives at most `per_clip` a round and a patient at most `per_patient`; where no one may give any more, all get
    another lap. A patient is never more than `lead` frames ahead of the one who has the fewest labelled and chosen
    frames and can still give some.
    """

    def __init__(self, pool: Pool, *, per_clip: int | None, lead: int | None, per_patient: int | None = None) -> None:
        clips, self.clip = np.unique(np.array(pool.clips, dtype=str), return_inverse=True)
        patients, self.patient = np.unique(np.array(pool.patients, dtype=str), return_inverse=True)
        self.of_clip = np.zeros(len(clips), np.intp)
        before = Counter(pool.labelled.patients)
        self.of_patient = np.array([before[str(p)] for p in patients], np.intp)
        self.in_round = np.zeros(len(patients), np.intp)
        self.per_clip, self.per_patient, self.lead = per_clip, per_patient, lead
        self.lap = 1

    def allowed(self, among: Mask) -> Mask:
        """`(n,)` bool: those `among` all whose clip and patient may give another frame; never none of some."""
        mask = self.within_caps(among)
        while among.any() and not mask.any():
            self.lap += 1
            mask = self.within_caps(among)
        if self.lead is not None and mask.any():
            frames = self.of_patient[self.patient]
            mask = mask & (frames <= frames[mask].min() + self.lead)
        return mask

    def within_caps(self, among: Mask) -> Mask:
        """`(n,)` bool: those `among` all that the caps of this lap allow; perhaps none."""
        mask = among
        if self.per_clip is not None:
            mask = mask & (self.of_clip[self.clip] < self.lap * self.per_clip)
        if self.per_patient is not None:
            mask = mask & (self.in_round[self.patient] < self.lap * self.per_patient)
        return mask

    def fits(self, row: int) -> bool:
        """Whether the caps of this lap allow a candidate."""
        of_clip, of_patient = self.of_clip[self.clip[row]], self.in_round[self.patient[row]]
        return bool(
            (self.per_clip is None or of_clip < self.lap * self.per_clip)
            and (self.per_patient is None or of_patient < self.lap * self.per_patient)
        )

    def take(self, row: int) -> None:
        """Count a chosen frame."""
        self.of_clip[self.clip[row]] += 1
        self.of_patient[self.patient[row]] += 1
        self.in_round[self.patient[row]] += 1


def new_patients(pool: Pool) -> set[str]:
    """Patients of whom nothing is labelled."""
    return set(pool.patients) - set(pool.labelled.patients)


def shares(quota: int, weights: Floats) -> list[int]:
    """`quota` shared out by weights, largest remainders first; whole numbers that add up to it."""
    if quota == 0 or weights.sum() <= 0:
        return [0] * len(weights)
    exact = quota * weights / weights.sum()
    whole = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - whole), kind="stable")[: quota - whole.sum()]
    whole[rest] += 1
    return [int(w) for w in whole]
