"""What the user is told before a training begins: whether it is new, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.wording import counted
from ..network.dmrnet import SIZES
from ..versions.verdict import told_minutes
from .frames import TrainingFrames, patient_count
from .resuming import Interrupted, Run

_SHOWN: Final = 3  # changed settings that are named; more are counted


def beginning(run: Run, *, frames: TrainingFrames, step: int, other: Interrupted | None, catalogue: Catalogue) -> str:
    """A line that says whether a training is new or goes on, and why.

    Args:
        run: The training.
        frames: The frames that it learns from and is judged on.
        step: The step from which it goes on; 0 for a new training.
        other: The newest other training that was interrupted; None if there is none.
        catalogue: Tells which outlines changed between the two.
    """
    if step:
        return f"Goes on with the interrupted training at step {step}: the outlines and settings are the same."
    s = run.settings
    steps = s.total_steps(len(frames.train))
    limit = f"at most {counted(steps, 'steps')}" + (f" or {told_minutes(s.minutes)}" if s.minutes else "")
    line = (
        f"A new training: it learns from {counted(len(frames.train), 'outlined frames')} of "
        f"{counted(patient_count(frames.train), 'patients')}, and is judged on "
        f"{counted(len(frames.validation), 'frames')} of "
        f"{counted(patient_count(frames.validation), 'validation patients')}; "
        f"{SIZES[s.size].name} at {s.input} x {s.input} pixels, {limit}."
    )
    if other is None:
        return f"{line} Ctrl-C stops it, and the same command goes on."
    why = " and ".join(_changes(run, other.run, catalogue)) or "another version of dmr, or other classes"
    return (
        f"{line} It does not continue the training interrupted at step {other.step}, because of {why}; "
        "`dmr train --finish` makes a version of that one."
    )


def _changes(run: Run, other: Run, catalogue: Catalogue) -> list[str]:
    """What is different in this run, as phrases."""
    changes = []
    if run.dataset != other.dataset:
        now, then = set(catalogue.dataset(run.dataset)), set(catalogue.dataset(other.dataset))
        n = max(len(now - then), len(then - now))  # a frame that was drawn again has a revision on both sides
        changes.append(f"{counted(n, 'outlines')} drawn or changed since")
    before, after = asdict(other.settings), asdict(run.settings)
    differing = [name for name, value in after.items() if value != before[name] and name != "chosen"]
    if differing:
        told = [f"{name} is {after[name]} and was {before[name]}" for name in differing if name != "augmentation"]
        more = len(differing) - len(told[:_SHOWN])
        named = "; ".join([*told[:_SHOWN], *([f"{more} more"] if more else [])])
        changes.append(f"other settings ({named})")
    return changes
