"""How long two versions were trained, side by side, as their cards have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...annotate.errors import ModelError
from ...annotate.wording import counted
from ..network.checkpoint import Card, read_card
from .verdict import told_minutes

_ALIKE: Final = 0.8  # share of the other's minutes from which two trainings count as equally long


@dataclass(frozen=True, slots=True)
class Training:
    """How one version was trained.

    Attributes:
        model: The version.
        minutes: Spent training.
        steps: Optimiser steps done.
        frames: Training frames.
        input: Side of the network's grid, pixels.
        size: `s`, `m` or `l`.
    """

    model: str
    minutes: float
    steps: int
    frames: int
    input: int
    size: str

    @classmethod
    def of(cls, card: Card) -> Training | None:
        """What a card says; None where it does not say it."""
        try:
            frames = card.detail("data", "train", "frames")
            return cls(card.id, card.detail("minutes"), card.detail("steps"), frames, card.input, card.size)
        except ModelError:
            return None


@dataclass(frozen=True, slots=True)
class Trainings:
    """The trainings of the two models that the gate compares."""

    candidate: Training
    incumbent: Training

    @property
    def candidate_is_shorter(self) -> bool:
        """Whether the candidate was trained for clearly fewer minutes."""
        return self.candidate.minutes < _ALIKE * self.incumbent.minutes

    def told(self) -> str | None:
        """In a line what differs; None where nothing does."""
        new, old = self.candidate, self.incumbent
        pairs = {
            "steps": (counted(new.steps, "steps"), f"{old.steps:,}"),
            "frames": (counted(new.frames, "frames"), f"{old.frames:,}"),
            "input": (f"{new.input} x {new.input} pixels", f"{old.input} x {old.input}"),
            "size": (f"size {new.size}", old.size),
        }
        others = [f"{a} against {b}" for name, (a, b) in pairs.items() if getattr(new, name) != getattr(old, name)]
        alike = min(new.minutes, old.minutes) >= _ALIKE * max(new.minutes, old.minutes)
        if alike and not others:
            return None
        minutes = (
            f"{new.model} was trained for {told_minutes(new.minutes)}, {old.model} for {told_minutes(old.minutes)}"
        )
        return f"{minutes} ({', '.join(others)})" if others else minutes


def read_training(folder: Path) -> Training | None:
    """How the version in a folder was trained; None where its card cannot be read or does not say it."""
    try:
        return Training.of(read_card(folder))
    except ModelError:
        return None


def read_trainings(models: Path, *, candidate: str, incumbent: str) -> Trainings | None:
    """The trainings of two versions; None where a card does not say it.

    Args:
        models: The workspace's folder of models.
        candidate: The new version.
        incumbent: The active one.
    """
    new, old = read_training(models / candidate), read_training(models / incumbent)
    return None if new is None or old is None else Trainings(new, old)
