"""The figures of a demo, and the commands to type next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ... import __version__
from ...annotate.render.html import today
from ...model.network.checkpoint import Card
from ..simulation.physician import Corrected

NEXT: Final = (
    ("dmr studio start", "starts a local Label Studio, in which you correct drafts"),
    ("dmr push --pixels-reviewed", "sends it the drafts that are left, most informative first"),
    ("dmr retrain --minutes 5", "fetches what you corrected, trains a new model, and judges it"),
    ("dmr status", "shows what is in the workspace, and what to do next"),
)
"""Commands to type in the demo's folder, each with what it does. Shown on the page and in the terminal."""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One of a demo's two models.

    Attributes:
        id: Its version.
        steps: Steps of its training.
        minutes: Minutes of its training.
        frames: Frames that it learnt from.
        patients: Patients that these frames are from.
        dice: Its mean Dice on the test patients, 0 to 1; None where the gate could not compare.
        classes: Its Dice of each class that was judged.
    """

    id: str
    steps: int
    minutes: float
    frames: int
    patients: int
    dice: float | None
    classes: Mapping[str, float]

    @classmethod
    def of(cls, card: Card, scores: Mapping[str, Any] | None) -> ModelFigures:
        """The figures of a model, from its card and the gate's scores.

        Args:
            card: The model's card.
            scores: `incumbent_dice` or `candidate_dice` of `Verdict.as_json`.
        """
        return cls(
            id=card.id,
            steps=card.detail("steps"),
            minutes=card.detail("minutes"),
            frames=card.detail("data", "train", "frames"),
            patients=card.detail("data", "train", "patients"),
            dice=None if scores is None else float(scores["mean"]),
            classes={} if scores is None else dict(scores["classes"]),
        )


@dataclass(frozen=True, slots=True)
class DemoFigures:
    """The figures on a demo's page.

    Attributes:
        first: The model that drew the drafts.
        second: The model that learnt from the corrected frames too.
        verdict: The gate's verdict on the second model, as `Verdict.as_json` gives it.
        corrected: How many frames the simulated physician corrected.
        structures: What it did to the structures in them.
        minutes: Minutes of each part of the demo, by the part's name, in order.
        smaller: Says what was made smaller because the computer is slow or busy; None if nothing was.
        seed: Random seed of the subjects and the networks.
        version: The version of dmr.
        date: The date, such as `2026-01-31`.
    """

    first: ModelFigures
    second: ModelFigures
    verdict: Mapping[str, Any]
    corrected: int
    structures: Corrected
    minutes: Mapping[str, float]
    smaller: str | None = None
    seed: int = 0
    version: str = __version__
    date: str = field(default_factory=today)

    @property
    def models(self) -> tuple[str, str]:
        """Ids of the first and the second model."""
        return self.first.id, self.second.id

    @property
    def total_minutes(self) -> float:
        """The minutes of all parts together."""
        return sum(self.minutes.values())
