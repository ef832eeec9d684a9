"""The network begins as the ellipse, learns from outlines, and answers boxes and clicks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.shapes import Annotation, Shape
from dmr.model.data.dataset import Sample
from dmr.model.refine.judging import answered, by_class, not_better
from dmr.model.refine.learning import RefineSettings, learn
from dmr.model.refine.network import RefineNet
from dmr.model.refine.prompt import Box, Click
from dmr.model.refine.refiner import Refiner, ellipse_mask
from dmr.model.refine.structures import Structures

CPU = torch.device("cpu")
SHORT = RefineSettings(size=32, width=8, steps=60, batch=8)


def diamonds(seed: int, frames: int = 8) -> Iterator[Sample]:
    """Frames with a bright diamond each, whose area is far from the ellipse's."""
    draw = np.random.default_rng(seed)
    for n in range(frames):
        x, y, w, h = *draw.uniform(60, 90, 2), *draw.uniform(20, 40, 2)
        shape = Shape(4, ((x - w, y), (x, y - h), (x + w, y), (x, y + h)))
        pixels = draw.integers(20, 60, (150, 150)).astype(np.uint8)
        pixels[polygons_to_mask([shape], height=150, width=150)] += 120
        yield Sample(f"{seed} {n}", f"p{n % 4}", pixels, Annotation(150, 150, (shape,), frozenset({4})))


@pytest.fixture(scope="module")
def learnt() -> Refiner:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    structures = Structures.of(diamonds(0, 24), class_ids=[4], size=SHORT.size)
    network, steps, _ = learn(structures, classes=1, settings=SHORT, device=CPU)
    torch.set_num_threads(threads)
    assert steps == SHORT.steps
    return Refiner(network, class_ids=[4], size=SHORT.size, device=CPU)


def test_an_untrained_network_answers_with_the_ellipse() -> None:
    refiner = Refiner(RefineNet(2, width=4), class_ids=[4, 9], size=64, device=CPU)
    box = Box(30, 40, 110, 90)

    mask = refiner.mask(np.random.default_rng(0).integers(0, 255, (150, 150)).astype(np.uint8), box=box, class_id=9)

    ellipse = ellipse_mask(box, height=150, width=150)
    assert 2 * (mask & ellipse).sum() / (mask.sum() + ellipse.sum()) > 0.98


def test_it_learns_what_is_no_ellipse(learnt: Refiner) -> None:
    rows = list(answered(learnt, diamonds(1), generator=np.random.default_rng(0), clicks=1))
    ((ellipse, network, count),) = by_class(rows).values()

    assert count == 8
    assert network > ellipse + 0.05
    assert not_better(by_class(rows)) == frozenset()
    assert all(len(r.clicked) == 1 for r in rows)


def test_one_outline_comes_back_of_the_class_that_was_asked(learnt: Refiner) -> None:
    (sample,) = diamonds(2, 1)
    (shape,) = sample.annotation.shapes

    (outline,) = learnt.refine(sample.pixels, box=Box.around(shape.points), class_id=4)

    assert outline.class_id == 4 and not outline.hole
    assert 4 <= len(outline.points) < 30
    assert learnt.refine(sample.pixels, box=Box(900, 900, 950, 950), class_id=4) == ()


def test_a_click_changes_the_answer_at_its_place(learnt: Refiner) -> None:
    (sample,) = diamonds(3, 1)
    box = Box.around(sample.annotation.shapes[0].points)
    before = learnt.mask(sample.pixels, box=box, class_id=4)
    outside = Click((box.left + box.right) / 2, (box.top * 3 + box.bottom) / 4, inside=False)

    after = learnt.mask(sample.pixels, box=box, class_id=4, clicks=[outside])

    assert before[int(outside.y), int(outside.x)]
    assert (before != after).any()


def test_classes_it_has_not_learnt_get_the_ellipse_and_so_do_those_where_it_is_no_better(learnt: Refiner) -> None:
    (sample,) = diamonds(4, 1)
    box = Box(40, 40, 100, 110)
    ellipse = ellipse_mask(box, height=150, width=150)
    poor = Refiner(learnt.network, class_ids=[4], size=SHORT.size, device=CPU, ellipses=frozenset({4}))
    inside = Click(70, 75)

    assert np.array_equal(learnt.mask(sample.pixels, box=box, class_id=5), ellipse)
    assert np.array_equal(poor.mask(sample.pixels, box=box, class_id=4), ellipse)
    assert not np.array_equal(poor.mask(sample.pixels, box=box, class_id=4, clicks=[inside]), ellipse)
    assert not np.array_equal(learnt.mask(sample.pixels, box=box, class_id=4), ellipse)


def test_the_same_seed_learns_the_same() -> None:
    structures = Structures.of(diamonds(0, 4), class_ids=[4], size=32)
    short = RefineSettings(size=32, width=4, steps=2, batch=4)

    one, other = (learn(structures, classes=1, settings=short, device=CPU)[0].state_dict() for _ in range(2))

    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("size", [16, 50])
def test_a_grid_that_does_not_halve_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        RefineSettings(size=size)
