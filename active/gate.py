"""The gate: does a new model replace the active one? A paired bootstrap over patients decides, or leaves it open. Pure.

Both models are scored on the same frames. A patient is drawn with all of their frames, for frames of one patient are
near-copies. The statistic is the mean over classes of the mean Dice over the frames in which the class is drawn.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..annotate.catalogue.records import Decision
from ..annotate.wording import counted

RESAMPLES: Final = 4000
LEAST_PATIENTS: Final = 3  # of fewer, in all or with a class, a bootstrap draws nearly the same sample every time
_Z: Final = 1.96

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of the new model less that of the active one, with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def told(self) -> str:
        """In words of a line."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's own Dice on the frames compared: the mean over the classes judged, and each class's."""

    mean: float
    classes: dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Attributes:
        decision: `promoted`, `rejected` or `undecided`.
        reason: Why, in a sentence.
        dice: Change of the mean Dice; None where nothing could be compared.
        classes: Change of the Dice of each class that was judged.
        unjudged: Classes that are drawn in frames of fewer than `LEAST_PATIENTS` test patients, or that one of the
            models does not know.
        false_positive_rate: Change of the share of covered, empty frames in which a class is drawn; None without such
            frames. Of fewer than `LEAST_PATIENTS` patients, its interval is all that a rate can change by.
        patients: Test patients compared.
        patients_needed: About how many would settle an undecided case; None where that is not told.
        frames: Frames of these patients in which a judged class is drawn.
        incumbent_dice: The active model's own figures; None where nothing could be compared.
        candidate_dice: The new model's.
    """

    decision: Decision
    reason: str
    dice: Change | None
    classes: dict[str, Change]
    unjudged: tuple[str, ...]
    false_positive_rate: Change | None
    patients: int
    patients_needed: int | None = None
    frames: int = 0
    incumbent_dice: Scores | None = None
    candidate_dice: Scores | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON values, to four digits."""
        values: dict[str, Any] = _rounded(asdict(self))
        return values


