"""What is counted when a model is judged."""

from __future__ import annotations

import numpy as np

from dmr.annotate.shapes import Annotation
from dmr.model.data.dataset import Sample
from dmr.model.evaluation.evaluate import _confused


def sample(covered: set[int]) -> Sample:
    return Sample("f", "p", np.zeros((2, 4), np.uint8), Annotation(2, 4, (), frozenset(covered)))


def test_a_nerve_within_a_muscle_is_a_nerve_in_the_confusion_table_whatever_their_ids() -> None:
    drawn = np.zeros((2, 2, 4), bool)
    drawn[0, 0, :2] = True  # class 1, the nerve
    drawn[1, 0] = True  # class 2, the muscle round it
    index = np.array([[1, 1, 2, 2], [0, 0, 0, 2]], np.uint8)
    counts = _confused(index, drawn, sample({1, 2}), [1, 2], {2: frozenset({1})})

    assert counts.tolist() == [[3, 0, 1], [0, 2, 0], [0, 0, 2]]


def test_background_counts_only_where_all_classes_are_covered() -> None:
    drawn = np.zeros((2, 2, 4), bool)
    drawn[0, 0, :2] = True
    index = np.array([[1, 0, 2, 2], [0, 0, 0, 0]], np.uint8)
    counts = _confused(index, drawn, sample({1}), [1, 2], {})

    assert counts.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
