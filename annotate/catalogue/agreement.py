"""Whether two drawings of a frame agree: nobody draws the same pixels twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from ..geometry.raster import shapes_to_layers
from ..settings.conflicts import AGREE_DICE
from ..shapes import Annotation
from ..system.canonical import canonical_json, json_to_shapes
from . import tables as t

RULE: Final = "conflicts"
"""The key in `meta` under which the catalogue keeps the rule that its conflicts were found with."""

_DIGITS: Final = 4  # of a Dice that is kept


@dataclass(frozen=True, slots=True)
class Rule:
    """When two drawings agree.

    Attributes:
        agree_dice: The least Dice of a class that both draw.
        classes: The least Dice of classes that have one of their own.
        merged: The class that each merged class counts for.
    """

    agree_dice: float = AGREE_DICE
    classes: Mapping[int, float] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection) -> Self | None:
        """The rule that a catalogue's conflicts were found with; None before it was first kept."""
        text = connection.scalar(sa.select(t.meta.c.value).where(t.meta.c.key == RULE))
        if text is None:
            return None
        said = json.loads(text)
        return cls(said["agree_dice"], *({int(k): v for k, v in said[key].items()} for key in ("classes", "merged")))

    def write(self, connection: Connection) -> None:
        """Keep it."""
        by_id = {"classes": self.classes, "merged": self.merged}
        said = {key: {str(k): v for k, v in values.items()} for key, values in by_id.items()}
        value = canonical_json({"agree_dice": self.agree_dice, **said})
        connection.execute(sa.delete(t.meta).where(t.meta.c.key == RULE))
        connection.execute(sa.insert(t.meta).values(key=RULE, value=value))


def disagreements(a: Row[Any], b: Row[Any], *, rule: Rule) -> dict[int, float]:
    """The classes on which two revisions of a frame do not agree, with their Dice.

    Args:
        a: A revision's row, with the frame's height and width.
        b: Another one's.
        rule: When they agree.
    """
    if (a.shapes, a.covered) == (b.shapes, b.covered):
        return {}
    dice = class_dice(*(as_merged(annotation_of(row), rule.merged) for row in (a, b)))
    return {i: round(value, _DIGITS) for i, value in dice.items() if value < rule.classes.get(i, rule.agree_dice)}


def class_dice(a: Annotation, b: Annotation) -> dict[int, float]:
    """The Dice of each class that both cover and at least one of them shows, 0 to 1, at the frame's own size."""
    ids = sorted(a.covered & b.covered & {s.class_id for s in (*a.shapes, *b.shapes)})
    found = {}
    for class_id in ids:  # one after the other: a large frame's layers are large
        one, other = (
            shapes_to_layers(x.shapes, class_ids=[class_id], height=a.height, width=a.width)[0] for x in (a, b)
        )
        if drawn := int(one.sum()) + int(other.sum()):
            found[class_id] = 2 * int((one & other).sum()) / drawn
    return found


def annotation_of(row: Row[Any]) -> Annotation:
    """The annotation in a row of a revision with its frame's height and width."""
    shapes = json_to_shapes(json.loads(row.shapes))
    return Annotation(row.height, row.width, shapes, frozenset(json.loads(row.covered)))


def as_merged(annotation: Annotation, merged: Mapping[int, int]) -> Annotation:
    """An annotation with the classes that merged ones count for.

    Such a class is covered only if all classes that became part of it were covered.
    """
    if not merged:
        return annotation
    shapes = tuple(replace(s, class_id=merged.get(s.class_id, s.class_id)) for s in annotation.shapes)
    parts: dict[int, set[int]] = {}
    for class_id, into in merged.items():
        parts.setdefault(into, {into}).add(class_id)
    covered = {i for i in annotation.covered if i not in merged and parts.get(i, {i}) <= annotation.covered}
    return Annotation(annotation.height, annotation.width, shapes, frozenset(covered))
