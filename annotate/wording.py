"""English for numbers: one frame, two frames."""

from __future__ import annotations

_SINGULAR = {
    "classes": "class",
    "drafts": "draft",
    "edits": "edit",
    "files": "file",
    "frames": "frame",
    "images": "image",
    "models": "model",
    "near-copies": "near-copy",
    "numbers": "number",
    "patients": "patient",
    "pixels": "pixel",
    "points": "point",
    "predictions": "prediction",
    "revisions": "revision",
    "steps": "step",
    "tasks": "task",
    "values": "value",
}
# Where more than the noun differs.
_OF_ONE = {
    "near-copies of another frame of their patient": "near-copy of another frame of its patient",
    "patients by their names": "patient by its name",
}


def counted(n: int, what: str) -> str:
    """A number and what it counts: `2 frames added`, `1 frame added`.

    Args:
        n: The number.
        what: Words for it in the plural. Its first noun becomes singular for 1; words without a noun stay.
    """
    if n != 1:
        return f"{n} {what}"
    if what in _OF_ONE:
        return f"1 {_OF_ONE[what]}"
    words = what.split(" ")
    for place, word in enumerate(words):
        bare = word.rstrip(",")
        if bare in _SINGULAR:
            words[place] = _SINGULAR[bare] + word[len(bare) :]
            break
    return " ".join(["1", *words])
