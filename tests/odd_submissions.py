"""What a physician may submit that cannot be read, settings that change, and what a frame's truth shows then."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from physician import region
from studio_round import HEIGHT, PLEXUS, PSOAS, WIDTH, Round, box

from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Workspace

LABELS = {PSOAS: "psoas_major", PLEXUS: "lumbar_plexus"}


def drawn(class_id: int, left: float = 4.0, **changes: Any) -> dict[str, Any]:
    whole = region(LABELS[class_id], list(box(left, 4.0, 12.0)), height=HEIGHT, width=WIDTH)
    value = {k: v for k, v in changes.items() if k in whole["value"]}
    return whole | {k: v for k, v in changes.items() if k not in value} | {"value": whole["value"] | value}


def strange(label: str = "ganglion") -> dict[str, Any]:
    return drawn(PSOAS, polygonlabels=[label], id="strange")


def keypoint(class_id: int) -> dict[str, Any]:
    value = {"x": 50.0, "y": 50.0, "width": 1.0, "keypointlabels": [LABELS[class_id]]}
    return {"id": "k", "type": "keypointlabels", "from_name": "label", "to_name": "image", "value": value}


def vector(class_id: int) -> dict[str, Any]:
    """A line, which has no area."""
    value = {"vertices": [{"x": 50.0, "y": 50.0}, {"x": 60.0, "y": 50.0}], "vectorlabels": [LABELS[class_id]]}
    return {"id": "v", "type": "vectorlabels", "from_name": "label", "to_name": "image", "value": value}


def configure(round_: Round, old: str, new: str) -> None:
    """Change the workspace's dmr.toml."""
    path = round_.s.workspace.root / "dmr.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    round_.s.workspace = Workspace.at(round_.s.workspace.root)
    round_.s.catalogue.sync_classes(round_.s.workspace.settings.classes)


def ignore_ganglion(round_: Round) -> None:
    configure(round_, "ignore = []", 'ignore = ["ganglion"]')


def add_class(round_: Round) -> None:
    """Give the workspace a class that its project has no label for."""
    path = round_.s.workspace.root / "dmr.toml"
    new = '\n[[class]]\nid = 40\nname = "ganglion"\ncolor = "#123456"\nz = 5\n'
    path.write_text(path.read_text(encoding="utf-8") + new, encoding="utf-8")
    round_.s.workspace = Workspace.at(round_.s.workspace.root)
    round_.s.catalogue.sync_classes(round_.s.workspace.settings.classes)


def truth(round_: Round, place: int = 0) -> Annotation:
    frame = round_.frames[place].frame_id
    return next(i.annotation for i in round_.s.catalogue.labelled_frames() if i.frame.frame_id == frame)


def classes(round_: Round) -> frozenset[int]:
    return frozenset(c.id for c in round_.s.settings.classes.active)


def shown(annotation: Annotation) -> set[int]:
    return {shape.class_id for shape in annotation.shapes}


def without_tick(round_: Round) -> None:
    """Make the project look as an older dmr made it."""
    project = round_.server.studio.projects[0]
    root = ElementTree.fromstring(project["label_config"])
    for beside in list(root.iter()):
        for own in [own for own in beside if own.tag == "Choices"]:
            beside.remove(own)
    project["label_config"] = ElementTree.tostring(root, encoding="unicode")
