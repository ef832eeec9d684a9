"""Every project gets a tool for ellipses, with keys of its own; where somebody took it out, it stays out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from odd_submissions import add_class, drawn
from physician import Physician
from studio_round import PSOAS, Round

from dmr.annotate.studio.interface.config import label_config, read_interface
from dmr.annotate.studio.projects.ellipses import with_ellipses

OLD = """<View><Header value="mine"/><View><PolygonLabels name="poly" toName="image">
<Label value="psoas_major" background="#000001" hotkey="A"/><Label value="stranger"/>
<Label value="lumbar_plexus" background="#000002"/></PolygonLabels><Text name="ellipse" value="$x"/></View>
<Image name="image" value="$image"/></View>"""


def config(round_: Round) -> str:
    return str(round_.server.studio.projects[0]["label_config"])


def labels(config: str, control: str) -> list[str]:
    root = ElementTree.fromstring(config)
    return [str(label.get("value")) for label in root.findall(f".//{control}/Label")]


def take_out(round_: Round) -> None:
    root = ElementTree.fromstring(config(round_))
    parent = next(tag for tag in root.iter() if tag.find("EllipseLabels") is not None)
    parent.remove(next(root.iter("EllipseLabels")))
    round_.server.studio.projects[0]["label_config"] = ElementTree.tostring(root, encoding="unicode")


def forget(round_: Round) -> None:
    """As in a workspace whose project was made by an older dmr."""
    queue = round_.s.catalogue.queue("main")
    assert queue is not None
    round_.s.catalogue.note_ellipses(queue.id, -1)


def test_a_new_project_has_a_key_for_each_class_as_outline_and_as_ellipse(round_: Round) -> None:
    classes = round_.s.settings.classes
    own = label_config(classes)
    assert labels(own, "PolygonLabels") == labels(own, "EllipseLabels")
    keys = [str(label.get("hotkey")) for label in ElementTree.fromstring(own).iter("Label")]
    assert len(set(keys)) == len(keys) == 2 * len(classes.active)
    interface = read_interface(own, classes=classes)
    assert (interface.ellipse, interface.kinds["ellipse"]) == ("ellipse", "ellipselabels")


def test_a_project_of_an_older_dmr_gets_the_tool_once_with_free_keys_and_a_free_name(round_: Round) -> None:
    interface = read_interface(OLD, classes=round_.s.settings.classes)
    made = with_ellipses(OLD, interface)
    root = ElementTree.fromstring(made)
    (ellipses,) = root.iter("EllipseLabels")
    assert (ellipses.get("name"), ellipses.get("toName")) == ("ellipse2", "image")
    assert [dict(label.attrib) for label in ellipses] == [
        {"value": "psoas_major", "background": "#000001", "hotkey": "s"},
        {"value": "lumbar_plexus", "background": "#000002", "hotkey": "d"},
    ]
    assert labels(made, "PolygonLabels") == ["psoas_major", "stranger", "lumbar_plexus"]
    assert read_interface(made, classes=round_.s.settings.classes).ellipse == "ellipse2"


def test_a_push_adds_the_tool_to_a_project_that_never_had_it_and_not_where_it_was_taken_out(round_: Round) -> None:
    round_.push()
    take_out(round_)
    forget(round_)
    report = round_.push()
    assert "New in the project: a tool for ellipses." in report.words
    assert labels(config(round_), "EllipseLabels") == labels(config(round_), "PolygonLabels")
    take_out(round_)
    assert not any("ellipses" in line for line in round_.push().words)
    assert labels(config(round_), "EllipseLabels") == []


def test_a_new_class_gets_its_label_in_both_lists(round_: Round) -> None:
    round_.push()
    add_class(round_)
    round_.push()
    for control in ("PolygonLabels", "EllipseLabels"):
        assert labels(config(round_), control).count("ganglion") == 1
    ellipses = ElementTree.fromstring(config(round_)).findall(".//EllipseLabels/Label")
    assert {label.get("html") for label in ellipses} == {"\u25ef"}, "the names stand beside the circles"


def test_a_project_that_cannot_get_the_tool_yet_gets_it_later(round_: Round, physician: Physician) -> None:
    round_.push()
    take_out(round_)
    forget(round_)
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS, from_name="other")])
    round_.push()
    assert labels(config(round_), "EllipseLabels") == []
    physician.delete(annotation)
    round_.push()
    assert labels(config(round_), "EllipseLabels") != []