def judge(
    candidate: pd.DataFrame,
    incumbent: pd.DataFrame,
    *,
    margin: float,
    class_margin: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Verdict:
    """Compare two models by their score tables.

    - rejected: the upper bound of the change is below 0, or a class falls by more than `class_margin` and its upper
      bound is below 0, or false positives surely rise;
    - promoted: the lower bound is at least `-margin`, and false positives do not rise;
    - undecided otherwise.

    Args:
        candidate: The new model's scores, as `metrics.score_table` makes them.
        incumbent: The active model's, of the same frames; classes that one of them lacks are not judged.
        margin: Dice that may be lost over all.
        class_margin: Dice that may be lost in one class.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    key = ["frame", "patient", "name"]
    columns = [*key, "drawn", "predicted", "dice"]
    both = candidate[columns].merge(incumbent[columns], on=key, suffixes=("", "_before"), validate="one_to_one")
    names = list(dict.fromkeys([*candidate["name"], *incumbent["name"]]))
    present = both[both["drawn"] > 0]
    patients = sorted(present["patient"].astype(str).unique())
    having = present.groupby("name")["patient"].nunique()
    judged = [name for name in names if having.get(name, 0) >= LEAST_PATIENTS]
    unjudged = tuple(name for name in names if name not in judged)
    if not judged:
        of = f"{'is' if len(patients) == 1 else 'are'} {counted(len(patients), 'test patients with outlines')}"
        reason = f"there {of}, and no class in {LEAST_PATIENTS} of them: fewer tell nothing"
        return Verdict("undecided", reason, None, {}, unjudged, None, len(patients), LEAST_PATIENTS)
    present = present[present["name"].isin(judged)]
    patients = sorted(present["patient"].astype(str).unique())

    weights = _resampled(len(patients), resamples, seed)
    lost, counts = _by_patient(present, "dice", patients, judged)
    changes = _ratio(lost, counts, weights)  # (1 + resamples, classes); row 0 is the sample itself
    dice = _change(_mean_of_known(changes))
    classes = {name: _change(changes[:, k]) for k, name in enumerate(judged)}
    false_positives = _false_positives(both, resamples=resamples, seed=seed)

    def verdict(decision: Decision, reason: str, needed: int | None = None) -> Verdict:
        return Verdict(
            decision,
            reason,
            dice,
            classes,
            unjudged,
            false_positives,
            len(patients),
            needed,
            frames=int(present["frame"].nunique()),
            incumbent_dice=_scores(present, "dice_before", judged),
            candidate_dice=_scores(present, "dice", judged),
        )

    if dice.high < 0:
        return verdict("rejected", f"its mean Dice is lower: {dice.told()}")
    for name, change in classes.items():
        if change.value < -class_margin and change.high < 0:
            return verdict("rejected", f"it is worse in {name}: {change.told()}")
    if false_positives is not None and false_positives.low > 0:
        return verdict(
            "rejected",
            f"it draws a class more often in frames without it: false-positive rate {false_positives.told()}",
        )
    if dice.low < -margin:
        needed = _patients_needed(dice, margin=margin, patients=len(patients))
        return verdict("undecided", f"it may have lost more than {margin:g} of mean Dice: {dice.told()}", needed)
    if false_positives is not None and false_positives.value > 0:
        reason = (
            "it drew a class somewhat more often in frames without it, perhaps by chance: false-positive rate "
            f"{false_positives.told()}"
        )
        return verdict("undecided", reason)
    return verdict("promoted", f"its mean Dice changes by {dice.told()}")


def _scores(rows: pd.DataFrame, figure: str, names: list[str]) -> Scores:
    """A model's mean Dice of each class, and the mean over the classes."""
    means = rows.groupby("name")[figure].mean()
    own = {name: float(means[name]) for name in names}
    return Scores(sum(own.values()) / len(own), own)


def _resampled(patients: int, resamples: int, seed: int) -> Floats:
    """`(1 + resamples, patients)`: how often each patient was drawn; in row 0, once each."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    return np.vstack([np.ones(patients), drawn]).astype(np.float64)


def _by_patient(rows: pd.DataFrame, figure: str, patients: list[str], names: list[str]) -> tuple[Floats, Floats]:
    """Sums of the change of a figure, and numbers of frames, `(patients, classes)` each."""
    change = rows[figure].astype(float) - rows[f"{figure}_before"].astype(float)
    place = rows["patient"].astype(str).map({p: i for i, p in enumerate(patients)}).to_numpy()
    column = rows["name"].map({name: k for k, name in enumerate(names)}).to_numpy()
    sums, counts = np.zeros((len(patients), len(names))), np.zeros((len(patients), len(names)))
    np.add.at(sums, (place, column), change.to_numpy())
    np.add.at(counts, (place, column), 1.0)
    return sums, counts


def _ratio(sums: Floats, counts: Floats, weights: Floats) -> Floats:
    """Mean change of each class in each resample; nan where a resample has no frame of the class."""
    total = weights @ counts
    return np.divide(weights @ sums, total, out=np.full_like(total, np.nan), where=total > 0)


def _mean_of_known(changes: Floats) -> Floats:
    known = ~np.isnan(changes)
    mean: Floats = np.where(known, changes, 0).sum(1) / known.sum(1).clip(min=1)
    return mean


def _change(values: Floats) -> Change:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return Change(float(values[0]), float(low), float(high))


def _false_positives(both: pd.DataFrame, *, resamples: int, seed: int) -> Change | None:
    absent = both[both["drawn"] == 0]
    if absent.empty:
        return None
    rows = absent.assign(wrong=absent["predicted"] > 0, wrong_before=absent["predicted_before"] > 0, name="")
    patients = sorted(rows["patient"].astype(str).unique())
    sums, counts = _by_patient(rows, "wrong", patients, [""])
    if len(patients) < LEAST_PATIENTS:
        return Change(float(sums.sum() / counts.sum()), -1.0, 1.0)
    return _change(_ratio(sums, counts, _resampled(len(patients), resamples, seed))[:, 0])


def _patients_needed(dice: Change, *, margin: float, patients: int) -> int | None:
    """About how many patients would narrow the interval until it lies above `-margin`, or below 0."""
    spread = (dice.high - dice.low) / (2 * _Z) * math.sqrt(patients)  # of one patient
    room = dice.value + margin if dice.value > -margin else -dice.value
    return None if room <= 0 else max(patients + 1, math.ceil((_Z * spread / room) ** 2))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
