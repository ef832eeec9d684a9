"""Minutes of a simulated physician: a stated model of the time that a frame takes.

    seconds = 8 a frame + 3 a structure that is touched + 0.15 a boundary pixel that is added, on a 128 x 128 grid

The three numbers are assumed, not measured: a frame of four structures drawn from nothing takes about 80 s with them.
Nobody's draft helps in the first round. Later a draft by the newest network is corrected: a structure of Dice 0.9 or
more is left as it is; of any other, the true boundary farther than 3 pixels from the draft's boundary is drawn anew
(added path length, Vaassen et al. 2020). A drafted structure that is not in the truth is deleted where its class is
covered. Where it is not covered, nobody knows whether the structure is there, and it is not charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..selection.seconds import FRAME_S, GOOD_ENOUGH, GRID, PIXEL_S, STRUCTURE_S
from .scoring import boundary, layers_of

TOLERANCE: Final = 3  # pixels of that grid either way, in rows and columns

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Effort:
    """What frames cost, `(n,)` each.

    Attributes:
        seconds: By the model.
        added: Boundary pixels drawn.
        touched: Structures drawn, corrected or deleted.
        accepted: Structures left as they were drafted.
    """

    seconds: Floats
    added: Floats
    touched: Floats
    accepted: Floats


def tolerance_px(side: int) -> int:
    """The tolerance on a grid of `side` pixels."""
    return max(1, round(TOLERANCE * side / GRID))


@torch.no_grad()
def effort(
    targets: Tensor,
    classes: int,
    drafts: Tensor | None,
    *,
    inside: Tensor | None = None,
    covered: Tensor | None = None,
) -> Effort:
    """What it takes to bring drafts, or nothing, to the truth.

    Args:
        targets: The truth `(n, S, S)`: 0 background, k the k-th class; other values are no class.
        classes: Their number.
        drafts: `(n, S, S)` likewise; None where there are none.
        inside: `(classes, classes)`: row k marks the classes inside class k; None if there are none.
        covered: `(n, classes)`: the classes that each frame's truth is complete in; None for those drawn.
    """
    truth = layers_of(targets, classes, inside)
    there = truth.flatten(2).any(2)
    edge = boundary(truth)
    deleted = torch.zeros_like(there)
    if drafts is None:
        added, accepted = edge.sum((2, 3)).float(), torch.zeros_like(there)
    else:
        draft = layers_of(drafts, classes, inside)
        size = (truth.sum((2, 3)) + draft.sum((2, 3))).clamp(min=1)
        accepted = there & (2 * (truth & draft).sum((2, 3)) / size >= GOOD_ENOUGH)
        reach = tolerance_px(targets.shape[-1])
        near = F.max_pool2d(boundary(draft).float(), 2 * reach + 1, 1, reach) > 0
        added = (edge & ~near).sum((2, 3)).float() * ~accepted
        if covered is not None:
            deleted = draft.flatten(2).any(2) & ~there & covered
    touched = ((there & ~accepted) | deleted).sum(1).double()
    length = added.sum(1).double()
    seconds = FRAME_S + STRUCTURE_S * touched + PIXEL_S * GRID / targets.shape[-1] * length
    found = (seconds, length, touched, accepted.sum(1).double())
    return Effort(*(value.cpu().numpy() for value in found))
