"""Metrics against cases worked out by hand, and against MONAI's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.model.evaluation.metrics import score_mask, score_table, summarise, surface_distances


def mask(rows: slice, columns: slice, *, side: int = 20) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    empty = np.zeros((side, side), bool)
    empty[rows, columns] = True
    return empty


A, B, NOTHING = mask(slice(5, 15), slice(5, 15)), mask(slice(5, 15), slice(8, 18)), np.zeros((20, 20), bool)


def test_dice_and_iou_of_two_squares() -> None:
    table = score_table([score_mask(A, B, frame="f", patient="p", name="nerve")])

    assert table["dice"].item() == pytest.approx(0.7)
    assert table["iou"].item() == pytest.approx(70 / 130)


def test_a_shifted_square_is_as_far_as_its_shift() -> None:
    assert surface_distances(A, B)[0] == 3.0
    assert surface_distances(A, A) == (0.0, 0.0)
    assert surface_distances(A, B, spacing=(1.0, 0.5))[0] == 1.5


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of MONAI's own making
@settings(max_examples=30)
@given(data=st.data())
def test_hd95_agrees_with_monai(data: st.DataObject) -> None:
    import monai.metrics as monai
    import torch

    def drawn() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        top, left = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 12))
        height, width = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
        return mask(slice(top, top + height), slice(left, left + width))

    a, b = drawn(), drawn()
    theirs = monai.compute_hausdorff_distance(  # type: ignore[attr-defined]
        torch.from_numpy(a)[None, None].float(), torch.from_numpy(b)[None, None].float(), percentile=95
    ).item()

    assert surface_distances(a, b)[0] == pytest.approx(theirs, abs=1e-4)


def test_a_missed_structure_counts_zero_and_an_invented_one_counts_as_false_positive() -> None:
    scores = [
        score_mask(A, A, frame="f1", patient="p1", name="nerve"),
        score_mask(NOTHING, A, frame="f2", patient="p2", name="nerve"),
        score_mask(A, NOTHING, frame="f3", patient="p3", name="nerve"),
        score_mask(NOTHING, NOTHING, frame="f4", patient="p3", name="nerve"),
    ]
    nerve = summarise(score_table(scores)).loc["nerve"]

    assert nerve["dice"] == 0.5
    assert nerve["frames"] == 2
    assert nerve["missed"] == 1
    assert nerve["false_positive_rate"] == 0.5
    assert nerve["dice_pooled"] == 0.5
    assert nerve["hd95"] == 0.0


def test_without_a_covered_empty_frame_the_false_positive_rate_is_unknown() -> None:
    summary = summarise(score_table([score_mask(A, B, frame="f", patient=None, name="vein")]))

    assert math.isnan(float(summary["false_positive_rate"]["vein"]))
    assert summary.loc["vein", "patients"] == 1


def test_the_mean_weighs_every_class_the_same() -> None:
    scores = [score_mask(A, A, frame=f"f{i}", patient="p", name="big") for i in range(9)]
    scores.append(score_mask(A, B, frame="f9", patient="p", name="small"))

    assert summarise(score_table(scores)).loc["mean", "dice"] == pytest.approx(0.85)


def test_an_empty_table_has_an_empty_summary() -> None:
    assert summarise(score_table([])).empty
