"""The tool for boxes is added to a project's labelling interface and taken out again; all else stays as it was."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import pytest
from fake_server import FakeServer

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import StudioError
from dmr.annotate.settings.template import SHAMROCK_CLASSES
from dmr.annotate.studio.interface.config import INSTRUCTIONS as OURS
from dmr.annotate.studio.interface.config import label_config, read_interface
from dmr.annotate.studio.interface.smart import INSTRUCTIONS, has_smart, with_smart, without_smart
from dmr.annotate.studio.projects.backend import Backend, connect_backend
from dmr.annotate.studio.projects.queues import with_labels
from dmr.annotate.studio.projects.tools import connect_tool, disconnect
from dmr.annotate.studio.server.client import StudioClient

CLASSES = Classes(SHAMROCK_CLASSES)
CONFIG = label_config(CLASSES)
HERE = Backend("http://127.0.0.1:9090", "a-secret")
NEW = ClassDef(id=77, name="renal_artery", color="#112233")


def parsed(config: str) -> list[tuple[str, dict[str, str]]]:
    return [(element.tag, element.attrib) for element in ElementTree.fromstring(config).iter()]


def boxes(config: str) -> list[dict[str, str]]:
    """The labels of the tool for boxes."""
    (tool,) = [e for e in ElementTree.fromstring(config).iter("RectangleLabels") if e.get("name") == "box"]
    assert (tool.get("toName"), tool.get("smart"), tool.get("smartOnly")) == ("image", "true", "true")
    return [label.attrib for label in tool]


def test_each_polygon_label_gets_a_box_of_its_colour_with_a_key_of_its_own() -> None:
    config = with_smart(CONFIG)
    (control,) = ElementTree.fromstring(CONFIG).iter("PolygonLabels")
    polygons = [label.attrib for label in control]
    assert [(b["value"], b["background"]) for b in boxes(config)] == [(p["value"], p["background"]) for p in polygons]
    keys = [a["hotkey"] for tag, a in parsed(config) if tag == "Label"]  # for outlines, ellipses and boxes
    assert len(set(keys)) == len(keys) == 3 * len(polygons)
    assert not set("hoemkwprvb") & set(keys), "those keys choose tools"


def test_it_is_added_once_and_nothing_else_changes() -> None:
    config = with_smart(CONFIG)
    assert with_smart(config) == config
    assert (has_smart(config), has_smart(CONFIG)) == (True, False)
    before, now = (read_interface(c, classes=CLASSES) for c in (CONFIG, config))
    assert now == replace(before, kinds={**before.kinds, "box": "rectanglelabels"}, smart=frozenset({"box"}))
    assert parsed(without_smart(config)) == parsed(CONFIG)
    assert without_smart(CONFIG) == CONFIG


def test_somebody_elses_interface_keeps_what_it_has() -> None:
    config = (
        '<View><Image name="a" value="$x"/><PolygonLabels name="p" toName="a"><Label value="é&lt;"/></PolygonLabels>'
    )
    config += '<RectangleLabels name="box" toName="a"><Label value="mine" hotkey="A"/></RectangleLabels></View>'
    with_both = with_smart(config)
    assert '<RectangleLabels name="box" toName="a"><Label value="mine"' in with_both
    added = [a for tag, a in parsed(with_both) if tag == "Label" and "html" in a]
    assert added == [{"value": "é<", "hotkey": "s", "html": "é&lt;", "hint": "é<"}]
    assert parsed(without_smart(with_both)) == parsed(config)


def test_where_each_class_has_a_row_the_boxes_are_one_more_column() -> None:
    polygons = (
        '<View><PolygonLabels name="label" toName="image"><Label value="vein" hotkey="1"/></PolygonLabels></View>'
    )
    circles = (
        '<View><EllipseLabels name="ellipse" toName="image"><Label value="vein" hotkey="a"/></EllipseLabels></View>'
    )
    config = f'<View><View className="dmr-tools">{polygons}{circles}</View><Header value="x"/></View>'
    rows = ElementTree.fromstring(with_smart(config))[0]
    assert [view[-1].tag for view in rows] == ["PolygonLabels", "EllipseLabels", "RectangleLabels"]
    assert [(e.get("value"), e.get("hotkey"), e.get("html")) for e in rows[2][-1]] == [("vein", "s", "&#9634;")]
    assert parsed(without_smart(with_smart(config))) == parsed(config)


def test_a_class_that_is_new_gets_a_box_where_there_are_boxes() -> None:
    assert not has_smart(with_labels(CONFIG, [NEW]))
    labels = boxes(with_labels(with_smart(CONFIG), [NEW]))
    assert [label["value"] for label in labels][-1] == "renal_artery"
    assert len(labels) == len(CLASSES.active) + 1


@pytest.mark.parametrize(("config", "told"), [("<View", "no XML"), ("<View/>", "no PolygonLabels")])
def test_an_interface_that_cannot_be_read_is_refused(config: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with_smart(config)
    assert not has_smart(config)


@pytest.fixture
def project(client: StudioClient) -> int:
    return client.create_project("p", description="", config=CONFIG, instructions=OURS).id


def test_a_project_is_connected_once_and_disconnected_to_what_it_was(
    client: StudioClient, server: FakeServer, project: int
) -> None:
    kept: dict[str, Any] = dict(server.studio.projects[0])
    connect_backend(client, project, HERE)
    assert server.studio.backends[0]["is_interactive"] is True
    assert connect_tool(client, project)
    assert not connect_tool(client, project)
    now = server.studio.projects[0]
    assert now["expert_instruction"] == OURS + INSTRUCTIONS
    assert now["label_config"] == with_smart(CONFIG)
    server.studio.webhooks.append({"id": 9, "project": project, "url": "http://elsewhere/webhook", "headers": {}})
    assert disconnect(client, project, secret="a-secret") == ["backend", "webhook", "tool for boxes"]
    assert (server.studio.backends, [w["id"] for w in server.studio.webhooks]) == ([], [9])
    assert server.studio.projects[0] | {"label_config": ""} == kept | {"label_config": ""}
    assert parsed(server.studio.projects[0]["label_config"]) == parsed(CONFIG)
    assert disconnect(client, project, secret="a-secret") == []


def test_a_backend_that_is_not_interactive_is_put_right(client: StudioClient, server: FakeServer, project: int) -> None:
    connect_backend(client, project, HERE)
    server.studio.backends[0]["is_interactive"] = False  # as an older dmr made it
    assert connect_backend(client, project, HERE)
    assert [b["is_interactive"] for b in server.studio.backends] == [True]


def test_a_box_that_somebody_left_keeps_the_tool_and_says_why(
    client: StudioClient, server: FakeServer, project: int
) -> None:
    connect_tool(client, project)
    told = {"label_config": ['There are 1 annotation(s) created with tag "box", you can\'t remove it']}
    refusal = '{"detail": "Validation error", "validation_errors": ' + str(told).replace("'", '"') + "}"
    server.fail("PATCH", f"/api/projects/{project}/", status=400, body=refusal)
    with pytest.raises(StudioError, match="because an annotation or a draft holds a box"):
        disconnect(client, project, secret="a-secret")
    assert server.studio.projects[0]["label_config"] == with_smart(CONFIG)
