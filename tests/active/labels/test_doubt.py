"""Slips in outlines get high scores and the right words; what a model never finds in a patient does not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dmr.active.labels.compare import compare
from dmr.active.labels.doubt import Doubt, Label, doubts, hardly_seen
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.shapes import Shape

SIDE = 128
NAMES = {1: "nerve", 2: "artery", 3: "vein"}
LOOK = np.array([1.0, 0.0])
PLACES = {1: (30, 30), 2: (60, 90), 3: (95, 40)}


def disc(class_id: int, *, shift: float = 0.0, place: tuple[int, int] | None = None) -> Shape:
    x, y = place or PLACES[class_id]
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return Shape(class_id, tuple((x + shift + 12 * np.cos(a), y + 12 * np.sin(a)) for a in angles))


def painted(shapes: list[Shape]) -> NDArray[np.bool_]:
    return shapes_to_layers(shapes, class_ids=list(NAMES), height=SIDE, width=SIDE)


def label_frame(
    name: str,
    drawn: list[Shape],
    *,
    sees: list[Shape] | None = None,
    patient: str = "p",
    covered: bool = True,
    look: NDArray[np.float64] = LOOK,
) -> list[Label]:
    """Labels of one frame; the model sees all three structures in their places, if nothing else is said."""
    model = painted([disc(k) for k in NAMES] if sees is None else sees)
    found = compare(model * np.uint8(240), painted(drawn), class_ids=list(NAMES))
    count = {k: sum(s.class_id == k for s in drawn) for k in NAMES}
    return [Label(name, patient, look, 512, count[c.class_id], covered, c) for c in found]


def judged(spoiled: list[Label], *, others: list[list[Label]]) -> dict[str, Doubt]:
    """The doubts about one frame's classes, beside its patient's other frames."""
    every = [*spoiled, *(label for frame in others for label in frame)]
    return dict(zip(NAMES.values(), doubts(every, names=NAMES), strict=False))


GOOD = [label_frame(f"good{k}", [disc(1), disc(2), disc(3)]) for k in range(5)]


def test_outlines_as_the_model_sees_them_are_not_doubtful() -> None:
    assert all(d == Doubt(0.0, "") for d in doubts([label for f in GOOD for label in f], names=NAMES))


def test_a_swapped_class_is_doubtful_under_both_names() -> None:
    swapped = label_frame("bad", [disc(1), disc(2), disc(2, place=PLACES[3])])

    found = judged(swapped, others=GOOD)

    assert found["artery"].score > 0.5
    assert found["artery"].what == "drawn as artery, looks like vein"
    assert found["vein"].score > 0.8
    assert found["vein"].what.startswith("said to be absent, perhaps forgotten: the model sees it")
    assert found["nerve"] == Doubt(0.0, "")


def test_a_class_drawn_in_the_place_of_another_is_told_with_both_names() -> None:
    found = judged(label_frame("bad", [disc(1), disc(3, place=PLACES[2])]), others=GOOD)

    assert found["vein"].what == "drawn as vein, looks like artery"
    assert found["artery"].score > 0.8


def test_one_outline_too_many_is_told() -> None:
    twice = label_frame("bad", [disc(1), disc(2), disc(3), disc(2, place=(110, 110))], sees=[disc(1), disc(2), disc(3)])

    found = judged(twice, others=GOOD)

    assert found["artery"].what == "more outlines here, and not on this patient's frames like it"


@pytest.mark.parametrize(
    ("covered", "words"),
    [
        (False, "perhaps forgotten"),
        (True, "said to be absent, perhaps forgotten"),
    ],
    ids=["not covered", "covered"],
)
def test_a_forgotten_structure_is_told_by_whether_it_was_said_to_be_absent(covered: bool, words: str) -> None:
    forgotten = label_frame("bad", [disc(2), disc(3)], covered=covered)

    found = judged(forgotten, others=GOOD)

    assert found["nerve"].score > 0.8
    assert found["nerve"].what == f"{words}: the model sees it, and it is drawn on this patient's frames like it"


def test_a_structure_in_the_wrong_place_is_drawn_where_the_model_sees_nothing() -> None:
    found = judged(label_frame("bad", [disc(1, place=(110, 110)), disc(2), disc(3)]), others=GOOD)

    assert found["nerve"].score > 0.4
    assert found["nerve"].what == "drawn where the model sees nothing"


def test_a_shifted_outline_is_told_with_about_how_far_its_border_is_off() -> None:
    found = judged(label_frame("bad", [disc(1, shift=15), disc(2), disc(3)]), others=GOOD)

    assert found["nerve"].score > 0.25
    assert found["nerve"].what.startswith("border off by about ")
    assert 20 < float(found["nerve"].what.split()[-2]) < 60  # 15 pixels of the grid are 60 of the frame; the sides less


def test_a_border_within_the_tolerance_is_no_disagreement() -> None:
    found = judged(label_frame("near", [disc(1, shift=2), disc(2), disc(3)]), others=GOOD)

    assert found["nerve"].score < 0.05


def test_what_the_model_never_finds_in_a_patient_does_not_hide_the_slip_among_its_frames() -> None:
    sees = [disc(2), disc(3)]  # no nerve in any of this patient's frames
    blind = [label_frame(f"blind{k}", [disc(1), disc(2), disc(3)], sees=sees) for k in range(5)]
    slip = label_frame("slip", [disc(1), disc(3)], sees=sees)

    every = doubts([label for frame in [slip, *blind] for label in frame], names=NAMES)

    assert max(d.score for d in every) == every[1].score  # the artery that is drawn on the others
    assert every[1].score > 0.8
    assert all(d.score < 0.1 for d in every[3::3])  # the nerves of the others


def test_a_patient_of_one_frame_is_compared_with_all_patients() -> None:
    alone = label_frame("alone", [disc(1), disc(2)], patient="q")

    found = judged(alone, others=GOOD)

    assert found["vein"].score > 0.8


def test_a_class_inside_another_is_never_taken_for_it() -> None:
    both = np.zeros((2, SIDE, SIDE), np.uint8)
    both[:, 40:80, 40:80] = 250
    both[1] = 0
    drawn = np.zeros((2, SIDE, SIDE), bool)
    drawn[1, 50:60, 50:60] = True

    apart = compare(both, drawn, class_ids=[1, 2])[1]
    inside = compare(both, drawn, class_ids=[1, 2], contains={1: frozenset({2})})[1]

    assert (apart.other, inside.other) == (1, None)


def test_a_frame_is_compared_with_the_frames_of_the_patient_that_look_most_like_it() -> None:
    left, right = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    with_vein = [label_frame(f"l{k}", [disc(3)], sees=[], look=left) for k in range(4)]
    without = [label_frame(f"r{k}", [], sees=[], look=right) for k in range(4)]

    slip = doubts(
        [label for f in [label_frame("slip", [], sees=[], look=left), *with_vein, *without] for label in f], names=NAMES
    )
    fine = doubts(
        [label for f in [label_frame("fine", [], sees=[], look=right), *with_vein, *without] for label in f],
        names=NAMES,
    )

    assert slip[2].score > 0.7
    assert slip[2].what == "said to be absent, perhaps forgotten: it is drawn on this patient's frames like it"
    assert fine[2].score < 0.1


def test_a_class_that_the_models_hardly_see_anywhere_is_named() -> None:
    blind = [label_frame(f"f{k}", [disc(1), disc(2)], sees=[disc(2)]) for k in range(3)]

    assert hardly_seen([label for frame in blind for label in frame]) == [1]
