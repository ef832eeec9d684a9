"""The tool that asks `dmr serve` for an outline: a box, added to a project's labelling interface. Pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import escape
from typing import Final

from .config import beside_image

BOX: Final = "box"
INSTRUCTIONS: Final = (
    '<div class="dmr-smart">'
    '<p><b>Outline from a box</b>: press the letter of the square, or of the list "Box", and drag a box around the '
    "structure. "
    "The outline comes by itself. Where the drag begins inside another outline, hold Ctrl; else that outline moves.</p>"
    "<p><b>If nothing happens</b>, press M and drag again: after another tool, M takes the tool for boxes.</p>"
    "<p><b>Once on each computer</b>: switch Auto-Annotation on below the image, then Auto-Accept Suggestions beside "
    "it.</p>"
    "</div>"
)
_TAG: Final = "RectangleLabels"
_KEYS: Final = "asdfgzxcqnjlyuit"  # those that no tool of Label Studio has
_SHORT: Final = 4  # letters shown of a name, which stands in full above
_CLASS: Final = "dmr-smart"
_ROWS: Final = "dmr-tools"  # of a view with a row for each class, and a column for each way to draw it
_SQUARE: Final = "&#9634;"
_WIDER: Final = "div:has(> .dmr-tools) {flex-basis: 290px !important}"
_HOW_BESIDE: Final = "The square: drag a box, and the outline comes (Ctrl inside another outline)."
_HOW: Final = "Box: letter, then drag (Ctrl inside another outline)."
_HEAD: Final = "font-size: 12px; font-weight: 400; line-height: 1.3; margin: 8px 0 0"


def with_smart(config: str) -> str:
    """A labelling interface with the tool for boxes, for each label of its polygons; otherwise unchanged.

    Where it has the tool already, labels that are missing in it are added.

    Raises:
        ValueError: It is no XML, or has no polygon labels.
    """
    root = _parsed(config)
    polygons = next(iter(root.iter("PolygonLabels")), None)
    if polygons is None:
        raise ValueError("its labelling interface has no PolygonLabels")
    boxes = _boxes(root)
    there = {label.get("value") for label in boxes.iter("Label")} if boxes is not None else set()
    missing = [label for label in polygons.iter("Label") if label.get("value", "") not in there]
    if boxes is not None and not missing:
        return config
    boxes = _added(root, polygons) if boxes is None else boxes
    in_rows = any(e.get("className") == _ROWS and boxes in e.iter() for e in root.iter())
    for label in missing:
        name = label.get("value", "")
        own = {"value": name, "background": label.get("background", ""), "hotkey": _free_key(root)}
        own |= {"html": _SQUARE if in_rows else escape(name[:_SHORT]), "hint": name}
        ElementTree.SubElement(boxes, "Label", {k: v for k, v in own.items() if v})
    return ElementTree.tostring(root, encoding="unicode")


def without_smart(config: str) -> str:
    """A labelling interface without this tool, otherwise unchanged.

    Raises:
        ValueError: It is no XML.
    """
    root = _parsed(config)
    own = [(parent, e) for parent in root.iter() for e in parent if e.get("className") == _CLASS or _is_boxes(e)]
    for parent, element in own:
        parent.remove(element)
    return ElementTree.tostring(root, encoding="unicode") if own else config


def with_words(instructions: str, *, is_on: bool) -> str:
    """A project's instructions with or without those for this tool; what an older dmr wrote of it goes."""
    before = re.sub(r'<div class="dmr-smart">.*?</div>', "", instructions, flags=re.DOTALL)
    return before + (INSTRUCTIONS if is_on else "")


def has_smart(config: str) -> bool:
    """Whether a labelling interface has this tool."""
    try:
        return _boxes(_parsed(config)) is not None
    except ValueError:
        return False


def _parsed(config: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise ValueError(f"its labelling interface is no XML ({error})") from None


def _is_boxes(element: ElementTree.Element) -> bool:
    return element.tag == _TAG and element.get("name") == BOX and element.get("smart") == "true"


def _boxes(root: ElementTree.Element) -> ElementTree.Element | None:
    return next(filter(_is_boxes, root.iter()), None)


def _added(root: ElementTree.Element, polygons: ElementTree.Element) -> ElementTree.Element:
    """A new list of labels: one more column where each class has a row, else a list below the polygons'."""
    rows = next((e for e in root.iter() if e.get("className") == _ROWS and polygons in e.iter()), None)
    view = ElementTree.Element("View", {"className": _CLASS})
    if rows is not None:
        rows.append(view)
        view.set("style", "flex: 0 0 auto")
        ElementTree.SubElement(view, "Style").text = _WIDER
    side, place = beside_image(root)
    words, how = (view, _HOW) if rows is None else (ElementTree.Element("View", {"className": _CLASS}), _HOW_BESIDE)
    ElementTree.SubElement(words, "Header", {"value": how, "size": "6", "style": _HEAD})
    side.insert(place + 1, words)
    tool = {"name": BOX, "toName": polygons.get("toName", "image"), "smart": "true", "smartOnly": "true"}
    return ElementTree.SubElement(view, _TAG, tool)


def _free_key(root: ElementTree.Element) -> str:
    """A key that no label has yet; empty if there is none left."""
    taken = {own.get("hotkey", "").lower() for own in root.iter()}
    return next((key for key in _KEYS if key not in taken), "")
