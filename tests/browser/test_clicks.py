"""A letter and a drag in a real browser give the refiner's outline, which is submitted and pulled as it was shown."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import pytest
from browser_page import PATIENCE_MS, Desk, corners, label
from browser_ward import PLEXUS, Ward
from served import add_refiner, served
from studio_loop import painted, said

from dmr.annotate.intake.ingest import load_frame
from dmr.annotate.shapes import Shape
from dmr.model.refine.prompt import Box
from dmr.model.refine.saved import load_refiner

pytestmark = [pytest.mark.studio, pytest.mark.browser]

# What a physician does once in each browser.
AUTO = "[data-testid=bottombar-auto-annotation-toggle]"
ACCEPT = "[data-testid=bottombar-auto-accept-toggle]"
MOST_CHANGED = 2  # pixels: a line that ran through the very middle of one may pass beside it now


def letter(config: str, name: str) -> str:
    """The key of a class's boxes."""
    (boxes,) = [e for e in ElementTree.fromstring(config).iter("RectangleLabels") if e.get("name") == "box"]
    return next(e.get("hotkey", "") for e in boxes if e.get("value") == name)


def asked_with(desk: Desk, start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """Drag a box with Ctrl held, because it begins in an outline; the value of the box that the page sent."""

    def is_answer(response: Any) -> bool:
        return "/interactive-annotating" in response.url

    desk.page.keyboard.down("Control")
    with desk.page.expect_response(is_answer, timeout=PATIENCE_MS) as answer:
        desk.drag(start, end)
    desk.page.keyboard.up("Control")
    (sent,) = json.loads(answer.value.request.post_data or "")["context"]["result"]
    value: dict[str, Any] = sent["value"]
    return value


def test_a_box_becomes_the_refiners_outline_and_is_pulled_as_it_was_shown(ward: Ward) -> None:
    add_refiner(ward.workspace)
    with ward.physician() as physician:
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
        project = physician.project
        with served(ward.workspace.root, connect=True) as running:
            running.wait_for_line("asks this server for drafts now")
            config = physician.ask("GET", f"/api/projects/{project}/")["label_config"]
            with ward.first_desk() as desk:
                desk.label_all(project)
                frame_id = desk.data["frame_id"]
                before = {r["id"]: r for r in desk.regions()}
                (psoas,) = [r for r in before.values() if label(r) == "psoas_major"]
                for switch in (AUTO, ACCEPT):
                    desk.page.locator(switch).click(force=True)
                desk.click(3, 3)  # beside the structures, so that the keys go to the page again

                xs, ys = zip(*corners(psoas), strict=True)
                x, y = sum(xs) / len(xs), sum(ys) / len(ys)
                desk.press(letter(config, "lumbar_plexus"))
                desk.press("m")
                value = asked_with(desk, (x - 30, y - 20), (x + 20, y + 25))
                desk.page.wait_for_function(
                    f"() => window.Htx.annotationStore.selected.regions.length === {len(before) + 1}",
                    timeout=PATIENCE_MS,
                )
                desk.picture("outline-from-a-box")
                held = desk.regions()
                assert desk.submit()["result"] == held
                desk.wait_for_next(frame_id)
            running.wait_for_line("pull: 1 revision added")

    assert {r["id"]: r["value"] for r in held if r["id"] in before} == {i: r["value"] for i, r in before.items()}
    (made,) = [r for r in held if r["id"] not in before]
    assert (made["type"], made["from_name"], label(made)) == ("polygonlabels", "label", "lumbar_plexus")
    with ward.catalogue() as catalogue:
        (record,) = catalogue.frames([frame_id])
        head = catalogue.head(frame_id, me)
    assert head is not None
    frame = load_frame(ward.workspace, record)
    side = (record.width / 100, record.height / 100)
    left, top = value["x"] * side[0], value["y"] * side[1]
    box = Box(left, top, left + value["width"] * side[0], top + value["height"] * side[1])
    shapes = load_refiner(ward.workspace, device="cpu").refine(frame, box=box, class_id=PLEXUS)
    assert shapes and said(shapes) != said((Shape(PLEXUS, box.ellipse()),))
    drafts, pulled = ward.drafts(frame_id), head.record.annotation.shapes
    rounded = (replace(s, points=tuple((round(x, 6), round(y, 6)) for x, y in s.points)) for s in shapes)
    assert said(pulled) == said((*drafts, *rounded)), "a drawn corner is kept to a millionth of a pixel"
    changed = (painted(pulled) != painted((*drafts, *shapes))).sum()
    assert changed <= MOST_CHANGED
