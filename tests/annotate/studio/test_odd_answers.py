"""Odd values in what Label Studio answers: told in one line each, and whatever is sound is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_server import PAGE, FakeServer
from fake_studio import OWNER
from physician import Physician
from studio_round import FRAMES, PSOAS, Round

from dmr.annotate.errors import StudioError
from dmr.annotate.formats.labelme import SHAPES_IGNORED
from dmr.annotate.studio.answers.reading import read_annotation, read_data, read_task
from dmr.annotate.studio.answers.records import OddAnswer, TaskData
from dmr.annotate.studio.server.client import StudioClient

CORNERS = [[1.0, 1.0], [50.0, 1.0], [50.0, 50.0]]


def drawn(**changes: Any) -> dict[str, Any]:
    value = {"points": CORNERS, "closed": True, "polygonlabels": ["psoas_major"]}
    whole = {"id": "r", "type": "polygonlabels", "original_width": 64, "original_height": 48, "image_rotation": 0}
    own = {k: v for k, v in changes.items() if k in value}
    return whole | {k: v for k, v in changes.items() if k not in value} | {"value": value | own}


ODD = {
    "null": ({"result": [drawn(points=[[1, 1], [None, 2], [3, 3]])]}, "a corner that is no number"),
    "no class": ({"result": [drawn(polygonlabels=["Knochen"])]}, "the label 'Knochen' is no class"),
    "no time": ({"updated_at": "yesterday"}, 'its updated_at is "yesterday"'),
    "no number": ({"id": None}, "its id is null"),
}


@pytest.mark.parametrize(("change", "told"), ODD.values(), ids=ODD)
def test_an_odd_annotation_is_named_the_others_are_taken_and_the_next_pull_tries_again(
    change: dict[str, Any], told: str, round_: Round, physician: Physician
) -> None:
    odd, sound, *_ = physician.tasks()
    physician.submit(odd, [drawn()])
    physician.submit(sound, physician.draft_of(sound))
    own = round_.server.studio.annotations[0]
    before = dict(own)
    own.update(change)
    for _ in range(2):
        report = round_.pull()
        (line,) = report.failures
        assert told in line
        assert f"of frame {round_.frames[0].frame_id}" in line
        assert f"Correct it in task {odd['id']} and pull again" in line
    assert set(round_.s.catalogue.newest_revisions()) == {round_.frames[1].frame_id}
    own.update(before)
    assert round_.pull().counts["revisions added"] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"result": [drawn(), None]}, "a result in it is null", id="a null for a region"),
        pytest.param({"result": "none"}, 'its result is "none"', id="a text for regions"),
        pytest.param({"updated_at": "2026-01-31T08:00:00"}, "its updated_at is", id="a time without a zone"),
        pytest.param({"updated_at": None}, "its updated_at is null", id="null for a time"),
        pytest.param({"lead_time": "long"}, 'its lead_time is "long"', id="a text for seconds"),
        pytest.param({"completed_by": "me"}, 'its id is "me"', id="a text for an author"),
        pytest.param({"completed_by": {}}, "its id is null", id="an author without a number"),
        pytest.param({"parent_annotation": "first"}, 'its parent_annotation is "first"', id="a text for a parent"),
        pytest.param({"parent_prediction": 1.5}, "its parent_prediction is 1.5", id="half a number for a parent"),
        pytest.param({"id": True}, "its id is true", id="a truth value for a number"),
    ],
)
def test_an_odd_value_of_an_annotation_is_its_problem(change: dict[str, Any], told: str) -> None:
    sound = {"id": 1, "completed_by": 1, "updated_at": "2026-01-31T08:00:00Z", "result": [drawn()]}
    assert read_annotation(sound).problem == ""
    assert told in read_annotation(sound | change).problem


def test_an_annotation_that_is_no_object_is_named(round_: Round, physician: Physician) -> None:
    tasks = [round_.server.studio.full(t) for t in round_.server.studio.tasks]
    body = {"total": 1, "tasks": [tasks[0] | {"annotations": [None]}]}
    short = {"total": FRAMES, "tasks": [{"id": t["id"], "data": t["data"]} for t in tasks]}
    round_.server.fail("GET", "/api/tasks", status=200, body=short)
    round_.server.fail("GET", "/api/tasks", status=200, body=body)
    (line,) = round_.pull().failures
    assert "its id is null" in line


def test_what_is_odd_in_a_skipped_task_does_not_matter(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [None], was_cancelled=True, lead_time="long")  # type: ignore[list-item]
    report = round_.pull()
    assert report.failures == []
    assert report.counts["skipped"] == 1


def test_an_odd_correction_leaves_what_was_pulled_before(round_: Round, physician: Physician) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn()])
    round_.pull()
    physician.update(annotation, [drawn(points=[[1, None]])])
    assert len(round_.pull().failures) == 1
    head = round_.s.catalogue.head(round_.frames[0].frame_id, OWNER)
    assert head is not None and not head.withdrawn
    assert {s.class_id for s in head.record.annotation.shapes} == {PSOAS}


def test_an_odd_region_with_an_ignored_label_is_left_out_and_counted(round_: Round, physician: Physician) -> None:
    settings = round_.s.workspace.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("ignore = []", 'ignore = ["artefact"]'), encoding="utf-8")
    round_.s.workspace = type(round_.s.workspace).at(round_.s.workspace.root)
    assert round_.s.settings.imports.ignores("artefact")
    physician.submit(physician.tasks()[0], [drawn(), drawn(polygonlabels=["artefact"], points=[[None, 1]])])
    report = round_.pull()
    assert report.failures == []
    assert report.counts[SHAPES_IGNORED] == 1


def test_an_annotation_that_is_nested_too_deep_to_look_through_is_refused_alone() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    annotation = read_annotation({"id": 3, "updated_at": "2026-01-31T08:00:00Z", "result": [drawn(), deep]})
    assert "a result in it is" in annotation.problem
    assert annotation.id == 3


def test_nothing_of_an_unknown_label_gets_into_the_workspace(round_: Round, physician: Physician) -> None:
    refused, taken, *_ = physician.tasks()
    physician.submit(refused, [drawn(polygonlabels=["Müller Hans"])])
    physician.submit(taken, [drawn()])
    round_.pull()
    files = [path for path in round_.s.workspace.root.rglob("*") if path.is_file()]
    assert len(files) > 10
    for name in ("Müller", json.dumps("Müller")[1:-1]):
        assert [path for path in files if name.encode() in path.read_bytes()] == []


def test_an_author_is_a_number_in_lists_and_an_object_elsewhere() -> None:
    sound = {"id": 1, "result": [], "updated_at": "2026-01-31T08:00:00.5Z"}
    assert read_annotation(sound | {"completed_by": 7}).user == 7
    assert read_annotation(sound | {"completed_by": {"id": 7, "email": "x"}}).user == 7
    assert read_annotation(sound | {"completed_by": None}).user == 0
    assert read_annotation(sound).at == "2026-01-31T08:00:00.500000Z"


@pytest.mark.parametrize("data", [None, [], "x", {"frame_id": 3, "image": None, "rank": "1", "reason": []}])
def test_a_task_whose_data_somebody_changed_is_none_of_ours(data: Any) -> None:
    assert read_data(data) == TaskData()


def test_a_task_without_a_number_is_no_answer_of_label_studio() -> None:
    with pytest.raises(OddAnswer, match="its id is null"):
        read_task({"data": {}})
    task = read_task({"id": 3, "data": {}, "predictions": [{"id": 5, "model_version": "v1-a"}, {"id": None}, None]})
    assert task.versions == {5: "v1-a"}


def test_a_task_with_changed_data_is_not_touched_by_pull_and_gets_its_rank_back_by_push(round_: Round) -> None:
    round_.push()
    round_.server.studio.tasks[1]["data"]["rank"] = "first"
    round_.server.studio.tasks[2]["data"] = {"image": "/data/x.png"}
    assert round_.pull().oddities != {}
    report = round_.push(round_.outgoing()[::-1])
    assert report.counts["tasks added"] == 1, "the frame of the task that lost it"
    assert round_.server.studio.tasks[1]["data"]["rank"] == 3


CALLS: dict[str, tuple[str, Callable[[StudioClient], object]]] = {
    "whoami": ("/whoami", lambda c: c.whoami()),
    "users": ("/users/", lambda c: c.users()),
    "version": ("/version/", lambda c: c.version()),
    "project": ("/projects/1/", lambda c: c.project(1)),
    "projects": ("/projects/", lambda c: c.find_project("x")),
    "tasks": ("/tasks", lambda c: list(c.tasks(1))),
    "annotated tasks": ("/tasks", lambda c: list(c.annotated_tasks(1))),
    "drafts": ("/tasks", lambda c: c.drafts(1)),
    "annotation": ("/annotations/1/", lambda c: c.task_of(1)),
    "model versions": ("/model-versions/", lambda c: c.model_versions(1)),
    "views": ("/views/", lambda c: c.ensure_view(1, title="t", ordering="o", shown=("a",))),
    "columns": ("/columns/", lambda c: c.ensure_view(1, title="t", ordering="o", shown=("a",))),
}


@pytest.mark.parametrize("body", [PAGE, "", "nul", b"\xff\xfe{"], ids=["page", "nothing", "half a word", "no text"])
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_is_no_json_is_told_in_one_line(
    call: str, body: str | bytes, client: StudioClient, server: FakeServer
) -> None:
    path, ask = CALLS[call]
    server.fail("GET", path, status=200, body=body)
    with pytest.raises(StudioError, match="does not answer as Label Studio does"):
        ask(client)


@pytest.mark.parametrize("body", [[], [3], {"detail": "x"}, 3], ids=["empty list", "list", "object", "number"])
@pytest.mark.parametrize("call", sorted(set(CALLS) - {"version", "users", "projects", "views", "columns"}))
def test_an_answer_of_another_shape_is_told_in_one_line(
    call: str, body: Any, client: StudioClient, server: FakeServer
) -> None:
    path, ask = CALLS[call]
    server.fail("GET", path, status=200, body=body)
    with pytest.raises(StudioError, match="does not answer as Label Studio does"):
        ask(client)
