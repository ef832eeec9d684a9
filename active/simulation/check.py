"""What a simulation can tell and what it cannot: the check before it, and the limits beside its figures. Pure."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ...annotate.wording import counted
from .curves import full_dice
from .lines import FULL

CONVERGED: Final = 0.9  # share of the Dice after twice the steps that a training must reach
LEAST_GAIN: Final = 0.03  # Dice between the first budget and all frames below which there is little to learn
NOISE: Final = 0.02  # Dice by which one training differs from the next: measured on the development set
FEW_SEEDS: Final = 5
FEW_PATIENTS: Final = 20  # held out over all seeds


def protocol_check(lines: pd.DataFrame, *, steps: int, first: int, longer: int) -> list[str]:
    """Whether trainings of this length learn enough, and whether more frames teach something, in sentences.

    Args:
        lines: Lines of one network and data set, of any length.
        steps: Steps of each training.
        first: The first budget.
        longer: Steps of the longer training.
    """
    full = _whole(lines, steps)
    if not len(full):
        return ["Nothing is known yet: no training on all frames is done."]
    seeds = sorted(set(full["seed"]))
    told = [
        f"With all frames and {counted(steps, 'steps')}, the mean Dice is {full_dice(full, seeds):.3f} "
        f"({counted(len(full), 'trainings')})."
    ]
    learnt = long_enough(lines, steps=steps, longer=longer)
    if learnt is not None:
        after = _whole(lines, longer)["dice_mean"].mean()
        if learnt:
            told.append(f"Twice the steps give {after:.3f}: the trainings are long enough.")
        else:
            told.append(
                f"Twice the steps give {after:.3f}: the trainings are too short, and the figures measure luck. "
                f"Simulate with --steps {longer} or more."
            )
    started = lines[(lines["budget"] == str(first)) & (lines["steps"] == steps) & lines["seed"].isin(seeds)]
    if len(started):
        gain = full_dice(full, seeds) - float(started.groupby("seed")["dice_mean"].first().mean())
        more = (
            "there is something to learn"
            if gain >= LEAST_GAIN
            else (
                f"there is little to learn beyond {first} frames, so no strategy gets far ahead. Use smaller --budgets"
            )
        )
        told.append(f"All frames give {gain:+.3f} against the first {first}: {more}.")
    return told


def long_enough(lines: pd.DataFrame, *, steps: int, longer: int) -> bool | None:
    """Whether trainings reach `CONVERGED` of the Dice of the longer one; None where there is nothing to compare."""
    after = _whole(lines, longer)
    same = _whole(lines, steps)
    same = same[same["seed"].isin(after["seed"])]
    if not len(after) or not len(same):
        return None
    best = float(after["dice_mean"].mean())
    return best > 0 and float(same["dice_mean"].mean()) >= CONVERGED * best


def _whole(lines: pd.DataFrame, steps: int) -> pd.DataFrame:
    """The trainings on all frames of this length."""
    return lines[(lines["strategy"] == FULL) & (lines["steps"] == steps)]


def limits(rows: pd.DataFrame, *, held_out: int, network: str) -> list[str]:
    """What the figures of a simulation cannot say, in sentences.

    Args:
        rows: Trainings on budgets.
        held_out: Patients that are held out by any of the seeds.
        network: The network and its grid.
    """
    seeds = rows["seed"].nunique()
    told = []
    if seeds < FEW_SEEDS:
        told.append(
            f"{counted(seeds, 'seeds')}: fewer than {FEW_SEEDS}, so the order of the "
            "strategies may be chance. Run more with --seeds."
        )
    if held_out < FEW_PATIENTS:
        told.append(
            f"{counted(held_out, 'held-out patients')}: fewer than {FEW_PATIENTS}, so other patients may differ."
        )
    return [
        *told,
        f"One training differs from the next by about {NOISE:g} Dice. A smaller difference means nothing.",
        "The minutes are those of a simulated physician. Its model is assumed: 8 s a frame, 3 s a structure, "
        "0.15 s a boundary pixel on a grid of 128.",
        f"The network is {network}, trained from scratch each time. A larger one on a finer grid draws better, and may "
        "rank strategies differently.",
        "The workspace's test patients are not looked at. Its outlines are taken as the truth, with their errors.",
    ]
