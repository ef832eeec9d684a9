"""The gate: does a new model replace the active one? A paired bootstrap over patients decides. Pure.

Both models are scored on the same frames. The bootstrap draws whole patients, because frames of one patient are
alike. The statistic: each class's mean Dice over the frames in which it is drawn, then the mean over the classes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ..annotate.catalogue.records import Decision
from ..annotate.wording import counted
from ..model.evaluation.bootstrap import (
    BOUNDS,
    Floats,
    drawn_patients,
    mean_of_known,
    patients_of,
    resampled_means,
    sums_by_patient,
)
from ..model.versions.trainings import Trainings

RESAMPLES: Final = 4000
LEAST_PATIENTS: Final = 3  # with fewer patients a bootstrap draws nearly the same sample every time
_Z: Final = 1.96
_TIE: Final = 1e-9  # Dice: what sums of floats differ by is no fall
_MOST_TOLD: Final = 10_000  # patients; a larger number says that both models are about equal


@dataclass(frozen=True, slots=True)
class Change:
    """The new model's figure minus the active model's, with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def told(self) -> str:
        """The change and its interval, for a line of text."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's Dice on the compared frames: the mean over the judged classes, and each class's own."""

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
        false_positive_rate: Change of the false-positive rate over all classes; None if no class is covered and absent
            in a frame. With fewer than `LEAST_PATIENTS` patients its interval is -1 to 1: anything is possible.
        patients: Test patients that were compared.
        patients_needed: About how many test patients would settle an undecided case; None if that is not known.
        frames: Frames of these patients in which a judged class is drawn.
        incumbent_dice: The active model's own figures; None where nothing could be compared.
        candidate_dice: The new model's own figures; None where nothing could be compared.
        trainings: How long both were trained; None if a card does not say.
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
    trainings: Trainings | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON values, to four digits."""
        values: dict[str, Any] = _rounded(asdict(self))
        if self.trainings is not None:
            values["trainings"]["told"] = self.trainings.told()
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

    - rejected: the whole interval of the change is below 0; or a class falls by more than `class_margin` and its
      whole interval is below 0; or the whole interval of the false-positive rate is above 0;
    - promoted: the mean does not fall and its lower bound is at least `-margin`; no class falls by more than `margin`;
      and the false-positive rate does not rise;
    - undecided: in all other cases.

    Args:
        candidate: The new model's scores, as `metrics.score_table` makes them.
        incumbent: The active model's scores on the same frames. Classes that only one table has are not judged.
        margin: Dice that the new model may lose: at the lower bound of the mean, and in the estimate of each class.
        class_margin: Dice that it may lose in one class before a sure fall rejects it.
        resamples: How often the bootstrap draws the patients.
        seed: Random seed of the bootstrap.

    Raises:
        ValueError: A Dice of a drawn structure is no number.

    Example:
        >>> import pandas as pd
        >>> rows = [
        ...     {"frame": f"f{k}", "patient": f"p{k}", "name": "nerve", "drawn": 90, "predicted": 80, "dice": 0.6}
        ...     for k in range(5)
        ... ]
        >>> before = pd.DataFrame(rows)
        >>> dmr.judge(before.assign(dice=0.7), before, margin=0.03, class_margin=0.05).decision
        'promoted'
    """
    key = ["frame", "patient", "name"]
    columns = [*key, "drawn", "predicted", "dice"]
    both = candidate[columns].merge(incumbent[columns], on=key, suffixes=("", "_before"), validate="one_to_one")
    names = list(dict.fromkeys([*candidate["name"], *incumbent["name"]]))
    present = both[both["drawn"] > 0]
    having = present.groupby("name")["patient"].nunique()
    judged = [name for name in names if having.get(name, 0) >= LEAST_PATIENTS]
    unjudged = tuple(name for name in names if name not in judged)
    if not judged:
        return _too_few(len(set(patients_of(present))), unjudged)
    present = present[present["name"].isin(judged)]
    if not np.isfinite(present[["dice", "dice_before"]].to_numpy(np.float64)).all():
        raise ValueError("a Dice in the score tables is no number")  # it would compare as neither better nor worse
    found = _compared(present, both, judged, resamples=resamples, seed=seed)
    decision, reason, needed = _decision(found, margin=margin, class_margin=class_margin)
    return Verdict(
        decision,
        reason,
        found.dice,
        found.classes,
        unjudged,
        found.false_positives,
        found.patients,
        needed,
        frames=int(present["frame"].nunique()),
        incumbent_dice=_scores(present, "dice_before", judged),
        candidate_dice=_scores(present, "dice", judged),
    )


def _too_few(patients: int, unjudged: tuple[str, ...]) -> Verdict:
    has = f"{counted(patients, 'test patients')} {'has' if patients == 1 else 'have'} outlines"
    reason = f"{has}, but a class can be judged only if it is drawn in frames of {LEAST_PATIENTS} of them"
    return Verdict("undecided", reason, None, {}, unjudged, None, patients, LEAST_PATIENTS)


@dataclass(frozen=True, slots=True)
class _Compared:
    """The changes from the active model to the new one."""

    dice: Change
    classes: dict[str, Change]
    false_positives: Change | None
    patients: int


