"""Say in words how good a training was, class by class, and what to do next. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...annotate.errors import ModelError
from ...annotate.wording import counted
from ..evaluation.metrics import mean_known
from ..network.checkpoint import read_card

# Mean Dice below which a version has learnt nothing: chance overlaps of small structures reach 0.01 to 0.03.
NOTHING: Final = 0.05
# If one class has this Dice, something was learnt, even if the mean over many classes is near 0.
SOMETHING: Final = 0.2
# Below it the overlap (IoU) is under 0.18: drawing again is quicker than correcting. Our own choice.
HARDLY: Final = 0.3
# Zijdenbos et al. 1994 (IEEE TMI 13(4):716-724) call an overlap above 0.7 excellent agreement.
GOOD: Final = 0.7
# On both of our data sets every class was predicted after 150 steps (decision 6); twice as many, to be safe.
FEW_STEPS: Final = 300
# Three times as many were no better (decision 6).
USUAL_STEPS: Final = 600
FEW_PATIENTS: Final = 3  # as for the gate: fewer patients tell little

Level = Literal["good", "usable", "poor", "nothing", "unknown"]
_WORDS: Final[Mapping[str, str]] = {
    "good": "good. Most drafts lie where they should; borders and misses need correcting",
    "usable": "usable. The drafts are a start, and need much correction",
    "poor": "poor. Most drafts will have to be drawn again",
    "nothing": "it has learnt nothing yet. Its drafts are empty, or lie beside the structures",
    "unknown": "unknown. Without outlines of validation patients nobody knows how good it is on new patients",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known about a finished training.

    Attributes:
        steps: Steps done.
        minutes: Minutes of training.
        epochs: Passes over the training frames.
        input: Side of the network's grid, pixels.
        size: `s`, `m` or `l`.
        limited_by_minutes: Whether the training had a limit in minutes.
        ended_early: Whether the user ended it early.
        validation: Dice per image of each class on validation patients; None if none of their frames shows it.
        mean: Mean over the classes with a Dice; None if there are none.
        patients: Validation patients with outlines.
        frames: Validation frames with outlines.
        training: Dice of each class on training frames, on the grid; empty where it was not needed.
        frames_with: Training frames that show each class.
        on_grid: Validation Dice of the kept weights during the training, on the grid; None without validation frames.
    """

    steps: int
    minutes: float
    epochs: float
    input: int
    size: str
    limited_by_minutes: bool
    ended_early: bool
    validation: Mapping[str, float | None]
    mean: float | None
    patients: int
    frames: int
    training: Mapping[str, float | None]
    frames_with: Mapping[str, int]
    on_grid: float | None

    @property
    def level(self) -> Level:
        """How good it is, in one word.

        Validation frames may show only a rare class. So a class that they do not show counts with its Dice on training
        frames when it is decided whether anything was learnt.
        """
        found = (d if d is not None else self.training.get(name) for name, d in self.validation.items())
        if is_nothing(found):
            return "nothing"
        if self.mean is None:
            return "unknown"
        if self.mean >= GOOD:
            return "good"
        return "usable" if self.mean >= HARDLY else "poor"

    @property
    def hardly_found(self) -> dict[str, float]:
        """Classes with a low Dice on validation patients, with their Dice."""
        return {name: d for name, d in self.validation.items() if d is not None and d < HARDLY}

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "verdict": self.level,
            "steps": self.steps,
            "minutes": self.minutes,
            "epochs": self.epochs,
            "ended_early": self.ended_early,
            "validation_dice": {**self.validation, "mean": self.mean},
            "validation_patients": self.patients,
            "validation_frames": self.frames,
            "validation_dice_while_training": self.on_grid,
            "training_dice": dict(self.training) or None,
            "hardly_found": sorted(self.hardly_found),
            "next": self.next_step,
        }

    def lines(self, version: str) -> list[str]:
        """Lines for a person: what was done, how good it is, and what to do next."""
        lines = [f"{version}: {counted(self.steps, 'steps')} in {told_minutes(self.minutes)}, {_epochs(self.epochs)}."]
        if self.mean is not None:
            dice = ", ".join(f"{name} {d:.2f}" for name, d in self.validation.items() if d is not None)
            seen = f"{counted(self.patients, 'patients')}, {counted(self.frames, 'frames')}"
            lines[0] += f" Validation Dice per image: {dice}; mean {self.mean:.2f} ({seen})."
        if self.mean and self.on_grid is not None:
            lines.append(
                "  This was measured at the frames' own size, over several views of each frame. The progress bar "
                f"showed {self.on_grid:.2f}, measured on the network's grid over one view."
            )
        lines.append(f"Verdict: {_WORDS[self.level]}.")
        lines += [f"  {line}" for line in self._of_classes()]
        if self.mean is not None and self.patients < FEW_PATIENTS:
            lines.append(f"  {counted(self.patients, 'validation patients')} tell{'s' * (self.patients == 1)} little.")
        lines.append(f"Next: {self.next_step}.")
        return lines

    def _of_classes(self) -> list[str]:
        lines = []
        hardly = [
            f"{n} (Dice {d:.2f}, {counted(self.frames_with.get(n, 0), 'training frames')})"
            for n, d in self.hardly_found.items()
        ]
        if hardly and self.level != "nothing":  # a version that has learnt nothing finds no class
            what = f"Hardly found: {', '.join(hardly)}."
            lines.append(what if self.steps < FEW_STEPS else f"{what} Outline these in more frames.")
        never = [name for name in self.validation if not self.frames_with.get(name)]
        if never:
            lines.append(f"Drawn in no training frame, so the model cannot find it: {', '.join(never)}.")
        unseen = [n for n, d in self.validation.items() if d is None and n not in never]
        if unseen and self.mean is not None:
            lines.append(f"Drawn in no validation frame, so nobody knows how well it is found: {', '.join(unseen)}.")
        if self.mean is None and (on_training := mean_known(self.training.values())) is not None:
            lines.append(f"On frames that it learnt from its mean Dice is {on_training:.2f}; that is not a test.")
        return lines

    @property
    def next_step(self) -> str:
        """What to do now, without a full stop."""
        level = self.level
        if level in ("nothing", "poor", "usable") and self.steps < FEW_STEPS:
            return self._longer()
        if level == "nothing":
            return (
                "look at your outlines with `dmr check FOLDER` and at the classes in dmr.toml, then outline more frames"
            )
        if level == "unknown":
            return "outline frames of more patients: some of them become validation patients; then `dmr retrain`"
        if level == "good":
            return "`dmr prelabel FOLDER` draws drafts on new scans"
        return "`dmr prelabel FOLDER`, correct the first frames of the ranking, and `dmr retrain`"

    def _longer(self) -> str:
        minutes = math.ceil(USUAL_STEPS * self.minutes / max(1, self.steps))
        if self.ended_early or self.limited_by_minutes:
            again = " --again" if self.ended_early else ""
            how = f"`dmr train{again} --minutes {max(1, minutes)}`"
        else:
            how = f"`dmr train --steps {USUAL_STEPS}`"
        pace = f"{USUAL_STEPS} steps would take about {told_minutes(minutes)} here"
        smaller = [*(() if self.size == "s" else ("--size s",)), *(() if self.input <= 128 else ("--input 128",))]
        quicker = f"; `{' '.join(smaller)}` is quicker" if smaller else ""
        return f"train longer, {how}: {pace}{quicker}"


def is_nothing(dice: Iterable[float | None]) -> bool:
    """Whether a version with these Dice, one for each class, has learnt nothing; also if no Dice is known."""
    known = [d for d in dice if d is not None]
    return not known or (sum(known) / len(known) < NOTHING and max(known) < SOMETHING)


def learnt_nothing(folder: Path) -> bool:
    """Whether a version's card says that it learnt nothing; False if the card cannot be read."""
    try:
        said = read_card(folder).details.get("verdict")
    except ModelError:
        return False
    return isinstance(said, dict) and said.get("verdict") == "nothing"


def told_minutes(minutes: float) -> str:
    """A time as a person says it: `1 minute`, `2.5 minutes`, `3.0 hours`."""
    if minutes >= 120:
        return f"{minutes / 60:.1f} hours"
    if minutes == round(minutes) or minutes >= 10:
        return counted(round(minutes), "minutes")
    return f"{minutes:.1f} minutes"


def _epochs(epochs: float) -> str:
    return f"{epochs:.1f} epochs" if epochs < 10 else f"{epochs:.0f} epochs"
