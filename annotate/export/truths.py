"""The truth about the workspace's frames, as far as its classes are complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ..catalogue.records import LabelledFrame
from ..convert.writing import Labelled, Naming
from ..workspace import Session


def name_of(item: LabelledFrame) -> str:
    """The frame's name in the workspace."""
    return PurePosixPath(item.frame.path).stem


def not_complete(item: LabelledFrame, naming: Naming) -> frozenset[int]:
    """The classes that are not complete on a frame."""
    return frozenset(naming.names) - item.annotation.covered


def truths(s: Session, labelled: Sequence[LabelledFrame], naming: Naming) -> Iterator[Labelled]:
    """The frames with the outlines of the classes that are complete there; each counts as exported."""
    for item in labelled:
        name = name_of(item)
        covered = item.annotation.covered & naming.names.keys()
        shapes = tuple(shape for shape in item.annotation.shapes if shape.class_id in covered)
        for class_id in sorted({shape.class_id for shape in item.annotation.shapes} - covered):
            known = naming.names.get(class_id)
            left_out = "outlines of a retired class" if known is None else f"outlines of {known}, which is not complete"
            s.report.note(f"{left_out} (left out)", name)
        s.report.count("frames exported")
        yield Labelled(
            name,
            replace(item.annotation, shapes=shapes, covered=covered),
            frozenset[int | None](not_complete(item, naming)),
            f"{name}.png",
            called=name,
            spacing_mm=item.frame.spacing_mm,
        )
