"""Random JSON in each place of a task: the other tasks are taken, and nothing that was drawn is called absent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from odd_json import JSON, Path, places, replaced
from physician import Physician, region, tick
from studio_round import HEIGHT, PSOAS, WIDTH, Round, box

from dmr.annotate.studio.answers.reading import read_annotation, read_regions, read_task
from dmr.annotate.studio.answers.records import OddAnswer

DRAWN = region("psoas_major", [(4.0, 4.0), (30.0, 4.0), (30.0, 30.0)], height=HEIGHT, width=WIDTH)
ANNOTATION = {
    "id": 5,
    "task": 1,
    "completed_by": 1,
    "updated_at": "2026-01-31T08:00:00Z",
    "lead_time": 3.5,
    "was_cancelled": False,
    "parent_prediction": 2,
    "parent_annotation": None,
    "result": [DRAWN, {"id": "c", "type": "choices", "value": {"choices": ["poor"]}}, tick()],
}
TASK = {
    "id": 1,
    "data": {"image": "/data/x.png", "frame_id": "f", "rank": 1, "reason": "unsure"},
    "annotations": [ANNOTATION, ANNOTATION | {"id": 6}],
    "predictions": [{"id": 2, "model_version": "v1-a", "result": [DRAWN]}],
}


@given(path=st.sampled_from([p for p in places(TASK) if p != ("id",)]), odd=JSON)
def test_a_task_with_an_odd_value_is_read_and_its_other_annotation_stands(path: Path, odd: Any) -> None:
    task = read_task(replaced(TASK, path, odd))
    if path[:2] != ("annotations", 0) and path != ("annotations",):
        assert task.annotations[0].problem == ""
        assert task.annotations[0] == read_task(TASK).annotations[0]
    for annotation in task.annotations:
        assert annotation.problem == "" or annotation.regions == ()


@given(path=st.sampled_from(list(places(ANNOTATION))), odd=JSON)
@example(path=("result", 1, "value"), odd=True)
def test_an_annotation_with_an_odd_value_has_a_problem_or_all_that_was_drawn(path: Path, odd: Any) -> None:
    annotation = read_annotation(replaced(ANNOTATION, path, odd))
    emptied = path == ("result",) and odd in (None, [])
    renamed = path == ("result", 0, "type") and odd == "choices"
    if not (annotation.problem or annotation.is_skipped or emptied or renamed):
        assert annotation.regions


@given(JSON)
def test_what_is_no_region_is_told_or_passed_over(odd: Any) -> None:
    try:
        regions = read_regions([DRAWN, odd])
    except OddAnswer:
        assert not isinstance(odd, dict)
    else:
        assert len(regions) == 2


def test_whatever_one_task_holds_the_others_are_pulled(
    round_: Round, physician: Physician, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = physician.tasks()
    physician.submit(first, [DRAWN])
    sound = physician.submit(second, [DRAWN])
    studio, frames = round_.server.studio, round_.frames
    whole = studio.full
    changed: list[tuple[Path, Any]] = []
    emptied: set[str] = set()
    tried = iter(range(10**6))

    def full(task: dict[str, Any]) -> dict[str, Any]:
        answer = whole(task)
        return replaced(answer, *changed[-1]) if task["id"] == first["id"] and changed else answer

    monkeypatch.setattr(studio, "full", full)
    inside = [p for p in places(whole(studio.tasks[0])) if p[0] in ("data", "annotations", "predictions")]

    @settings(max_examples=80, suppress_health_check=[HealthCheck.differing_executors])
    @given(path=st.sampled_from(inside), odd=JSON)
    @example(path=("annotations", 0, "updated_at"), odd="0001-01-01T00:00:00+14:00")
    @example(path=("annotations", 0, "result", 0, "original_width"), odd=None)
    @example(path=("annotations", 0, "result", 0, "value", "points", 0, 0), odd=1e308)
    @example(path=("data", "frame_id"), odd="\ud800")
    @example(path=("annotations", 0, "id"), odd=2**63)
    def pulled(path: Path, odd: Any) -> None:
        if path == ("annotations", 0, "id") and odd == sound:
            return  # the server gives no number twice
        changed.append((path, odd))
        points = box(2.0, 2.0, 10 + next(tried) / 1000)
        physician.update(sound, [region("psoas_major", list(points), height=HEIGHT, width=WIDTH)])
        report = round_.pull()
        record = round_.s.catalogue.newest_revisions()[frames[1].frame_id]
        (shape,) = record.record.annotation.shapes
        assert shape.class_id == PSOAS
        assert shape.points[2] == pytest.approx(points[2])
        assert all("\n" not in line for line in report.failures)
        empty = {r.sha256 for r in round_.s.catalogue.heads(frames[0].frame_id) if not r.record.annotation.shapes}
        if path[-1:] == ("result",) and odd in (None, []):
            emptied.update(empty)
        assert empty <= emptied

    pulled()
