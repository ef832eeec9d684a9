"""The simulated physician's minutes, on masks that can be counted by hand."""

from __future__ import annotations

import pytest
import torch

from dmr.active.selection.seconds import FRAME_S, PIXEL_S, STRUCTURE_S
from dmr.active.simulation.effort import effort, tolerance_px


def square(*places: tuple[int, int, int, int], side: int = 128) -> torch.Tensor:
    """A frame with squares of `(channel, top, left, size)`."""
    index = torch.zeros(1, side, side, dtype=torch.uint8)
    for channel, top, left, size in places:
        index[0, top : top + size, left : left + size] = channel
    return index


def test_from_nothing_the_whole_boundary_is_drawn() -> None:
    cost = effort(square((1, 10, 10, 20), (2, 60, 60, 10)), 3, None)

    assert cost.added.tolist() == [4 * 19 + 4 * 9]
    assert cost.touched.tolist() == [2]
    assert cost.seconds.tolist() == [pytest.approx(FRAME_S + 2 * STRUCTURE_S + PIXEL_S * 112)]


def test_a_good_structure_is_accepted_and_only_what_is_far_off_is_drawn() -> None:
    truth = square((1, 10, 10, 20), (2, 60, 60, 20))
    cost = effort(truth, 2, square((1, 10, 10, 20), (2, 60, 75, 20)))

    assert (cost.accepted.tolist(), cost.touched.tolist()) == ([1], [1])
    assert 0 < cost.added[0] < 4 * 19


def test_a_structure_too_many_is_deleted_only_where_its_class_is_covered() -> None:
    truth, draft = square((1, 10, 10, 20)), square((1, 10, 10, 20), (2, 60, 60, 20))
    unknown = effort(truth, 2, draft)
    covered = effort(truth, 2, draft, covered=torch.tensor([[True, True]]))

    assert unknown.seconds.tolist() == [FRAME_S]
    assert covered.seconds.tolist() == [FRAME_S + STRUCTURE_S]


def test_a_class_inside_another_belongs_to_it() -> None:
    truth = square((1, 10, 10, 40), (2, 20, 20, 10))
    inside = torch.tensor([[False, True], [False, False]])

    assert effort(truth, 2, None, inside=inside).added.tolist() == [4 * 39 + 4 * 9]
    assert effort(truth, 2, None).added.tolist() > [4 * 39 + 4 * 9], "else the hole is drawn too"


def test_the_same_picture_costs_the_same_on_another_grid() -> None:
    small = effort(square((1, 10, 10, 20)), 1, None).seconds[0]
    large = effort(square((1, 20, 20, 40), side=256), 1, None).seconds[0]

    assert large == pytest.approx(small, rel=0.02)
    assert (tolerance_px(128), tolerance_px(256), tolerance_px(32)) == (3, 6, 1)
