"""How messages say numbers, one frame and two frames, and texts from outside."""

from __future__ import annotations

import re
from typing import Final

PICTURE_HELD: Final = "in quarantine (its picture is left out; `dmr quarantine show` shows it)"
"""The note on a frame whose picture is not copied or shown, because it may tell who the patient is."""

_SINGULAR = {
    "annotations": "annotation",
    "blobs": "blob",
    "cards": "card",
    "classes": "class",
    "conflicts": "conflict",
    "clips": "clip",
    "drafts": "draft",
    "edits": "edit",
    "epochs": "epoch",
    "files": "file",
    "frames": "frame",
    "images": "image",
    "labels": "label",
    "masks": "mask",
    "minutes": "minute",
    "models": "model",
    "near-copies": "near-copy",
    "numbers": "number",
    "outlines": "outline",
    "pairs": "pair",
    "patients": "patient",
    "pixels": "pixel",
    "points": "point",
    "predictions": "prediction",
    "projects": "project",
    "pulls": "pull",
    "refiners": "refiner",
    "revisions": "revision",
    "rows": "row",
    "seeds": "seed",
    "shapes": "shape",
    "steps": "step",
    "tasks": "task",
    "trainings": "training",
    "values": "value",
}
_OF_ONE = {  # here, more than the first noun changes
    "patients by their names": "patient by its name",
    "outlines drawn as ellipses": "outline drawn as an ellipse",
    "outlines drawn as rectangles": "outline drawn as a rectangle",
}


_LONG: Final = re.compile(r"""(?<!\w)(['"])((?:(?!\1)[^\\]|\\.){100,})\1(?!\w)""")


def shortened(line: str) -> str:
    """A line in which a quoted text of more than 100 characters, such as a label that is a whole letter, is cut."""
    return _LONG.sub(lambda found: f"{found[1]}{found[2][:60]}…{found[1]}", line)


MOST_QUOTED: Final = 60
"""Characters of a text from outside that a message shows."""


def quoted(text: object, *, most: int = MOST_QUOTED) -> str:
    """A text from outside as a message shows it: in quotation marks, on one line, and not too long.

    What stands in quotation marks is what `--hide-names` hides.
    """
    own = str(text)
    return repr(own if len(own) <= most else f"{own[:most]}…")


def id_of_file(value: object) -> str:
    """An id that a file from outside gives: a number as it is, a text quoted."""
    return str(value) if isinstance(value, int) and abs(value) < 10**12 else quoted(value)


def counted(n: int, what: str) -> str:
    """A number and what it counts: `1,200 frames added`, `1 frame added`.

    Args:
        n: The number.
        what: Words for it in the plural. For 1 the first noun becomes singular, and `their` becomes `its`; words
            without a noun stay.
    """
    if n != 1:
        return f"{n:,} {what}"
    if what in _OF_ONE:
        return f"1 {_OF_ONE[what]}"
    words = what.split(" ")
    for place, word in enumerate(words):
        bare = word.rstrip(",")
        if bare in _SINGULAR:
            words[place] = _SINGULAR[bare] + word[len(bare) :]
            words[place:] = ["its" if later == "their" else later for later in words[place:]]
            break
    return " ".join(["1", *words])
