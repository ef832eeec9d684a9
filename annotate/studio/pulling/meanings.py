"""What each label of `dmr.toml` stood for at the last pull: where it has become a class, annotations are read again."""

from __future__ import annotations

from collections.abc import Mapping

from ...classes import canonical_label
from ...settings.model import Settings
from ..answers.records import StudioAnnotation
from ..projects.offered import is_left_out

LEFT_OUT = 0
"""What a label stands for whose outlines are left out on purpose."""


def meanings(settings: Settings) -> dict[str, int]:
    """The class id of each label that `dmr.toml` names, `LEFT_OUT` for those that are left out."""
    labels = {label: c.id for c in settings.classes for label in (c.name, *c.aliases)}
    labels |= dict.fromkeys(settings.imports.ignore, LEFT_OUT)
    return {canonical_label(x): LEFT_OUT if is_left_out(x, settings) else class_id for x, class_id in labels.items()}


def is_read_otherwise(annotation: StudioAnnotation, *, before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether a label of an annotation is a class now, and stood for something else before.

    A label that is left out now takes nothing away: what was drawn under it stays as it was read.
    """
    labels = {canonical_label(label) for region in annotation.regions for label in region.labels}
    return any(now.get(x, LEFT_OUT) not in (LEFT_OUT, before[x]) for x in labels & before.keys())
