"""Say how doubtful each label is, and why, from comparisons of whole frames. Pure.

A label is doubtful if the model disagrees with it more than on the frames of the patient that look most like it, or if
those frames say otherwise: they show the class or do not, in as many outlines. So a structure that a model never finds
in a patient, or that nobody draws in a patient, does not hide the slips among that patient's frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...annotate.shapes import Annotation
from .compare import Comparison

LARGE: Final = 0.5  # of a class's usual area: a structure of that size that is not drawn counts in full
MOSTLY: Final = 0.7  # share of an outline from which the model does not see it
NOTHING: Final = 0.9  # median share that is not seen, from which a model has hardly learnt a class
LIKELY: Final = 0.5  # disagreement, or share of the frames like it, from which words tell of it
HALF: Final = 0.5  # of an outline of usual size: as much seen as another class tells of a mistaken one
WORTH: Final = 0.5  # score from which a label is told as doubtful
ALIKE: Final = 3  # frames of the patient that a frame is compared with, those that look most like it

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """One class in one labelled frame.

    Attributes:
        frame: The frame's id.
        patient: Its patient.
        look: `(p,)` its down-scaled grey values, of mean 0 and length 1.
        side_px: The longer side of the frame, pixels.
        outlines: How many outlines of the class are drawn.
        covered: Whether the class is covered.
        comparison: With what a model sees that has not learnt from the patient.
    """

    frame: str
    patient: str
    look: Floats
    side_px: int
    outlines: int
    covered: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Doubt:
    """How doubtful a label is.

    Attributes:
        score: 0 to 1.
        what: In plain words; empty where nothing is worth a look.
    """

    score: float
    what: str


def outlines_of(annotation: Annotation, class_id: int) -> int:
    """How many outlines of a class are drawn, without holes."""
    return sum(shape.class_id == class_id and not shape.hole for shape in annotation.shapes)


def doubts(labels: Sequence[Label], *, names: Mapping[int, str]) -> list[Doubt]:
    """Judge labels, in their order.

    Args:
        labels: All classes of all frames that can be judged: labels of one class and patient are compared.
        names: Class id to the name as it is told.
    """
    found = [Doubt(0.0, "")] * len(labels)
    by_class: dict[int, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        by_class[label.comparison.class_id].append(at)
    for rows in by_class.values():
        own = [labels[at] for at in rows]
        against = disagreement([label.comparison for label in own])
        usual, expected = _elsewhere(own, against)
        odd = np.where([label.comparison.drawn > 0 for label in own], 1 - usual, usual)
        score = 1 - (1 - np.maximum(0, against - expected)) * (1 - odd**2)  # either is enough
        for k, at in enumerate(rows):
            if score[k] < WORTH:
                found[at] = Doubt(float(score[k]), "")
                continue
            told = _words(own[k], float(against[k]), float(against[k] - expected[k]), float(usual[k]), names)
            found[at] = Doubt(float(score[k]), told)
    return found


def hardly_seen(labels: Sequence[Label]) -> list[int]:
    """Ids of the classes of which the models see next to nothing in most frames that show them."""
    unseen: dict[int, list[float]] = defaultdict(list)
    for label in labels:
        if label.comparison.drawn:
            unseen[label.comparison.class_id].append(label.comparison.unseen)
    return sorted(k for k, shares in unseen.items() if np.median(shares) >= NOTHING)


def disagreement(comparisons: Sequence[Comparison]) -> Floats:
    """`(n,)`, 0 to 1: how far the model disagrees with each label of one class.

    Of a drawn class: the share of it that the model does not see. Of one that is not drawn: how sure the model is of a
    structure of usual size.
    """
    areas = [c.drawn for c in comparisons if c.drawn] or [c.extra for c in comparisons if c.extra] or [1.0]
    large = LARGE * float(np.median(areas))
    return np.array([c.unseen if c.drawn else c.peak * min(1.0, c.extra / large) for c in comparisons])


def _elsewhere(labels: Sequence[Label], against: Floats) -> tuple[Floats, Floats]:
    """On the frames of the patient like it: the share that shows as much of the class, and the median disagreement.

    As much means at least as many outlines, and at least one. The share over all patients counts as one more frame;
    without other frames all patients count.
    """
    outlines = np.array([label.outlines for label in labels])
    least = np.maximum(outlines, 1)
    usual = 1 - np.searchsorted(np.sort(outlines), least, side="left") / len(labels)
    expected = np.full(len(labels), float(np.median(against)))
    rows_of: dict[str, list[int]] = defaultdict(list)
    for k, label in enumerate(labels):
        rows_of[label.patient].append(k)
    for listed in rows_of.values():
        rows = np.array(listed)
        if len(rows) > 1:
            near = rows[_most_alike(np.stack([labels[k].look for k in listed]))]
            as_much = (outlines[near] >= least[rows, None]).sum(1)
            usual[rows] = (as_much + usual[rows]) / (near.shape[1] + 1)
            expected[rows] = np.median(against[near], axis=1)
    return usual, expected


def _most_alike(looks: Floats) -> NDArray[np.intp]:
    """`(n, k)`: for each row the other rows that look most like it, up to `ALIKE`."""
    likeness = looks @ looks.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=1, kind="stable")[:, : min(ALIKE, len(looks) - 1)]


def _words(label: Label, against: float, gain: float, usual: float, names: Mapping[int, str]) -> str:
    c, name = label.comparison, names[label.comparison.class_id]
    if not c.drawn:
        told = "perhaps forgotten" if not label.covered else "said to be absent, perhaps forgotten"
        why = ["the model sees it"] if against >= LIKELY else []
        why += ["it is drawn on this patient's frames like it"] if usual >= LIKELY else []
        return f"{told}: {', and '.join(why)}" if why else told
    if c.other is not None and c.other_share * label.outlines >= HALF:
        return f"drawn as {name}, looks like {names[c.other]}"
    if usual < LIKELY and (gain < LIKELY or c.unseen < MOSTLY):
        more = "drawn" if label.outlines < 2 else "more outlines"
        return f"{more} here, and not on this patient's frames like it"
    if c.unseen >= MOSTLY:
        return "drawn where the model sees nothing"
    return f"border off by about {max(1, round(c.apart * label.side_px))} px"
