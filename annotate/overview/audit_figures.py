"""What the audit slice says: how good drafts are, whether they lead physicians, and whether choosing frames pays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import LabelledFrame, RevisionRecord
from ..geometry.raster import shapes_to_layers
from ..shapes import Annotation, Shape

Kind = Literal["blind", "shown", "chosen"]
LEAST_FRAMES: Final = 20  # of each kind, before two kinds are compared
LEAST_TOLD: Final = 10  # frames before a figure is told
LEAST_PATIENTS: Final = 3  # with fewer, a bootstrap draws nearly the same patients every time
MOST_CHOSEN: Final = 500  # chosen frames that are compared, the newest models' first: bounds the time
SIDE: Final = 256  # pixels of the grid on which outlines are compared
RESAMPLES: Final = 2000
_BOUNDS: Final = (2.5, 97.5)  # percent: the ends of a 95 % interval


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft against what a physician drew.

    Attributes:
        patient: The patient, or the clip where the patient is unknown.
        dice: Of each class that the physician drew, by class id.
    """

    patient: str
    dice: dict[int, float]

    @property
    def mean(self) -> float:
        """Over its classes."""
        return sum(self.dice.values()) / len(self.dice)


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with the bounds of its 95 % interval over patients, and the number of frames."""

    value: float
    low: float
    high: float
    frames: int

    def told(self, *, signed: bool = False) -> str:
        """In words."""
        f = "+.2f" if signed else ".2f"
        return f"{self.value:{f}} ({self.low:{f}} to {self.high:{f}})"


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """What was drawn at random, and what was made of it.

    Attributes:
        drawn: Frames of the audit slice.
        frames: Drafts that were judged, by kind: `blind` and `shown` are of the audit slice, `chosen` are frames that
            a strategy chose and whose draft was corrected.
    """

    drawn: int = 0
    frames: dict[Kind, list[Judged]] = field(default_factory=lambda: {"blind": [], "shown": [], "chosen": []})

    def dice(self, kind: Kind, class_id: int | None = None) -> Figure | None:
        """Mean Dice of the drafts of one kind, of a class or over the classes; None where there are too few."""
        own = self.frames[kind]
        values = [(j.patient, j.mean if class_id is None else j.dice[class_id]) for j in own if _has(j, class_id)]
        return figure(values)

    @property
    def bias(self) -> Figure | None:
        """How much nearer outlines are to the draft where it was shown; None where there are too few frames."""
        blind, shown = ([(j.patient, j.mean) for j in self.frames[kind]] for kind in ("blind", "shown"))
        if min(len(blind), len(shown)) < LEAST_FRAMES:
            return None
        return difference(shown, blind)

    @property
    def benefit(self) -> bool | None:
        """Whether chosen frames need more correction than random ones; None where there are too few.

        Only frames whose draft was shown are compared: where it was not, outlines are farther from it in any case.
        """
        chosen, shown = self.frames["chosen"], self.frames["shown"]
        if min(len(chosen), len(shown)) < LEAST_FRAMES:
            return None
        return float(np.mean([j.mean for j in chosen])) < float(np.mean([j.mean for j in shown]))

    def no_benefit_line(self) -> str | None:
        """What to say where choosing does not pay; None where it does, or nobody knows."""
        if self.benefit is not False:
            return None
        chosen, shown = self.frames["chosen"], self.frames["shown"]
        means = [float(np.mean([j.mean for j in own])) for own in (chosen, shown)]
        return (
            f"Choosing frames does not pay so far: drafts of chosen frames were as good as those of random ones (Dice "
            f"{means[0]:.2f} against {means[1]:.2f}, {len(chosen)} and {len(shown)} frames). So frames are drawn at "
            "random, spread over patients and structures."
        )


def audit_figures(catalogue: Catalogue) -> AuditFigures:
    """Compare drafts with what was drawn, on the audit slice and, where that is large enough, on chosen frames."""
    audits = catalogue.audits()
    figures = AuditFigures(len(audits))
    if not audits:
        return figures
    chosen: list[tuple[LabelledFrame, str, Kind]] = []
    pairs: list[tuple[LabelledFrame, str, Kind]] = []
    for item in catalogue.settled_frames():
        audit = audits.get(item.frame.frame_id)
        if audit is None:
            if item.draft_model is not None and item.split not in ("validation", "test"):
                chosen.append((item, item.draft_model, "chosen"))
        elif audit.blind == item.blind and _is_first(catalogue.revision(item.revision).record):
            pairs.append((item, item.draft_model or audit.model, "blind" if audit.blind else "shown"))
    _judge(catalogue, pairs, figures)
    if len(figures.frames["shown"]) >= LEAST_FRAMES:
        chosen.sort(key=lambda one: (-_number(one[1]), one[0].revision))
        _judge(catalogue, chosen[:MOST_CHOSEN], figures)
    return figures


def _is_first(record: RevisionRecord) -> bool:
    """Whether somebody drew it for the audit: not brought in, and not drawn again over outlines that were there."""
    if record.reading != "first":  # it corrects no draft of the audit: it judges other readings, or is one more
        return False
    return record.origin != "import" and (record.parent is None or record.draft_model is not None)


def figure(values: Sequence[tuple[str, float]]) -> Figure | None:
    """The mean of values with their patients; None where there are too few to tell anything."""
    if len(values) < LEAST_TOLD or len({patient for patient, _ in values}) < LEAST_PATIENTS:
        return None
    means = _resampled(values, seed=0)
    low, high = np.nanpercentile(means, _BOUNDS)
    return Figure(float(np.mean([v for _, v in values])), float(low), float(high), len(values))


def difference(one: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]) -> Figure | None:
    """The mean of one list less that of another; None where one has too few patients."""
    if min(len({patient for patient, _ in own}) for own in (one, other)) < LEAST_PATIENTS:
        return None
    low, high = np.nanpercentile(_resampled(one, seed=0) - _resampled(other, seed=1), _BOUNDS)
    value = float(np.mean([v for _, v in one]) - np.mean([v for _, v in other]))
    return Figure(value, float(low), float(high), len(one) + len(other))


def _resampled(values: Sequence[tuple[str, float]], *, seed: int) -> NDArray[np.float64]:
    """Means of resamples that draw whole patients, because frames of one patient are alike."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for patient, value in values:
        sums[patient][0] += value
        sums[patient][1] += 1
    by_patient = np.array(list(sums.values()))
    n = len(by_patient)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES) @ by_patient
    return np.asarray(drawn[:, 0] / drawn[:, 1], dtype=np.float64)


