"""Frames on the network's grid and back, targets, augmentation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.shapes import Annotation, Shape
from dmr.model.data.augment import Augmentation, augment, standardise
from dmr.model.data.dataset import IGNORED, Batch, Sample, training_set
from dmr.model.data.letterbox import Letterbox

CLASSES = Classes([ClassDef(3, "muscle", z=10), ClassDef(7, "nerve", z=30, inside="muscle")])


def square(x: float, y: float, side: float, class_id: int) -> Shape:
    return Shape(class_id, ((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


def sample(*shapes: Shape, height: int = 60, width: int = 120, covered: frozenset[int] = frozenset({3, 7})) -> Sample:
    pixels = np.full((height, width), 90, np.uint8)
    return Sample("f1", "p1", pixels, Annotation(height, width, shapes, covered))


@given(height=st.integers(1, 700), width=st.integers(1, 700))
def test_a_letterboxed_frame_lies_within_its_grid(height: int, width: int) -> None:
    box = Letterbox(height, width, 64)
    rows, columns = box.window

    assert max(rows.stop - rows.start, columns.stop - columns.start) == 64
    assert rows.start >= 0
    assert rows.stop <= 64
    assert columns.start >= 0
    assert columns.stop <= 64
    assert box.restore(torch.zeros(2, 64, 64)).shape == (2, height, width)


def test_an_outline_comes_to_lie_where_its_pixels_do() -> None:
    pixels = np.zeros((60, 120), np.uint8)
    pixels[20:40, 30:70] = 255
    box = Letterbox(60, 120, 60)
    shape = Shape(3, ((30.0, 20.0), (70.0, 20.0), (70.0, 40.0), (30.0, 40.0)))
    painted = training_set(
        [Sample("f", None, pixels, Annotation(60, 120, (shape,), frozenset({3})))],
        class_ids=[3, 7],
        classes=CLASSES,
        size=60,
    )

    assert torch.equal(painted.targets[0] == 1, torch.from_numpy(box.fit(pixels)) > 127)


def test_a_target_holds_channels_and_marks_what_is_not_seen() -> None:
    data = training_set(
        [sample(square(20, 10, 40, 3), square(30, 20, 10, 7))], class_ids=[3, 7], classes=CLASSES, size=120
    )
    target = data.targets[0].numpy()

    assert set(np.unique(target)) == {0, 1, 2, IGNORED}
    assert (target[:30] == IGNORED).all(), "above a wide frame the grid is blank"
    assert (target == 2).sum() == 100, "the inner class hides the outer one"


def test_pixels_outside_the_sector_are_ignored_but_not_outlines_there() -> None:
    ring = ((0.0, 0.0), (60.0, 0.0), (60.0, 60.0), (0.0, 60.0))
    item = Sample("f", None, np.full((60, 120), 9, np.uint8), sample(square(80, 20, 10, 3)).annotation, ring)
    target = training_set([item], class_ids=[3, 7], classes=CLASSES, size=120).targets[0].numpy()[30:90]

    assert (target[:, :60] == 0).all()
    assert (target == 1).sum() == 100
    assert set(np.unique(target[:, 60:])) == {1, IGNORED}


def test_shares_count_a_class_where_it_is_covered_or_drawn_and_never_come_to_nothing() -> None:
    frames = [
        sample(square(0, 0, 60, 3)),
        sample(square(0, 0, 60, 3), covered=frozenset({3})),
        sample(covered=frozenset({7})),
    ]
    shares = training_set(frames, class_ids=[3, 7], classes=CLASSES, size=120).class_shares()

    assert shares.sum().item() == pytest.approx(1)
    # Half of two frames, with one blank grid of 120 x 120 added; letterbox and sector leave half a grid seen.
    assert shares[1].item() == pytest.approx(2 * 3600 / (2 * 7200 + 14400), rel=0.01)
    assert 0 < shares[2].item() < 1e-3


def test_an_empty_set_has_no_batches() -> None:
    data = training_set([], class_ids=[3], classes=CLASSES, size=32)

    assert len(data) == 0
    assert list(data.batches(4)) == []


@pytest.fixture
def batch() -> Batch:
    frames = torch.zeros(8, 1, 64, 64, dtype=torch.uint8)
    frames[:, :, 16:48, 16:48] = 200
    targets = torch.zeros(8, 64, 64, dtype=torch.long)
    targets[:, 16:48, 16:48] = 1
    return Batch(frames, targets, torch.ones(8, 1, dtype=torch.bool))


def test_augmentation_moves_frame_and_target_alike(batch: Batch) -> None:
    still = Augmentation(gamma=1.0, gain=0.0, tgc=0.0, shadow=0.0, speckle=0.0)
    moved = augment(batch, still, torch.Generator().manual_seed(1))
    inside = (moved.frames[:, 0] > 0.5) == (moved.targets == 1)

    assert inside.float().mean() > 0.97
    assert (moved.targets == IGNORED).any(), "what comes from beyond the frame is unknown"
    assert not torch.equal(moved.targets[0], moved.targets[1])


def test_augmentation_is_the_same_for_the_same_generator(batch: Batch) -> None:
    first, second = (augment(batch, Augmentation(), torch.Generator().manual_seed(5)) for _ in range(2))

    assert torch.equal(first.frames, second.frames)
    assert torch.equal(first.targets, second.targets)
    assert 0 <= first.frames.min() <= first.frames.max() <= 1


def test_up_and_down_are_never_exchanged() -> None:
    frames = torch.zeros(64, 1, 32, 32, dtype=torch.uint8)
    frames[:, :, :8] = 255
    data = Batch(frames, torch.zeros(64, 32, 32, dtype=torch.long), torch.ones(64, 1, dtype=torch.bool))
    moved = augment(data, Augmentation(tgc=0.0), torch.Generator().manual_seed(0)).frames

    assert (moved[:, :, :16].sum((1, 2, 3)) > moved[:, :, 16:].sum((1, 2, 3))).all()


def test_standardised_frames_do_not_depend_on_gain(batch: Batch) -> None:
    pixels = torch.rand(2, 1, 16, 16) * 0.4 + 0.05

    assert torch.allclose(standardise(pixels), standardise(pixels * 2), atol=0.05)
