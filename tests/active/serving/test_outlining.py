"""A box in Label Studio is answered with an outline, clicks change it, and nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import Served, add_refiner, served
from studio_round import HEIGHT, PSOAS, WIDTH

from dmr.active.serving import outlining
from dmr.active.serving.outlining import Outliner
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.intake.ingest import load_frame
from dmr.annotate.shapes import Shape
from dmr.annotate.studio.interface.config import label_config
from dmr.annotate.workspace import Workspace
from dmr.model.network.checkpoint import WEIGHTS
from dmr.model.refine.prompt import Box, Click
from dmr.model.refine.saved import load_refiner

BOX = {"x": 25.0, "y": 20.0, "width": 50.0, "height": 60.0, "rotation": 0}
HERE = Box(0.25 * WIDTH, 0.2 * HEIGHT, 0.75 * WIDTH, 0.8 * HEIGHT)


@pytest.fixture
def live(workspace: Workspace) -> Iterator[Served]:
    """The server of a workspace with a refiner."""
    add_refiner(workspace)
    with served(workspace.root) as running:
        yield running


def box(label: str = "psoas_major", **change: Any) -> dict[str, Any]:
    """A box as the page sends it."""
    value = BOX | change | {"rectanglelabels": [label]}
    return {"type": "rectanglelabels", "from_name": "box", "to_name": "image", "image_rotation": 0, "value": value}


def click(x: float, y: float, *, inside: bool = True, label: str = "psoas_major") -> dict[str, Any]:
    """A click as the page sends it, in percent."""
    value = {"x": x, "y": y, "width": 0.3, "keypointlabels": [label]}
    return {"type": "keypointlabels", "from_name": "click", "to_name": "image", "is_positive": inside, "value": value}


def request(running: Served, frame: str, results: object, *, task: int = 1) -> dict[str, Any]:
    """The body of a smart tool's request."""
    body = running.request([frame])
    body["tasks"][0]["id"] = task
    return body | {"params": {"login": None, "password": None, "context": {"result": results}}}


def ask(running: Served, frame: str, *results: object, task: int = 1) -> list[dict[str, Any]]:
    """The regions with which the server answers."""
    answer = running.http.post("/predict", json=request(running, frame, list(results), task=task))
    assert answer.status_code == 200, answer.text
    (only,) = answer.json()["results"]
    regions: list[dict[str, Any]] = only["result"]
    return regions


def points(region: dict[str, Any]) -> list[tuple[float, float]]:
    """An outline in pixels."""
    return [(round(x * WIDTH / 100, 6), round(y * HEIGHT / 100, 6)) for x, y in region["value"]["points"]]


def expected(
    workspace: Workspace, frame: FrameRecord, *, at: Box = HERE, clicks: Sequence[Click] = ()
) -> list[tuple[float, float]]:
    """What the refiner itself says."""
    refiner = load_refiner(workspace, device="cpu")
    (shape,) = refiner.refine(load_frame(workspace, frame), box=at, class_id=PSOAS, clicks=clicks)
    return [(round(x, 6), round(y, 6)) for x, y in shape.points]


def test_a_box_becomes_the_refiners_outline_with_the_polygons_label(live: Served, frames: list[FrameRecord]) -> None:
    (region,) = ask(live, frames[0].frame_id, box())
    assert points(region) == expected(live.workspace, frames[0])
    assert (region["type"], region["from_name"], region["to_name"]) == ("polygonlabels", "label", "image")
    assert region["value"]["polygonlabels"] == ["psoas_major"]
    assert [line for line in live.lines if line.startswith("boxes: 1 outline, ")]


def test_a_click_changes_the_last_boxs_outline_and_keeps_its_id(live: Served, frames: list[FrameRecord]) -> None:
    frame = frames[0].frame_id
    (region,) = ask(live, frame, box())
    (clicked,) = ask(live, frame, click(30, 30))
    first, second = Click(0.3 * WIDTH, 0.3 * HEIGHT), Click(0.7 * WIDTH, 0.7 * HEIGHT, inside=False)
    assert points(clicked) == expected(live.workspace, frames[0], clicks=[first])
    assert clicked["id"] == region["id"], "so that it takes the outline's place"
    both = expected(live.workspace, frames[0], clicks=[first, second])
    alone = ask(live, frame, click(70, 70, inside=False))  # each click comes alone, or all of them come each time
    assert points(alone[0]) == both
    assert points(ask(live, frame, click(30, 30), click(70, 70, inside=False))[0]) == both
    assert points(ask(live, frame, click(30, 30))[0]) == points(clicked), "the other one was taken back"


def test_a_click_belongs_to_the_box_of_its_task_class_and_place(live: Served, frames: list[FrameRecord]) -> None:
    frame = frames[0].frame_id
    assert ask(live, frame, click(30, 30)) == [], "nobody drew a box"
    ask(live, frame, box())
    assert ask(live, frame, click(30, 30, label="lumbar_plexus")) == []
    assert ask(live, frame, click(30, 30), task=2) == []
    left, right = ask(live, frame, box(width=20.0), box(x=60.0, width=20.0))
    assert left["id"] != right["id"]
    again = ask(live, frame, click(65, 40))
    assert points(again[0]) == points(left), "the click is nearer to the other box"
    assert [r["id"] for r in again] == [left["id"], right["id"]]


