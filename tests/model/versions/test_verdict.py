"""What a training came to, in words; pure."""

from __future__ import annotations

from typing import Any

import pytest

from dmr.model.versions.verdict import FEW_STEPS, GOOD, HARDLY, NOTHING, SOMETHING, Outcome, is_nothing


def outcome(**changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "steps": 600,
        "minutes": 12.3,
        "epochs": 24.0,
        "input": 128,
        "size": "s",
        "limited_by_minutes": False,
        "ended_early": False,
        "validation": {"psoas_major": 0.81, "lumbar_plexus": 0.22},
        "mean": 0.515,
        "patients": 4,
        "frames": 16,
        "training": {},
        "frames_with": {"psoas_major": 90, "lumbar_plexus": 8},
        "on_grid": 0.53,
    }
    return Outcome(**values | changes)


def test_the_end_of_a_training_tells_steps_dice_a_class_a_verdict_and_what_next() -> None:
    assert outcome().lines("v1") == [
        "v1: 600 steps in 12 minutes, 24 epochs. Validation Dice per image: psoas_major 0.81, lumbar_plexus 0.22; "
        "mean 0.52 (4 patients, 16 frames).",
        "  This was measured at the frames' own size, over several views of each frame. The progress bar showed 0.53, "
        "measured on the network's grid over one view.",
        "Verdict: usable. The drafts are a start, and need much correction.",
        "  Hardly found: lumbar_plexus (Dice 0.22, 8 training frames). Outline these in more frames.",
        "Next: `dmr prelabel FOLDER`, correct the first frames of the ranking, and `dmr retrain`.",
    ]


@pytest.mark.parametrize(
    ("mean", "level"),
    [
        (0.0, "nothing"),
        (NOTHING - 0.01, "nothing"),
        (NOTHING, "poor"),
        (HARDLY - 0.01, "poor"),
        (HARDLY, "usable"),
        (GOOD - 0.01, "usable"),
        (GOOD, "good"),
    ],
)
def test_the_verdict_goes_by_the_mean_dice(mean: float, level: str) -> None:
    assert outcome(validation={"a": mean, "b": mean}, mean=mean).level == level


def test_one_class_of_many_that_is_found_is_something() -> None:
    others = [0.0] * 5
    assert is_nothing([SOMETHING - 0.01, *others])
    assert not is_nothing([SOMETHING, *others])
    assert is_nothing([])
    assert is_nothing([None])


def test_a_rare_class_that_alone_is_on_validation_frames_does_not_decide_that_nothing_was_learnt() -> None:
    rare = outcome(validation={"psoas_major": None, "lumbar_plexus": 0.0}, mean=0.0)
    learnt = outcome(
        validation={"psoas_major": None, "lumbar_plexus": 0.0}, mean=0.0, training={"psoas_major": 0.9}
    )  # fmt: skip

    assert rare.level == "nothing"
    assert learnt.level == "poor"
    assert "  Drawn in no validation frame, so nobody knows how well it is found: psoas_major." in learnt.lines("v1")


def test_without_validation_patients_nobody_knows_and_training_frames_tell_only_whether_it_learns() -> None:
    unknown = {"validation": {"a": None, "b": None}, "mean": None, "patients": 0, "frames": 0, "on_grid": None}
    learns = outcome(**unknown, training={"a": 0.8, "b": 0.4}, frames_with={"a": 9, "b": 9})
    nothing = outcome(**unknown, training={"a": 0.0, "b": 0.01}, frames_with={"a": 9, "b": 9})

    assert learns.level == "unknown"
    unsure = "Verdict: unknown. Without outlines of validation patients nobody knows how good it is on new patients."
    assert unsure in learns.lines("v1")
    assert "  On frames that it learnt from its mean Dice is 0.60; that is not a test." in learns.lines("v1")
    assert nothing.level == "nothing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limited_by_minutes": True}, "`dmr train --minutes 900`: 600 steps would take about 15.0 hours here"),
        ({}, "`dmr train --steps 600`"),
        ({"ended_early": True}, "`dmr train --again --minutes 900`"),
        ({"input": 256}, "`--input 128` is quicker"),
        ({"size": "m"}, "`--size s` is quicker"),
    ],
    ids=["minutes", "steps", "ended early", "fine grid", "large network"],
)
def test_after_few_steps_it_says_how_long_enough_takes(changes: dict[str, Any], words: str) -> None:
    few = outcome(validation={"a": 0.0}, mean=0.0, steps=2, minutes=3.0, **changes)

    assert few.level == "nothing"
    assert words in few.next_step


def test_after_many_steps_it_sends_to_the_outlines() -> None:
    many = outcome(validation={"a": 0.0}, mean=0.0, steps=FEW_STEPS)

    assert "dmr check" in many.next_step


def test_a_class_that_nobody_drew_is_named() -> None:
    assert "  Drawn in no training frame, so the model cannot find it: b." in outcome(
        validation={"a": 0.8, "b": None}, mean=0.8, frames_with={"a": 5, "b": 0}
    ).lines("v1")
