"""`dmr studio layout`: a project that an older dmr made gets the interface and the instructions of a new one."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

from ...classes import Classes
from ...errors import StudioError
from ...wording import quoted
from ...workspace import Session
from ..interface.config import CONTROL, ELLIPSES, IMAGE, INSTRUCTIONS, Interface, label_config, read_interface
from ..interface.smart import has_smart, with_smart, with_words
from .offered import note_offered
from .picture import show_picture
from .queues import OpenQueue, open_queue, queue_settings

if TYPE_CHECKING:
    from ..server.client import StudioClient


def renew_layouts(s: Session, client: StudioClient) -> None:
    """Lay the projects for corrections out anew. What was drawn, and the labels' names and colours, stay.

    Args:
        s: The session; its report gets counts and failures.
        client: The server.

    Raises:
        StudioError: The server fails.
    """
    for words in ("projects laid out", "projects unchanged"):
        s.report.count(words, 0)
    for wanted in queue_settings(s.settings):
        if wanted.purpose == "correct" and (opened := open_queue(s, client, wanted, create=False)) is not None:
            _renew(s, client, opened)


def _renew(s: Session, client: StudioClient, opened: OpenQueue) -> None:
    project, where = opened.project, f"project {quoted(opened.project.title)}"
    if (opened.interface.control, opened.interface.image) != (CONTROL, IMAGE):
        what = f"its labels are called {quoted(opened.interface.control)}, not {quoted(CONTROL)}: dmr did not make them"
        s.report.fail_once(StudioError(where, what, "Nothing was changed there"))
        return
    config = laid_out(project.config, opened.interface, s.settings.classes)
    if config == ElementTree.tostring(ElementTree.fromstring(project.config), encoding="unicode"):
        s.report.count("projects unchanged")
        return
    try:
        client.set_config(project.id, config)
    except StudioError as error:
        if client.status_of(error) != 400:
            raise
        remedy = "Correct or delete what does not fit in Label Studio, and run the command again"
        s.report.fail_once(StudioError(where, f"it keeps its layout: {error.what}", remedy))
        return
    interface = read_interface(config, classes=s.settings.classes)
    if added := interface.labels.keys() - opened.interface.labels.keys():
        note_offered(s.catalogue, OpenQueue(opened.queue, project, interface), added=added, at=client.now())
    instructions = with_words(INSTRUCTIONS, is_on=has_smart(config))
    client.set_instructions(project.id, instructions)
    show_picture(client, project, instructions=instructions)
    s.report.count("projects laid out")


def laid_out(config: str, interface: Interface, classes: Classes) -> str:
    """The labelling interface of a new project, with the labels' values and colours of an older one.

    Labels that are no class stay too: annotations may hold them.

    Args:
        config: The older interface.
        interface: What can be drawn with it.
        classes: The workspace's classes.
    """
    old = {own.get("value", ""): own for own in ElementTree.fromstring(config).iter("Label")}
    root = ElementTree.fromstring(label_config(classes))
    for control in [*root.iter("PolygonLabels"), *root.iter(ELLIPSES)]:
        for label in control:
            class_id = classes.class_id(label.get("value", ""))
            value = interface.labels.get(class_id) if class_id is not None else None
            if value is not None and value in old:
                label.set("value", value)
                label.set("background", old[value].get("background") or str(label.get("background")))
    (polygons,) = root.iter("PolygonLabels")
    for value in interface.strangers:
        ElementTree.SubElement(polygons, "Label", {"value": value, "background": old[value].get("background", "")})
    made = ElementTree.tostring(root, encoding="unicode")
    return with_smart(made) if has_smart(config) else made
