"""What can be read of models without the network: Dice on validation patients, and an interrupted training."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..formats.card_json import REMEDY, read_card_json
from ..system.platform import exclusive_lock


@dataclass(frozen=True, slots=True)
class ValidationDice:
    """A model's Dice on validation patients, per image at native size, from its card.

    Attributes:
        mean: Mean over the classes; None if there was no validation patient.
        classes: Dice by class id; None for a class that no validation frame shows.
    """

    mean: float | None
    classes: dict[int, float | None]


def read_validation_dice(card: Path) -> ValidationDice:
    """Read the Dice from a `card.json`.

    Raises:
        ModelError: The card is missing or cannot be read.
    """
    content = read_card_json(card)
    try:
        figures = content.get("validation") or {}
        ids = {str(name): int(number) for name, number in content["class_ids"].items()}
        classes = {number: _dice(figures, name) for name, number in ids.items()}
        return ValidationDice(_dice(figures, "mean"), classes)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(card, "is no card of a model", REMEDY) from error


def interrupted_at(models: Path) -> int | None:
    """The step at which the newest unfinished training was interrupted; None if no training waits.

    Args:
        models: The workspace's folder of models.
    """
    waiting = []
    for about in (models / ".training").glob("*.json"):
        try:
            content = json.loads(about.read_text(encoding="utf-8"))
            if about.with_suffix(".pt").is_file() and not _is_running(about.with_suffix(".lock")):
                waiting.append((str(content["saved_at"]), int(content["step"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(waiting)[1] if waiting else None


def _is_running(lock: Path) -> bool:
    try:
        with exclusive_lock(lock, wait_s=0):
            return False
    except TimeoutError:
        return True


def _dice(figures: dict[str, Any], name: str) -> float | None:
    value = (figures.get(name) or {}).get("dice")
    if value is not None and not math.isfinite(float(value)):
        raise ValueError("no number")
    return None if value is None else float(value)
