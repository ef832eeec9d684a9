"""What is kept of an annotation: all that is read, and no text that somebody may have typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_json import JSON, Path, places, replaced
from physician import Physician, region, tick
from studio_round import HEIGHT, WIDTH, Round, box

from dmr.annotate.studio.answers.raw import as_kept_before, raw_json
from dmr.annotate.studio.answers.reading import read_annotation
from dmr.annotate.studio.answers.records import StudioAnnotation
from dmr.annotate.studio.pulling.taking import NOTES

NAME = "Müller Hans"
DRAWN = region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)
NOTE = DRAWN | {"type": "textarea", "from_name": "note", "value": DRAWN["value"] | {"text": [NAME]}}
ANNOTATION: dict[str, Any] = {
    "id": 5,
    "task": 1,
    "completed_by": {"id": 1, "email": NAME},
    "updated_at": "2026-01-31T08:00:00Z",
    "lead_time": 3.5,
    "was_cancelled": False,
    "parent_annotation": None,
    "result": [DRAWN, {"id": "c", "type": "choices", "value": {"choices": [NAME]}}, NOTE, tick()],
}


def is_known(text: str) -> bool:
    return text in ("psoas_major", "lumbar_plexus", "image")


def read(answer: Any) -> StudioAnnotation:
    return read_annotation(answer, is_known=is_known)


def texts(value: Any) -> Iterator[str]:
    """All texts in a value, the names of its keys too."""
    if isinstance(value, dict):
        for name, own in value.items():
            yield from (name, *texts(own))
    elif isinstance(value, list):
        for own in value:
            yield from texts(own)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("odd", [NAME, [NAME], {NAME: NAME}, [[1, NAME]]], ids=json.dumps)
def test_a_name_that_stands_anywhere_is_not_kept(odd: Any) -> None:
    for path in ((), *places(ANNOTATION)):
        answer = replaced(ANNOTATION, path, odd) if path else odd
        assert not any("ller" in text for text in texts(json.loads(read(answer).raw))), path


@pytest.mark.parametrize("path", [(), ("result", 0), ("result", 0, "value"), ("result", 2), ("completed_by",)])
def test_a_name_under_a_key_that_nobody_knows_is_not_kept(path: Path) -> None:
    for odd in (NAME, [NAME], {NAME: NAME}, [[[1, 2], [3, 4]]]):
        answer = replaced(ANNOTATION, (*path, NAME), odd)
        assert not any("ller" in text for text in texts(json.loads(read(answer).raw)))


def test_unknown_labels_are_numbered_as_they_come_and_known_ones_stay() -> None:
    own = replaced(ANNOTATION, ("result", 0, "value", "polygonlabels"), [NAME, "psoas_major", "Meier", NAME])
    kept = json.loads(read(own).raw)["result"][0]
    assert kept["value"]["polygonlabels"] == ["unknown 2", "psoas_major", "unknown 3", "unknown 2"]
    assert kept["id"] == "unknown 1", "what the page or a program called the region"


@given(path=st.sampled_from(list(places(ANNOTATION))), odd=JSON)
def test_two_annotations_that_are_read_otherwise_are_kept_otherwise(path: Path, odd: Any) -> None:
    one, two = read(ANNOTATION), read(replaced(ANNOTATION, path, odd))
    if one.raw != two.raw or two.problem or any(r.problem for r in two.regions):
        return
    assert (two.id, two.user, two.at, two.is_skipped, two.lead_time_s) == (5, 1, one.at, False, 3.5)
    assert two.is_ticked
    assert [(r.labels, r.points, r.width, r.height) for r in two.regions] == [
        (r.labels, r.points, r.width, r.height) for r in one.regions
    ]


@given(JSON)
def test_whatever_is_kept_is_json_and_is_the_same_when_it_is_kept_again(odd: Any) -> None:
    for answer in (odd, ANNOTATION | {"result": [odd]}, ANNOTATION | {"lead_time": odd}):
        kept = raw_json(answer, is_known=is_known)
        assert raw_json(json.loads(kept), is_known=is_known) == kept


def test_what_changes_by_itself_is_left_out() -> None:
    one, two = (read(ANNOTATION | {"created_ago": ago, "parent_prediction": ago}) for ago in (1, 2))
    assert one.raw == two.raw
    assert one.sha256 != read(ANNOTATION | {"lead_time": 1.0}).sha256


def test_nothing_that_was_typed_gets_into_the_workspace_and_the_outlines_are_taken(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    meta = DRAWN | {"meta": {"text": [NAME]}, NAME: NAME}
    physician.submit(task, [meta, *ANNOTATION["result"][1:]])
    report = round_.pull()
    assert report.failures == []
    assert report.oddities[NOTES] == [round_.frames[0].frame_id]
    assert list(round_.s.catalogue.newest_revisions()) == [round_.frames[0].frame_id]
    kept = [round_.s.catalogue.store.get(sha256) for sha256 in round_.s.catalogue.store.hashes()]
    files = [path.read_bytes() for path in round_.s.workspace.root.rglob("*") if path.is_file()]
    assert len(files) > 10
    for name in (NAME, json.dumps(NAME)[1:-1]):
        assert [data for data in (*kept, *files) if name.encode() in data] == []
    assert round_.pull().oddities == {}, "it is told once"


def test_what_was_kept_before_ellipses_were_read_is_known_again() -> None:
    whole = {"id": "drawn", "to_name": "image", "original_width": 50, "original_height": 40}
    ellipse = {"x": 50, "y": 40, "radiusX": 20, "radiusY": 10, "rotation": 30, "ellipselabels": ["psoas_major"]}
    brush = {"format": "rle", "rle": [0, 1], "brushlabels": ["psoas_major"]}
    results = [
        whole | {"type": "ellipselabels", "from_name": "ellipse", "value": ellipse},
        whole | {"type": "brushlabels", "from_name": "brush", "value": brush},
    ]
    place = '"id":"unknown 1","original_height":40,"original_width":50,"to_name":"image"'
    before = (
        f'{{"id":5,"result":[{{"from_name":"unknown 2",{place},"type":"ellipselabels",'
        '"value":{"ellipselabels":["psoas_major"],"further":["unknown 3"]}},'
        f'{{"from_name":"unknown 4",{place},"type":"brushlabels",'
        '"value":{"brushlabels":["psoas_major"],"further":["unknown 5"]}}]}'
    )
    kept = raw_json({"id": 5, "result": results}, is_known=is_known)
    assert json.loads(kept)["result"][0]["value"] == ellipse
    assert json.loads(kept)["result"][1]["value"] == {"rle": [0, 1], "brushlabels": ["psoas_major"]}
    assert as_kept_before(kept, is_known=is_known).decode() == before


def test_what_an_older_dmr_kept_in_full_is_not_read_again(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [DRAWN])
    round_.pull()
    catalogue = round_.s.catalogue
    queue = catalogue.queue("main")
    assert queue is not None
    (seen,) = catalogue.remote_annotations(queue.id).values()
    whole = {k: v for k, v in round_.server.studio.annotations[0].items() if k != "parent_prediction"}
    older = catalogue.store.put(json.dumps(whole, sort_keys=True).encode())
    catalogue.put_remote_annotation(type(seen)(**{n: getattr(seen, n) for n in seen.__slots__} | {"raw_sha256": older}))
    report = round_.pull()
    assert report.counts["unchanged"] == 0
    physician.update(1, [tick()])
    assert round_.pull().counts["revisions added"] == 1
