"""Minutes of a simulated physician: a stated model of the time that a frame takes.

    seconds = 8 a frame + 3 a structure that is touched + 0.15 a boundary pixel that is added, on the 128 x 128 grid

The three numbers are assumed, not measured: a frame of four structures drawn from nothing takes about 80 s with them.
Nobody's draft helps in the first round. Later a draft by the newest network is corrected: a structure of Dice 0.9 or
more is left as it is; of any other, the true boundary farther than 3 pixels from the draft's boundary is drawn anew
(added path length, Vaassen et al. 2020). A structure that is not in the truth is not charged, since coverage is
`drawn`: nobody knows whether it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from simulation.scoring import boundary
from torch import Tensor

from dmr.active.selection.seconds import FRAME_S, GOOD_ENOUGH, PIXEL_S, STRUCTURE_S

TOLERANCE: Final = 3  # pixels either way, in rows and columns


@dataclass(frozen=True, slots=True, eq=False)
class Effort:
    """What frames cost, `(n,)` each.

    Attributes:
        seconds: By the model.
        added: Boundary pixels drawn.
        touched: Structures drawn or corrected.
        accepted: Structures left as they were drafted.
    """

    seconds: NDArray[np.float64]
    added: NDArray[np.float64]
    touched: NDArray[np.float64]
    accepted: NDArray[np.float64]


@torch.no_grad()
def effort(targets: Tensor, classes: int, drafts: Tensor | None) -> Effort:
    """What it takes to bring drafts `(n, S, S)`, or nothing, to the truth `(n, S, S)`."""
    channels = torch.arange(1, 1 + classes, device=targets.device).view(1, -1, 1, 1)
    truth = targets[:, None] == channels
    there = truth.flatten(2).any(2)
    edge = boundary(truth)
    if drafts is None:
        added, accepted = edge.sum((2, 3)).float(), torch.zeros_like(there)
    else:
        draft = drafts[:, None] == channels
        size = (truth.sum((2, 3)) + draft.sum((2, 3))).clamp(min=1)
        accepted = there & (2 * (truth & draft).sum((2, 3)) / size >= GOOD_ENOUGH)
        near = F.max_pool2d(boundary(draft).float(), 2 * TOLERANCE + 1, 1, TOLERANCE) > 0
        added = (edge & ~near).sum((2, 3)).float() * ~accepted
    touched = (there & ~accepted).sum(1).double()
    length = added.sum(1).double()
    seconds = FRAME_S + STRUCTURE_S * touched + PIXEL_S * length
    found = (seconds, length, touched, accepted.sum(1).double())
    return Effort(*(value.cpu().numpy() for value in found))
