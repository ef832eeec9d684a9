"""The class table of `dmr status`: how often each class is drawn, and how well the active model draws it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalogue.catalogue import DrawnClass
from ..classes import Classes
from ..errors import ModelError
from ..render.text_table import text_table
from ..report import Report
from ..settings.model import SPLITS
from ..workspace import Workspace
from .model_card import ValidationDice, read_validation_dice


def class_figures(
    workspace: Workspace, classes: Classes, drawn: Mapping[int, DrawnClass], *, model: str | None, report: Report
) -> dict[str, Any]:
    """Figures for `--json`: `classes` in use or drawn, and the active model's `validation_dice`.

    Args:
        workspace: The workspace of the models.
        classes: All that the catalogue knows.
        drawn: How often each class is drawn, by its id.
        model: The active model; None without one.
        report: Gets a note if a model's card cannot be read.
    """
    dice = ValidationDice(None, {})
    if model is not None:
        try:
            dice = read_validation_dice(workspace.models_folder / model / "card.json")
        except ModelError as error:
            report.fail(error)
    rows = []
    for c in classes:
        own = drawn.get(c.id, DrawnClass())
        if c.retired and not own.frames:
            continue
        rows.append(
            {
                "id": c.id,
                "name": c.name,
                "retired": c.retired,
                "frames": own.frames.total(),
                "patients": len(set().union(*own.patients.values())),
                "splits": {
                    split: {"frames": own.frames[split], "patients": len(own.patients.get(split, ()))}
                    for split in SPLITS
                },
                "validation_dice": dice.classes.get(c.id),
            }
        )
    return {"classes": rows, "validation_dice": dice.mean}


def class_table(figures: Mapping[str, Any], *, model: str | None) -> str:
    """The same figures as a table: frames with patients in brackets, and Dice if there is a model."""
    rows = [["class", "frames", *SPLITS] + ([f"Dice of {model}"] if model else [])]
    for c in figures["classes"]:
        row = [c["name"] + (" (retired)" if c["retired"] else "")]
        row += [f"{s['frames']} ({s['patients']})" if s["frames"] else "-" for s in (c, *c["splits"].values())]
        rows.append(row + ([_told(c["validation_dice"])] if model else []))
    if model:
        rows.append(["mean", *[""] * (1 + len(SPLITS)), _told(figures["validation_dice"])])
    words = "Frames that show each class (patients)" + ("; Dice per image on validation patients:" if model else ":")
    return f"{words}\n{text_table(rows)}"


def _told(dice: float | None) -> str:
    return "-" if dice is None else f"{dice:.3f}"
