"""What a task says beside its image: why the frame is worth a look, and what to do where nothing is drawn on it."""

from __future__ import annotations

from typing import Final

FOUND_NOTHING: Final = "the assistant found nothing here"
_DRAW: Final = "draw what is there"
_TICK: Final = ", or tick below"
# The same words for every frame without a draft: nothing may tell the frames of the audit slice from the others.
_NONE_THERE: Final = "if nothing is there, tick below"


def shown_reason(reason: str, *, rank: int, is_drafted: bool, is_bare: bool, has_tick: bool) -> str:
    """The sentence beside an image.

    Args:
        reason: Why the frame is worth a physician's time.
        rank: Its place in the order.
        is_drafted: Whether a model has drawn a draft for it that is shown, though it may be empty.
        is_bare: Whether the frame is shown without any outline.
        has_tick: Whether the project has the tick that nothing is to be seen.
    """
    said = [reason] if reason else []
    if is_bare and is_drafted:
        said.insert(0, f"{FOUND_NOTHING}: {_DRAW}{_TICK if has_tick else ''}")
    elif is_bare and has_tick:
        said.append(_NONE_THERE)
    return f"{rank}. {'; '.join(said)}"


def says_empty(reason: str) -> bool:
    """Whether a sentence says that the draft is empty."""
    return FOUND_NOTHING in reason
