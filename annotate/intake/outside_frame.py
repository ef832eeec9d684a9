"""A labelled frame from outside, as the readers of files with outlines give it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..scans.decoding.values import Source
from ..shapes import Annotation, Frame

UNREAD_REMEDY: Final = "Mend it and read it again: until then the class is not complete there"
"""What to do about a file of which something could not be read; the rest of it is taken."""


Picture = tuple[str, int]
"""Hash of a scan file, and the place of a frame in it."""


@dataclass(frozen=True, slots=True, eq=False)
class OutsideFrame:
    """A frame from outside and what was drawn on it.

    Attributes:
        name: The file's name without its ending; the patient pattern looks into it.
        frame: The image.
        annotation: The outlines, with the workspace's class ids.
        raw: The drawing as it came in, without what could name a patient.
        source: The file that holds the image, which may be a Labelme file, or None.
        file: The file that holds the outlines, as messages call it.
        about: What the clip says of itself that the image is a frame of; None for a single image.
        lost: The classes of which something was left out, as in `Drawing.lost`.
        unread: Those of which something could not be read, which the report has as a failure.
    """

    name: str
    frame: Frame
    annotation: Annotation
    raw: bytes
    source: Path | None = None
    file: Path = Path()
    about: Source | None = None
    lost: frozenset[int | None] = frozenset()
    unread: frozenset[int | None] = frozenset()
