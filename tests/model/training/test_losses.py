"""The losses: what is not covered is not held against the network."""

from __future__ import annotations

import torch

from dmr.model.data.dataset import IGNORED
from dmr.model.network.dmrnet import Output
from dmr.model.training.losses import boundary_band, segmentation_loss, total_loss


def logits_saying(channel: int, *, classes: int = 2, side: int = 8) -> torch.Tensor:
    logits = torch.full((1, 1 + classes, side, side), -10.0)
    logits[:, channel] = 10.0
    return logits


BACKGROUND = torch.zeros(1, 8, 8, dtype=torch.long)


def test_a_class_that_is_covered_and_absent_must_not_be_predicted() -> None:
    covered = torch.tensor([[True, True]])
    wrong = segmentation_loss(logits_saying(1), BACKGROUND, covered)
    right = segmentation_loss(logits_saying(0), BACKGROUND, covered)

    assert wrong > right + 5


def test_a_class_that_is_not_covered_may_be_predicted_where_nothing_is_drawn() -> None:
    covered = torch.tensor([[False, True]])
    loss = segmentation_loss(logits_saying(1), BACKGROUND, covered)
    same = segmentation_loss(logits_saying(0), BACKGROUND, covered)

    assert torch.isclose(loss, same, atol=1e-3)


def test_a_class_that_is_not_covered_may_not_hide_a_drawn_one() -> None:
    target = torch.full((1, 8, 8), 2)
    covered = torch.tensor([[False, True]])

    assert segmentation_loss(logits_saying(1), target, covered) > 5


def test_ignored_pixels_count_nowhere() -> None:
    target = BACKGROUND.clone()
    target[:, :, 4:] = IGNORED
    covered = torch.tensor([[True, True]])
    logits = logits_saying(0)
    changed = logits.clone()
    changed[..., 4:] = logits_saying(2)[..., 4:]

    assert torch.equal(segmentation_loss(logits, target, covered), segmentation_loss(changed, target, covered))


def test_a_batch_without_any_covered_class_has_a_finite_loss_and_gradient() -> None:
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    loss = segmentation_loss(logits, BACKGROUND, torch.tensor([[False, False]]))
    loss.backward()  # type: ignore[no-untyped-call]

    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_boundary_band_lies_on_both_sides_of_a_border_and_nowhere_else() -> None:
    target = BACKGROUND.clone()
    target[:, :, 4:] = 1

    assert boundary_band(target)[0, 0, 3].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]


def test_all_heads_take_part() -> None:
    target = BACKGROUND.clone()
    target[:, :, 4:] = 1
    covered = torch.tensor([[True, True]])
    good = logits_saying(0)
    good[..., 4:] = logits_saying(1)[..., 4:]
    alone = total_loss(Output(good, torch.zeros(1, 0)), target, covered)
    bad_aux = total_loss(Output(good, torch.zeros(1, 0), (logits_saying(2, side=4),)), target, covered)
    with_edge = total_loss(Output(good, torch.zeros(1, 0), (), (torch.zeros(1, 1, 4, 4),)), target, covered)

    assert bad_aux > alone + 1
    assert with_edge > alone


def test_an_inner_class_that_is_not_covered_may_be_predicted_within_the_outer_one() -> None:
    target = torch.ones(1, 8, 8, dtype=torch.long)
    inside = torch.tensor([[False, True], [False, False]])
    unknown, known = torch.tensor([[True, False]]), torch.tensor([[True, True]])

    assert segmentation_loss(logits_saying(2), target, unknown, inside) < 0.1
    assert segmentation_loss(logits_saying(2), target, known, inside) > 5
    assert segmentation_loss(logits_saying(0), target, unknown, inside) > 5
