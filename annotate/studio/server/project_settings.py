"""Settings of a project that somebody changed by hand in Label Studio, and what each one spoils."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...wording import quoted
from ..answers.records import Project

SAMPLING: Final = "Uncertainty sampling"  # the frame with the lowest score is served first


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting that is not as dmr made it.

    Attributes:
        what: What it is about, in a word.
        told: How it is, and what to do if that is not wanted.
        is_fine: Whether it may be wanted so.
    """

    what: str
    told: str
    is_fine: bool = False


def changed_settings(project: Project) -> Iterator[ChangedSetting]:
    """The settings of a project that are not as dmr made them."""
    if project.sampling != SAMPLING:
        told = f"{quoted(project.sampling)}. In the project's Settings, set Task Sampling to Uncertainty Sampling."
        yield ChangedSetting("order", told)
    if not project.is_prefilled:
        told = (
            "drafts are not shown to annotators. In the project's Settings, Annotation, show predictions as pre-labels."
        )
        yield ChangedSetting("drafts", told)
    if project.people != 1:
        told = f"each frame is shown to {project.people} people. If one is enough, set Annotations per task to 1."
        yield ChangedSetting("people", told, is_fine=True)
