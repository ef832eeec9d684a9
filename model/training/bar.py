"""The progress of a training, for the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ...annotate.progress.pace import Share
from ...annotate.progress.tell import Tell
from .trainer import Progress

_FINE: Final = Share(10_000)  # progress is told in hundredths of a percent


def training_bar(tell: Tell, names: Sequence[str], *, what: str = "Training") -> Callable[[Progress], None]:
    """Make the function that tells a training's progress; call it after each step.

    Args:
        tell: Gets the progress.
        names: Class names in the network's order.
        what: The training's name on the screen.
    """
    told = 0

    def on_progress(p: Progress) -> None:
        nonlocal told
        share = int(_FINE * p.share)
        dice = "" if p.dice is None else f", Dice on the grid {p.dice:.3f}, best {p.best:.3f}"
        own = zip(names, p.classes, strict=False)  # there are none before the first look
        dice += "".join(f", {name} {d:.2f}" for name, d in own if d is not None)
        steps = "" if p.steps is None else f" of {p.steps}"
        tell(what, share - told, _FINE, f"step {p.step}{steps}, loss {p.loss:.3f}{dice}")
        told = share
        if p.done:
            tell("Judging on validation patients", 0, None)

    return on_progress
