"""The simulated physician keeps what is drawn well, and makes the rest as it is."""

from __future__ import annotations

from dmr.active.simulation.physician import corrected
from dmr.annotate.shapes import Annotation, Shape


def square(class_id: int, x: float, side: float = 20) -> Shape:
    return Shape(class_id, ((x, 10.0), (x + side, 10.0), (x + side, 10 + side), (x, 10 + side)))


def annotation(*shapes: Shape) -> Annotation:
    return Annotation(64, 64, shapes, frozenset({1, 2, 3, 4}))


def test_each_structure_is_kept_redrawn_added_or_taken_away() -> None:
    drafted = annotation(square(1, 10), square(2, 10), square(4, 5))
    answer = annotation(square(1, 10.4), square(2, 20), square(3, 30))
    shapes, counts = corrected(drafted, answer, class_ids=[1, 2, 3, 4])

    assert counts == (1, 1, 1, 1)
    assert shapes == [square(1, 10), square(2, 20), square(3, 30)]