def _compared(present: pd.DataFrame, both: pd.DataFrame, judged: list[str], *, resamples: int, seed: int) -> _Compared:
    """The changes of Dice over frames that show a judged class, and of false positives over all frames."""
    patients = sorted(set(patients_of(present)))
    sums, counts = sums_by_patient(present, _lost(present, "dice"), patients=patients, names=judged)
    changes = resampled_means(sums, counts, _draws(len(patients), resamples, seed))  # (1 + resamples, classes)
    return _Compared(
        _change(mean_of_known(changes)),
        {name: _change(changes[:, k]) for k, name in enumerate(judged)},
        _false_positives(both, resamples=resamples, seed=seed),
        len(patients),
    )


def _decision(found: _Compared, *, margin: float, class_margin: float) -> tuple[Decision, str, int | None]:
    """The decision, the reason, and about how many patients would settle an undecided case."""
    dice, false_positives = found.dice, found.false_positives
    if dice.high < 0:
        return "rejected", f"its mean Dice is lower: {dice.told()}", None
    for name, change in found.classes.items():
        if change.value < -class_margin and change.high < 0:
            return "rejected", f"it is worse in {name}: {change.told()}", None
    if false_positives is not None and false_positives.low > 0:
        reason = f"it more often draws a class that is not there: false-positive rate {false_positives.told()}"
        return "rejected", reason, None
    reasons, needed = _doubts(found, margin=margin, class_margin=class_margin)
    if reasons:
        return "undecided", "; ".join(reasons), needed
    return "promoted", f"its mean Dice changes by {dice.told()}", None


def _doubts(found: _Compared, *, margin: float, class_margin: float) -> tuple[list[str], int | None]:
    """What speaks against promoting a model that is not surely worse, and about how many patients would settle that."""
    dice, false_positives = found.dice, found.false_positives
    reasons: list[str] = []
    settled: list[int | None] = []  # by so many patients, as each fall would then be sure
    if dice.value < -_TIE:
        reasons.append(f"its mean Dice is lower, perhaps by chance: {dice.told()}")
        settled.append(_patients_needed(dice, room=-dice.value, patients=found.patients))
    elif dice.low < -margin:
        reasons.append(f"its mean Dice may be lower by more than {margin:g}: {dice.told()}")
    for name, change in found.classes.items():
        if change.value < -margin - _TIE:
            reasons.append(f"{name} is lower by more than {margin:g}, perhaps by chance: {change.told()}")
            if change.value < -class_margin:
                settled.append(_patients_needed(change, room=-change.value, patients=found.patients))
    if false_positives is not None and false_positives.value > 0:
        reasons.append(
            "it drew a class that is not there somewhat more often, perhaps by chance: false-positive rate "
            f"{false_positives.told()}"
        )
    if len(reasons) == 1 and dice.value >= -_TIE and dice.low < -margin:
        settled.append(_patients_needed(dice, room=dice.value + margin, patients=found.patients))
    return reasons, min((n for n in settled if n is not None), default=None)


def _scores(rows: pd.DataFrame, figure: str, names: list[str]) -> Scores:
    """A model's mean Dice of each class, and the mean over the classes."""
    means = rows.groupby("name")[figure].mean()
    own = {name: float(means[name]) for name in names}
    return Scores(sum(own.values()) / len(own), own)


def _draws(patients: int, resamples: int, seed: int) -> Floats:
    """`(1 + resamples, patients)`: how often each patient was drawn. Row 0 is the sample itself: each once."""
    return np.vstack([np.ones(patients), drawn_patients(patients, resamples=resamples, seed=seed)])


def _lost(rows: pd.DataFrame, figure: str) -> Floats:
    """The change of a figure in each row."""
    return np.asarray(rows[figure].astype(float) - rows[f"{figure}_before"].astype(float), np.float64)


def _change(values: Floats) -> Change:
    low, high = np.nanquantile(values[1:], BOUNDS)
    return Change(float(values[0]), float(low), float(high))


def _false_positives(both: pd.DataFrame, *, resamples: int, seed: int) -> Change | None:
    absent = both[both["drawn"] == 0]
    if absent.empty:
        return None
    rows = absent.assign(wrong=absent["predicted"] > 0, wrong_before=absent["predicted_before"] > 0, name="")
    patients = sorted(set(patients_of(rows)))
    sums, counts = sums_by_patient(rows, _lost(rows, "wrong"), patients=patients, names=[""])
    if len(patients) < LEAST_PATIENTS:
        return Change(float(sums.sum() / counts.sum()), -1.0, 1.0)
    return _change(resampled_means(sums, counts, _draws(len(patients), resamples, seed))[:, 0])


def _patients_needed(change: Change, *, room: float, patients: int) -> int | None:
    """About how many patients would narrow an interval to `room` on each side; None if they are too many to tell."""
    if room <= 0:
        return None
    spread = (change.high - change.low) / (2 * _Z) * math.sqrt(patients)  # of a single patient
    needed = max(patients + 1, math.ceil((_Z * spread / room) ** 2))
    return needed if needed <= _MOST_TOLD else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
