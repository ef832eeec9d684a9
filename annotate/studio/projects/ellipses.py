"""An ellipse tool for a project that dmr made before it offered one."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

from ...errors import StudioError
from ...workspace import Session
from ..interface.config import (
    CONTROL,
    ELLIPSE,
    ELLIPSE_HINT,
    ELLIPSE_KEYS,
    ELLIPSES,
    HINT,
    Interface,
    read_interface,
)
from .labels import NEW
from .queues import OpenQueue

if TYPE_CHECKING:
    from ..server.client import StudioClient


def complete_ellipses(s: Session, client: StudioClient, opened: OpenQueue) -> OpenQueue:
    """Add the ellipse tool to a project that never had it. Where somebody took it out, it stays out."""
    queue, project, catalogue = opened.queue, opened.project, s.catalogue
    if not opened.interface.ellipse:
        if catalogue.had_ellipses(queue.id) == project.id:
            return opened
        config = with_ellipses(project.config, opened.interface)
        try:
            client.set_config(project.id, config)
        except StudioError as error:
            if client.status_of(error) != 400:
                raise
            return opened  # an annotation does not fit the labels as they are: `complete_labels` tells which
        s.report.say(f"{NEW}a tool for ellipses.")
        opened = OpenQueue(queue, project, read_interface(config, classes=s.settings.classes))
    if catalogue.had_ellipses(queue.id) != project.id:
        catalogue.note_ellipses(queue.id, project.id)
    return opened


def with_ellipses(config: str, interface: Interface) -> str:
    """A labelling interface with an ellipse label for each class that has a polygon label, otherwise unchanged."""
    root = ElementTree.fromstring(config)
    parent, place, polygons = next(
        (parent, place + 1, tag)
        for parent in root.iter()
        for place, tag in enumerate(parent)
        if tag.tag == "PolygonLabels" and tag.get("name", CONTROL) == interface.control
    )
    names = {tag.get("name") for tag in root.iter()}
    name = next(x for x in (ELLIPSE, *(f"{ELLIPSE}{k}" for k in range(2, 99))) if x not in names)
    taken = {str(tag.get("hotkey")).lower() for tag in root.iter()}
    keys = [key for key in ELLIPSE_KEYS if key not in taken]
    shown = {"name": name, "toName": interface.image, "strokeWidth": "2", "opacity": "0.25"}
    ellipses = ElementTree.Element(ELLIPSES, shown)
    for k, label in enumerate(tag for tag in polygons.iter("Label") if tag.get("value") in interface.labels.values()):
        own = {n: v for n in ("value", "background") if (v := label.get(n)) is not None}
        ElementTree.SubElement(ellipses, "Label", own | ({"hotkey": keys[k]} if k < len(keys) else {}))
    parent.insert(place, ElementTree.Element("Header", {"value": ELLIPSE_HINT, "size": "6", "style": HINT}))
    parent.insert(place + 1, ellipses)
    return ElementTree.tostring(root, encoding="unicode")
