"""What could not be taken along: said to the user, and in the files, so that nobody takes it for absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

LOST_KEY: Final = "dmr_lost"
"""A list of labels, or null where nobody can tell which classes lost something."""

COVERED_KEY: Final = "dmr_covered"
"""A list of the labels of the classes that are complete, drawn or not."""


def lost_entry(lost: Iterable[int | None], names: Mapping[int, str]) -> dict[str, Any]:
    """What a file says about the classes of which something was left out; nothing where nothing was.

    Args:
        lost: Their ids, as in `Drawing.lost`.
        names: The label of each class id.
    """
    ids = set(lost)
    if not ids:
        return {}
    labels = sorted({names[k] for k in ids if k is not None and k in names})
    return {LOST_KEY: None if len(labels) < len(ids) else labels}


def lost_labels(extra: Mapping[str, Any]) -> tuple[str | None, ...]:
    """The labels that a file says lost something; None stands for one that nobody can tell.

    Args:
        extra: The keys of the file.
    """
    if LOST_KEY not in extra:
        return ()
    value = extra[LOST_KEY]
    if not isinstance(value, list):
        return (None,)
    return tuple(label if isinstance(label, str) and label.strip() else None for label in value)


def complete_classes(extra: Mapping[str, Any], resolve: Callable[[str], int | None]) -> frozenset[int] | None:
    """The classes that a file says are complete; None where it does not say.

    Args:
        extra: The keys of the file.
        resolve: A label's class id, None where it is no class.
    """
    if COVERED_KEY not in extra:
        return None
    said = extra[COVERED_KEY]
    if not isinstance(said, list):
        return frozenset()  # it says something that nobody understands
    ids = (resolve(label) for label in said if isinstance(label, str))
    return frozenset(class_id for class_id in ids if class_id is not None)


def unread_words(unread: Iterable[int | None], label: Callable[[int], str]) -> str | None:
    """Which classes lost something that could not be read, for an error; None where none did.

    Args:
        unread: Their ids, as in `Drawing.unread`.
        label: Gives the name of a class id.
    """
    ids = set(unread)
    if not ids:
        return None
    of = "a class that nobody can tell" if None in ids else ", ".join(sorted(label(k) for k in ids if k is not None))
    return f"something of {of} was left out; the notes say what"
