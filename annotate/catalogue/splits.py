"""Assign each patient to train, validation or test, once and for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from ..settings.model import SPLITS, Split, SplitSettings
from .catalogue import Catalogue

PATIENTS: Final = 0
"""A key beside the class ids that counts patients, so that patients are shared out like drawn frames."""

_OFFERED: Final[tuple[Split, ...]] = ("train", "test", "validation")  # the splits of the first three patients


class Assignment(NamedTuple):
    """A patient's split, and the reason for it."""

    split: Split
    reason: str


def assign(
    new: Mapping[str, Mapping[int, int]],
    *,
    totals: Mapping[Split, Mapping[int, int]],
    shares: SplitSettings,
    fixed: Mapping[str, Split] | None = None,
) -> dict[str, Assignment]:
    """Give each new patient to the split that most lacks the patient's classes.

    A split lacks a class by its target share minus its present share of the class's frames. The lacks are weighted by
    the part of each class's frames that the patient has. (This is the steepest way down the squared distance to the
    target shares.) Splits without a patient come first, in the order train, test, validation. Patients with the most
    drawn frames are assigned first; among equals, the lower pseudonym. So the outcome is the same every time.

    Args:
        new: For each patient, the number of frames in which each class is drawn; empty for a patient without outlines.
        totals: For each split, the same numbers summed over its patients, with their number under `PATIENTS`.
        shares: The target shares.
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

    split = max(offered, key=lack)  # among equals, the first
    return Assignment(split, f"{split} lacked most of this patient's classes")


def update_ledger(
    catalogue: Catalogue,
    *,
    shares: SplitSettings,
    patients: Collection[str | None] | None = None,
    fixed: Mapping[str, Split] | None = None,
) -> dict[str, Assignment]:
    """Assign patients that have no split yet. Other patients stay where they are.

    If a model was trained on a patient's frames while the patient was unknown, the patient goes to train, whatever the
    shares say.

    Args:
        catalogue: Open.
        shares: The target shares.
        patients: Only these patients, such as those with new outlines; None for all.
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
