"""Open conflicts as a table for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..classes import Classes
from ..render.text_table import text_table
from .disputes import Dispute

_DAY = 10  # characters of a time


def dispute_table(disputes: Sequence[Dispute], classes: Classes) -> str:
    """A line for each conflict: frame, day, readers, classes."""
    rows = [("frame", "since", "readers", "disputed")]
    rows += [
        (
            dispute.frame.frame_id,
            dispute.conflict.at[:_DAY],
            ", ".join(f"{head.record.author} ({head.record.reading})" for head in dispute.heads),
            disputed_classes(dispute, classes),
        )
        for dispute in disputes
    ]
    return text_table(rows, align="<")


def disputed_classes(dispute: Dispute, classes: Classes) -> str:
    """The classes with their Dice, or with those who say that they are absent."""
    told = []
    for class_id, dice in dispute.conflict.disputed.items():
        absent = dispute.absent(class_id)
        what = f"absent for {' and '.join(absent)}" if absent else f"Dice {dice:.2f}"
        told.append(f"{_name(class_id, classes)}: {what}")
    return "; ".join(told)


def dispute_data(dispute: Dispute, classes: Classes) -> dict[str, Any]:
    """One conflict for `--json`."""
    return {
        "frame": dispute.frame.frame_id,
        "since": dispute.conflict.at,
        "classes": {_name(class_id, classes): dice for class_id, dice in dispute.conflict.disputed.items()},
        "readers": [
            {"author": head.record.author, "reading": head.record.reading, "revision": head.sha256}
            for head in dispute.heads
        ],
    }


def _name(class_id: int, classes: Classes) -> str:
    return next((c.name for c in classes if c.id == class_id), f"class {class_id}")
