"""Simulated boxes and clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dmr.annotate.shapes import Annotation, Shape
from dmr.model.data.dataset import Sample
from dmr.model.refine.crop import MARGIN
from dmr.model.refine.prompt import Box
from dmr.model.refine.refiner import ellipse_mask
from dmr.model.refine.simulate import boxed, click_map, deepest_error, simulated_clicks
from dmr.model.refine.structures import Structures, sample_structures, structure_box

SIZE = 48


def square(left: float, top: float, side: float, *, class_id: int = 3, **more: object) -> Shape:
    corners = ((left, top), (left + side, top), (left + side, top + side), (left, top + side))
    return Shape(class_id, corners, **more)  # type: ignore[arg-type]


@pytest.fixture
def structures() -> Structures:
    shapes = (square(60, 40, 40), square(120, 30, 20, class_id=7), square(150, 90, 3), square(5, 5, 30, class_id=9))
    pixels = np.zeros((120, 200), np.uint8)
    pixels[40:80, 60:100] = 200
    sample = Sample("a", "p", pixels, Annotation(120, 200, shapes, frozenset({3, 7})))
    return Structures.of([sample], class_ids=[7, 3], size=SIZE)


def test_parts_and_holes_of_a_group_are_one_structure_and_lone_holes_are_none() -> None:
    grouped = (square(0, 0, 40, group=1), square(10, 10, 9, group=1, hole=True), square(60, 0, 20, group=1))
    alone, of_another_class, lone_hole = (
        square(0, 60, 9),
        square(0, 0, 9, class_id=4),
        square(9, 9, 9, group=2, hole=True),
    )

    found = list(sample_structures((*grouped, alone, of_another_class, lone_hole), [3]))

    assert found == [grouped, (alone,)]
    assert structure_box(grouped) == Box(0, 0, 80, 40)


def test_structures_lie_in_the_middle_and_tiny_ones_and_other_classes_are_left_out(structures: Structures) -> None:
    assert structures.channels.tolist() == [1, 0]
    assert structures.sizes[0].exp().tolist() == pytest.approx([40 / 200, 40 / 200])
    rows = structures.masks[0].any(1).nonzero()[:, 0]
    side = structures.masks.shape[-1]
    assert rows[0] + rows[-1] + 1 == side
    assert structures.patches[0][structures.masks[0]].float().mean() > 190
    assert structures.patches[0][0].max() == 0
    # Both classes are drawn equally often, whatever their numbers.
    assert structures.weights().tolist() == [1, 1]


def test_a_box_is_tight_or_off_by_no_more_than_asked(
    structures: Structures,
) -> None:
    which = torch.zeros(200, dtype=torch.long)
    inner = SIZE / MARGIN
    for moved in (0.0, 0.2):
        found = boxed(structures, which, size=SIZE, moved=moved, generator=torch.Generator().manual_seed(0))
        rows, columns = found.targets[:, 0].any(2).sum(1), found.targets[:, 0].any(1).sum(1)
        off = (torch.cat([rows, columns]) / inner - 1).abs()

        assert off.max() < 0.08 + 2.2 * moved
        assert (off.max() > 0.15) == (moved > 0)


def test_the_network_is_told_the_size_of_the_moved_box(structures: Structures) -> None:
    found = boxed(
        structures, torch.zeros(50, dtype=torch.long), size=SIZE, moved=0.0, generator=torch.Generator().manual_seed(0)
    )

    ratio = (found.sizes - structures.sizes[0]).exp()
    assert 0.7 < ratio.min() < 0.95 and 1.05 < ratio.max() < 1.6  # stretched by up to a fifth, and turned


def test_the_same_generator_gives_the_same_boxes(structures: Structures) -> None:
    one, other = (
        boxed(structures, torch.tensor([0, 1]), size=SIZE, moved=0.1, generator=torch.Generator().manual_seed(5))
        for _ in range(2)
    )

    assert torch.equal(one.crops, other.crops) and torch.equal(one.targets, other.targets)


def test_a_click_goes_into_the_deepest_error_and_says_on_which_side_it_lies() -> None:
    truth = ellipse_mask(Box(20, 20, 60, 60), height=80, width=80)
    missing = truth & ellipse_mask(Box(0, 0, 50, 80), height=80, width=80)
    too_much = truth | ellipse_mask(Box(62, 62, 74, 74), height=80, width=80)

    x, y, inside = deepest_error(missing, truth) or (0, 0, False)
    assert inside and truth[int(y), int(x)] and not missing[int(y), int(x)]
    x, y, inside = deepest_error(too_much, truth) or (0, 0, True)
    assert not inside and (x, y) == pytest.approx((68, 68), abs=1.5)
    assert deepest_error(truth, truth) is None


def test_clicks_are_drawn_where_the_answer_is_wrong_and_nowhere_else() -> None:
    truth = torch.from_numpy(ellipse_mask(Box(10, 10, 38, 38), height=SIZE, width=SIZE)).float()[None, None]
    answer = (truth * 20 - 10).repeat(2, 1, 1, 1)
    answer[0, 0, :, :20] = -10  # the left part is missing

    maps = simulated_clicks(answer, truth.repeat(2, 1, 1, 1), most=1, generator=torch.Generator().manual_seed(0))

    assert maps[0, 0].max() > 0.9 and maps[0, 0].argmax() % SIZE < 20
    assert not maps[0, 1].any() and not maps[1].any()


def test_a_click_is_highest_at_its_place() -> None:
    drawn = click_map([(10.5, 30.5), (40.0, 5.0)], size=SIZE)

    assert drawn[30, 10] == 1 and drawn[5, 40] > 0.9
    assert drawn[20, 25] < 0.01
    assert not click_map([], size=SIZE).any()
