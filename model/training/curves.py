"""The curves of a training, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ...annotate.render.plot import Line, Panel, draw_png
from .trainer import Check

CURVES: Final = "curves.png"  # beside a model's card


def training_curves(checks: Sequence[Check], names: Sequence[str]) -> bytes:
    """Draw loss and each class's validation Dice over the steps, as a PNG.

    Args:
        checks: The checks of the training.
        names: Class names in the network's order.
    """
    loss = Line("", [(c.step, c.loss) for c in checks if not math.isnan(c.loss)])
    dice = [
        Line(name, [(c.step, d) for c in checks if (d := c.classes[k]) is not None]) for k, name in enumerate(names)
    ]
    mean = Line("mean", [(c.step, c.dice) for c in checks if c.dice is not None], "ink")
    return draw_png(
        [
            Panel(
                [loss] if loss.points else [],
                "step",
                "loss, training patients",
                counts=True,
                empty="no step since the training went on",
            ),
            Panel(
                [line for line in (mean, *dice) if line.points],
                "step",
                "Dice per image, validation patients",
                share=True,
                counts=True,
                empty="no validation patients with outlines",
            ),
        ]
    )