def _judge(catalogue: Catalogue, pairs: Iterable[tuple[LabelledFrame, str, Kind]], figures: AuditFigures) -> None:
    by_model: dict[str, list[tuple[LabelledFrame, Kind]]] = defaultdict(list)
    for item, model, kind in pairs:
        by_model[model].append((item, kind))
    for model, own in by_model.items():
        drafts = catalogue.latest_predictions(model, [item.frame.frame_id for item, _ in own])
        for item, kind in own:
            draft = drafts.get(item.frame.frame_id)
            dice = {} if draft is None else draft_dice(draft.shapes, item.annotation)
            if dice:
                figures.frames[kind].append(Judged(item.frame.patient or item.frame.clip_id, dice))


def draft_dice(draft: Sequence[Shape], truth: Annotation) -> dict[int, float]:
    """The Dice of each class that a physician drew, by class id; on a small grid, which is exact enough here."""
    ids = sorted({s.class_id for s in truth.shapes} & truth.covered)
    if not ids:
        return {}
    scale = min(1.0, SIDE / max(truth.height, truth.width))
    size = {"height": max(1, round(truth.height * scale)), "width": max(1, round(truth.width * scale))}
    layers = [shapes_to_layers(_scaled(s, scale), class_ids=ids, **size) for s in (draft, truth.shapes)]
    both = (layers[0] & layers[1]).sum((1, 2))
    sizes = layers[0].sum((1, 2)) + layers[1].sum((1, 2))
    return {i: float(2 * b / n) for i, b, n in zip(ids, both, sizes, strict=True) if n}


def _scaled(shapes: Sequence[Shape], scale: float) -> list[Shape]:
    return [
        Shape(s.class_id, tuple((x * scale, y * scale) for x, y in s.points), hole=s.hole, group=s.group)
        for s in shapes
    ]


def _has(judged: Judged, class_id: int | None) -> bool:
    return class_id is None or class_id in judged.dice


def _number(model: str) -> int:
    return int(model[1:]) if model[1:].isdecimal() else 0
