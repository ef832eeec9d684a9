"""A queue's project as it is made: its title, the mark by which it is found, and its texts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from ...catalogue.catalogue import Catalogue
from ...classes import Classes
from ...settings.model import QueueSettings
from ..interface import adjudication
from ..interface.adjudication import adjudication_config
from ..interface.config import INSTRUCTIONS, label_config

UNMARKED: Final = ("second-reading", "repeat")  # who reads must not know that somebody has read it, nor who
_LETTERS: Final = 6  # of a hash, to tell the titles of such projects apart


@dataclass(frozen=True, slots=True)
class ProjectTexts:
    """The texts of a new project, as `StudioClient.create_project` takes them."""

    title: str
    description: str
    config: str
    instructions: str


def queue_mark(catalogue: Catalogue, queue: QueueSettings) -> str:
    """The mark in the description of a queue's project, and of no other project.

    Whoever reads a frame again can see the description too. So it does not name the queue then.
    """
    workspace = catalogue.meta("workspace_id")
    name = _code(workspace, queue.name) if queue.purpose in UNMARKED else queue.name
    return f"dmr:{workspace}:{name}"


def project_texts(catalogue: Catalogue, queue: QueueSettings, *, classes: Classes, workspace: str) -> ProjectTexts:
    """What a new project says.

    Args:
        catalogue: The catalogue, with the workspace's id.
        queue: The queue.
        classes: What can be drawn in it.
        workspace: The name of the workspace's folder.
    """
    mark, settles = queue_mark(catalogue, queue), queue.purpose == "adjudication"
    unmarked = f"reading {_code(catalogue.meta('workspace_id'), queue.name)[:_LETTERS]}"
    name = unmarked if queue.purpose in UNMARKED else queue.name
    return ProjectTexts(
        title=f"{workspace}: {name}",
        description=f"Made by dmr; leave the next word as it is. {mark}",
        config=adjudication_config(classes) if settles else label_config(classes),
        instructions=adjudication.INSTRUCTIONS if settles else INSTRUCTIONS,
    )


def _code(workspace: str, name: str) -> str:
    return hashlib.sha256(f"{workspace} {name}".encode()).hexdigest()[:16]
