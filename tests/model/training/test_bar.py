"""What is told of a training: its share, its steps, and Dice."""

from __future__ import annotations

from dmr.annotate.progress.parts import Parts
from dmr.model.training.bar import training_bar
from dmr.model.training.trainer import Progress


def test_a_training_is_told_in_percents_steps_and_dice_and_then_what_comes_after() -> None:
    parts = Parts()
    tell = training_bar(parts.tell, ["nerve", "muscle"])
    tell(Progress(120, 0.2, 60.0, 0.8124, None, None, steps=600))
    tell(Progress(150, 0.25, 75.0, 0.7, 0.412, 0.43, (0.3, None), steps=600))
    training = parts.all["Training"]

    assert training.count() == "25 %"
    assert training.note == "step 150 of 600, loss 0.700, Dice on the grid 0.412, best 0.430, nerve 0.30"
    assert parts.current is training

    tell(Progress(151, 0.26, 76.0, 0.7, 0.412, 0.43, (0.3, None), steps=600, done=True))
    assert parts.current is not training