def test_what_is_remembered_is_bounded_and_forgotten(workspace: Workspace, frames: list[FrameRecord]) -> None:
    now = [0.0]
    outliner = Outliner(workspace.root, device="cpu", log=lambda _: None, clock=lambda: now[0])

    def asked(task: int, result: dict[str, Any]) -> list[Any]:
        tasks = [{"id": task, "data": {"frame_id": frames[0].frame_id}}]
        config = label_config(workspace.settings.classes)
        (answer,) = outliner.answer(tasks, config=config, params={"context": {"result": [result]}})
        found: list[Any] = answer["result"]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlining, "MOST_BOXES", 3)
        for task in range(1, 6):
            assert asked(task, box())
    assert [bool(asked(task, click(30, 30))) for task in range(1, 6)] == [False, False, True, True, True]
    now[0] = outlining.KEPT_S + 1
    assert not asked(5, click(30, 30))


def test_a_turned_box_counts_as_the_box_around_it(live: Served, frames: list[FrameRecord]) -> None:
    # Turned by 90 degrees about its first corner, a box lies to the left of it; its sides are lengths in pixels.
    x, y, w, h = 0.5 * WIDTH, 0.2 * HEIGHT, 0.4 * WIDTH, 0.5 * HEIGHT
    (region,) = ask(live, frames[0].frame_id, box(x=50.0, y=20.0, width=40.0, height=50.0, rotation=90))
    assert points(region) == expected(live.workspace, frames[0], at=Box(x - h, y, x, y + w))


@pytest.mark.parametrize(
    "results",
    [
        [],
        [None],
        [{}],
        [box("nobody's")],
        [box(width=0.0)],
        [box(x="1")],
        [box(x=True)],
        [box(height=1e9)],
        [box() | {"image_rotation": 90}],
        [box() | {"value": None}],
        [box() | {"type": "brushlabels"}],
        [click(1, 1) | {"value": {"keypointlabels": ["psoas_major"], "x": None, "y": 2}}],
    ],
    ids=str,
)
def test_what_is_no_box_gets_an_empty_answer(results: list[Any], live: Served, frames: list[FrameRecord]) -> None:
    answer = live.http.post("/predict", json=request(live, frames[0].frame_id, results))
    assert answer.status_code == 200
    assert [r["result"] for r in answer.json()["results"]] == [[]]
    assert not [line for line in live.lines if "bug" in line]


def test_a_box_far_beyond_the_frame_takes_no_memory(live: Served, frames: list[FrameRecord]) -> None:
    began = time.perf_counter()
    ask(live, frames[0].frame_id, box(x=-900.0, y=-900.0, width=1000.0, height=1000.0))
    assert time.perf_counter() - began < 2


def test_a_frame_in_quarantine_and_a_strange_one_get_an_empty_answer(
    live: Served, frames: list[FrameRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(live, "x" * 8, box()) == []
    assert ask(live, "", box()) == []
    monkeypatch.setattr(FrameRecord, "may_leave", property(lambda _: False))
    assert ask(live, frames[0].frame_id, box()) == []


def test_without_a_refiner_the_ellipse_answers_and_a_new_one_is_taken_at_once(
    workspace: Workspace, frames: list[FrameRecord]
) -> None:
    with served(workspace.root) as running:
        (region,) = ask(running, frames[0].frame_id, box())
        shape = Shape(PSOAS, tuple(points(region)))
        ellipse = polygons_to_mask([shape], height=HEIGHT, width=WIDTH)
        area = np.pi * HERE.width * HERE.height / 4
        assert abs(ellipse.sum() - area) < 0.1 * area
        add_refiner(workspace)
        (after,) = ask(running, frames[0].frame_id, box())
        assert points(after) == expected(workspace, frames[0]) != points(region)


def test_a_damaged_refiner_is_told_once_and_the_one_before_answers(live: Served, frames: list[FrameRecord]) -> None:
    (before,) = ask(live, frames[0].frame_id, box())
    add_refiner(live.workspace, seed=2)
    weights = live.workspace.models_folder / "refine-2" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    for _ in range(3):
        assert points(ask(live, frames[0].frame_id, box())[0]) == points(before)
    assert sum(line.startswith("boxes: Error: ") for line in live.lines) == 1


def test_a_picture_that_is_gone_gives_an_empty_answer_and_a_line(live: Served, frames: list[FrameRecord]) -> None:
    live.workspace.absolute(frames[0].path).unlink()
    assert ask(live, frames[0].frame_id, box()) == []
    assert [line for line in live.lines if line.startswith("boxes: Error: ")]


def test_nothing_is_written(live: Served, frames: list[FrameRecord]) -> None:
    live.wait_for(lambda: live.turns.done or any("pull" in line for line in live.lines))

    def kept() -> dict[Path, bytes]:
        files = live.workspace.root.rglob("*")
        return {p: p.read_bytes() for p in files if p.is_file() and p.suffix not in (".sqlite-wal", ".sqlite-shm")}

    before = kept()
    ask(live, frames[0].frame_id, box())
    ask(live, frames[0].frame_id, click(30, 30))
    assert kept() == before


def test_a_frame_that_is_opened_is_no_box(live: Served, frames: list[FrameRecord]) -> None:
    (answer,) = live.ask([frames[0].frame_id])
    assert answer["model_version"] == "v1-live"
