"""The labelling interface of adjudications: labels for each reader's outlines, and a choice between them. Pure."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Final

from ...classes import Classes
from .config import ELLIPSE_KEYS, ELLIPSES, IMAGE, beside_image, label_config

LETTERS: Final = "ABCDEFGH"
CHOICE: Final = "choice"
OWN: Final = "I drew my own"
INSTRUCTIONS: Final = (
    "<p>The readers of this frame disagree. The outlines of reader A are pink, those of reader B are light green. Who "
    "is A and who is B changes from frame to frame.</p>"
    "<ul>"
    "<li><b>Choose</b> who is right: press A or B. That reader's outlines count as they are.</li>"
    "<li><b>If nobody is right</b>: press O and draw all structures yourself; hold <b>Ctrl</b> while you click. "
    "Only your own outlines count then, so draw also those on which the readers agree. "
    "A reader's outline can be copied: click on it in the list, then Ctrl+C and Ctrl+V.</li>"
    "<li><b>See one reader alone</b>: hide the other one's outlines by the eye in the list of outlines.</li>"
    "<li><b>Submit</b>: Ctrl+Enter. <b>Skip</b> a frame that cannot be judged: Ctrl+Space.</li>"
    "</ul>"
    "<p>Not a medical device; not for diagnosis, needle guidance or unsupervised use.</p>"
)
# Pink and light green, which no class has and colour-blind eyes tell apart too; then those of further readers.
_COLORS: Final = ("#FF00FF", "#00FF7F", "#FF8C00", "#00FFFF", "#FFFFFF", "#C000FF", "#FFD000", "#FF1493")
_READERS: Final = "readers"  # the class of the part that holds their labels; nobody draws with them


def adjudication_config(classes: Classes, *, readers: int = 2) -> str:
    """The labelling interface of a new project for adjudications."""
    return with_readers(label_config(classes), classes, readers=readers)


def with_readers(config: str, classes: Classes, *, readers: int) -> str:
    """A labelling interface with a choice between so many readers and labels for their outlines; else unchanged."""
    root = ElementTree.fromstring(config)
    side, _ = beside_image(root)
    for old in [e for e in side if e.get("name") == CHOICE or e.get("className") == _READERS]:
        side.remove(old)
    letters = LETTERS[: max(readers, _readers_of(config))]
    choices = {
        "name": CHOICE,
        "toName": IMAGE,
        "choice": "single-radio",
        "required": "true",
        "requiredMessage": "Choose whose outlines are right",
    }
    choice = ElementTree.Element("Choices", choices)
    for letter in letters:
        ElementTree.SubElement(choice, "Choice", {"value": answer_for(letter), "hotkey": letter.lower()})
    ElementTree.SubElement(choice, "Choice", {"value": OWN, "hotkey": "o"})
    side.insert(beside_image(root)[1], choice)
    _free_keys(root, taken=[str(own.get("hotkey")) for own in choice])
    hidden = ElementTree.SubElement(side, "View", {"className": _READERS, "style": "display: none"})
    for letter, color in zip(letters, _COLORS, strict=False):
        look = {"strokeWidth": "3", "pointSize": "small", "opacity": "0.1"}
        own = ElementTree.SubElement(hidden, "PolygonLabels", {"name": control_of(letter), "toName": IMAGE, **look})
        for c in classes.active:
            ElementTree.SubElement(own, "Label", {"value": label_for(letter, c.name), "background": color})
    return ElementTree.tostring(root, encoding="unicode")


def has_readers(config: str, classes: Classes, *, readers: int) -> bool:
    """Whether a labelling interface has the choice and all labels for so many readers."""
    root = ElementTree.fromstring(config)
    there = {label.get("value") for label in root.iter("Label")} | {c.get("value") for c in root.iter("Choice")}
    letters = LETTERS[:readers]
    labels = {label_for(letter, c.name) for letter in letters for c in classes.active}
    return labels | {OWN} | {answer_for(letter) for letter in letters} <= there


def answer_for(letter: str) -> str:
    """The choice by which a reader is found to be right."""
    return f"{letter} is right"


def label_for(letter: str, name: str) -> str:
    """The label of a reader's outlines of a class."""
    return f"{letter}: {name}"


def plain_label(label: str) -> str:
    """The class's name in a label of a reader's outlines; any other label as it is."""
    letter, colon, name = label.partition(": ")
    return name if colon and letter in tuple(LETTERS) else label


def control_of(letter: str) -> str:
    """The name of the labels of a reader's outlines."""
    return f"reader_{letter.lower()}"


def in_letter_order(frame: str, authors: Sequence[str]) -> list[int]:
    """Which author is A, which is B: the places in `authors`. It is random for each frame, and stays."""
    return sorted(range(len(authors)), key=lambda k: hashlib.sha256(f"letters {frame} {authors[k]}".encode()).digest())


def _readers_of(config: str) -> int:
    there = {e.get("name") for e in ElementTree.fromstring(config).iter("PolygonLabels")}
    return sum(control_of(letter) in there for letter in LETTERS)


def _free_keys(root: ElementTree.Element, *, taken: Sequence[str]) -> None:
    """Give the labels for ellipses other keys where the choice takes theirs."""
    keys = [key for key in ELLIPSE_KEYS if key not in taken]
    for place, label in enumerate(label for control in root.iter(ELLIPSES) for label in control.iter("Label")):
        label.attrib.pop("hotkey", None)
        if place < len(keys):
            label.set("hotkey", keys[place])
