"""Which patients train, which validate, which test: decided once and for good, patient by patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from ..settings.model import SPLITS, Split, SplitSettings
from .catalogue import Catalogue

PATIENTS: Final = 0
"""Stands among the class ids for the patient itself, so that patients are shared out as the drawn frames are."""

_OFFERED: Final[tuple[Split, ...]] = ("train", "test", "validation")  # to whom the first three patients go


class Assignment(NamedTuple):
    """A patient's split, and why."""

    split: Split
    reason: str


def assign(
    new: Mapping[str, Mapping[int, int]],
    *,
    totals: Mapping[Split, Mapping[int, int]],
    shares: SplitSettings,
    fixed: Mapping[str, Split] | None = None,
) -> dict[str, Assignment]:
    """Give each new patient the split that lacks most of what the patient brings.

    The lack of a class in a split is its share less the part it has of the class's frames; the lacks of a patient's
    classes are weighed by the part of each class that the patient brings. (That is the steepest way down the squared
    distance to the shares.) A split without a patient comes first, in the order train, test, validation. The patients
    with most drawn frames go first, and of those alike the lower pseudonym, which nobody chose: the outcome is the same
    every time.

    Args:
        new: By patient, the number of frames in which each class is drawn; empty for a patient without outlines.
        totals: By split, the same summed over its patients, and under `PATIENTS` their number.
        shares: The shares aimed at.
        fixed: Splits that the user chose, by patient.

    Returns:
        Every new patient's assignment.
    """
    have = {split: Counter(totals.get(split, {})) for split in SPLITS}
    brought = {patient: Counter(counts) + Counter({PATIENTS: 1}) for patient, counts in new.items()}
    chosen = fixed or {}
    assigned = {}
    for patient in sorted(brought, key=lambda p: (p not in chosen, -brought[p].total(), p)):
        if patient in chosen:
            assignment = Assignment(chosen[patient], "chosen by the user")
        else:
            assignment = _place(brought[patient], have, shares)
        have[assignment.split] += brought[patient]
        assigned[patient] = assignment
    return assigned


def _place(brought: Counter[int], have: Mapping[Split, Counter[int]], shares: SplitSettings) -> Assignment:
    offered = [split for split in _OFFERED if shares.share(split) > 0]
    for split in offered:
        if have[split][PATIENTS] == 0:
            return Assignment(split, f"{split} had no patient")
    total = {c: n + sum(counts[c] for counts in have.values()) for c, n in brought.items()}

    def lack(split: Split) -> float:
        return sum(n / total[c] * (shares.share(split) - have[split][c] / total[c]) for c, n in brought.items())

    split = max(offered, key=lack)  # of equals, the first
    return Assignment(split, f"{split} lacked most of this patient's classes")


def update_ledger(
    catalogue: Catalogue,
    *,
    shares: SplitSettings,
    patients: Collection[str | None] | None = None,
    fixed: Mapping[str, Split] | None = None,
) -> dict[str, Assignment]:
    """Assign patients that have no split yet; those that have one stay where they are.

    A patient whose frames a model has been trained on while nobody knew whose they were goes to train, whatever is
    chosen.

    Args:
        catalogue: Open.
        shares: The shares aimed at.
        patients: Only these, such as those who have just got their first outlines; None for all.
        fixed: Splits that the user chose, by patient.

    Returns:
        The new assignments.

    Raises:
        CatalogueError: A patient in `fixed` is unknown, or in another split already.
    """
    with catalogue.transaction():
        splits, drawn = catalogue.splits(), catalogue.drawn_counts()
        wanted = {p for p, split in splits.items() if split is None and (patients is None or p in patients)}
        wanted |= {p for p in fixed or {} if splits.get(p, "unknown") is None}
        new = {patient: drawn[patient] for patient in wanted}
        if not new and not fixed:
            return {}
        totals: dict[Split, Counter[int]] = {split: Counter() for split in SPLITS}
        for patient, split in splits.items():
            if split is not None:
                totals[split] += drawn[patient] + Counter({PATIENTS: 1})
        assigned = {patient: Assignment(split, "chosen by the user") for patient, split in (fixed or {}).items()}
        for patient in new.keys() & catalogue.patients_in_datasets():
            assigned[patient] = Assignment("train", "a model has been trained on the frames")
        chosen = {patient: assignment.split for patient, assignment in assigned.items()}
        assigned = assign(new, totals=totals, shares=shares, fixed=chosen) | assigned
        catalogue.assign_splits(assigned)
        return {patient: assigned[patient] for patient in new}
