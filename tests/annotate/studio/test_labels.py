"""A label for a new class, and the annotations that keep Label Studio from taking it."""

from __future__ import annotations

from typing import Any

import pytest
from odd_submissions import add_class
from physician import Physician, region
from studio_round import FRAMES, HEIGHT, WIDTH, Round, box

from dmr.annotate.errors import StudioError


def drawn(**changes: Any) -> dict[str, Any]:
    return region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH) | changes


def config(round_: Round) -> str:
    return str(round_.server.studio.projects[0]["label_config"])


BLOCKING = {
    "an unknown label": (drawn(value={"points": [], "polygonlabels": ["Knoten"]}), "has the label 'Knoten'"),
    "no label": (drawn(value={"points": [], "polygonlabels": []}), "has a region without a label"),
    "null for a label": (drawn(value={"points": [], "polygonlabels": [None]}), "has a region without a label"),
    "no value": (drawn(value=None), "has a region without a label"),
    "another type": (drawn(type="keypointlabels"), "has a region of type 'keypointlabels'"),
    "another image": (drawn(to_name="other"), "has a region on the image 'other'"),
    "another control": (drawn(from_name="other"), "has a region of the control 'other'"),
}


@pytest.mark.parametrize(("odd", "told"), BLOCKING.values(), ids=BLOCKING)
def test_an_annotation_that_keeps_a_new_label_out_is_named_in_one_line_and_all_else_is_sent(
    odd: dict[str, Any], told: str, round_: Round, physician: Physician
) -> None:
    task, fresh = physician.tasks()[0], round_.server.studio.tasks[-1]
    physician.delete_task(fresh)
    number = physician.submit(task, [drawn(), odd])
    before = config(round_)
    add_class(round_)
    round_.draw("v2", left=10.0)
    report = round_.push(round_.outgoing("v2"), model="v2")
    (line,) = report.failures
    assert f"cannot get the label 'ganglion' yet: annotation {number} of task {task['id']} {told}" in line
    assert "Correct or delete that in Label Studio and push again" in line
    assert report.exit_code == 1
    assert config(round_) == before
    assert report.counts["tasks added"] == 1
    assert report.counts["drafts replaced"] == FRAMES - 1
    physician.delete(number)
    assert round_.push(round_.outgoing("v2"), model="v2").failures == []
    assert 'value="ganglion"' in config(round_)


def test_many_such_annotations_are_a_few_and_a_number(round_: Round, physician: Physician) -> None:
    for task in (*physician.tasks(), physician.tasks()[0]):
        physician.submit(task, [BLOCKING["an unknown label"][0]])
    add_class(round_)
    (line,) = round_.push().failures
    assert line.count("has the label 'Knoten'") == 3
    assert "and 2 more" in line


def test_what_surely_keeps_a_label_out_is_named_before_what_may(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    for odd in ("no label", "no value", "no label", "null for a label", "another image"):
        physician.submit(task, [drawn(), BLOCKING[odd][0]])
    add_class(round_)
    (line,) = round_.push().failures
    assert "yet: annotation 5 of task 1 has a region on the image 'other'. Correct" in line


def test_where_no_annotation_shows_why_the_servers_own_words_stand_without_json(round_: Round) -> None:
    round_.push()
    add_class(round_)
    why = {"label_config": ["These labels still exist in annotations or drafts:\nKnoten (1 draft)"]}
    round_.server.fail("PATCH", "/projects/", status=400, body={"validation_errors": why})
    (line,) = round_.push().failures
    assert "label_config: These labels still exist in annotations or drafts: Knoten (1 draft)" in line
    assert "{" not in line
    assert "\n" not in line


def test_another_refusal_of_the_labels_ends_the_push(round_: Round) -> None:
    round_.push()
    add_class(round_)
    round_.server.fail("PATCH", "/projects/", status=403, body={"detail": "No."}, times=3)
    with pytest.raises(StudioError, match="may not see or change the labelling interface"):
        round_.push()
