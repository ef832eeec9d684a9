"""Submissions without an outline: taken where somebody meant them, held and named where it may be a slip."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_studio import OWNER
from odd_submissions import classes, drawn, shown, truth, vector
from physician import Physician, tick
from studio_round import PLEXUS, PSOAS, Round

from dmr.annotate.overview.overview import overview
from dmr.annotate.report import Report
from dmr.annotate.studio.answers.raw import is_tick, raw_json
from dmr.annotate.studio.answers.reading import read_annotation
from dmr.annotate.studio.pulling.bare import CONTRADICTS, HELD
from dmr.annotate.studio.pulling.pull import pull

NEW = "new@ward.example"


def counts(round_: Round) -> dict[str, int]:
    overview(round_.s)
    return {k: v for k, v in round_.s.catalogue.counts().items() if v and ("submitted" in k or "Studio" in k)}


def pulled(round_: Round, *, take_empty: tuple[str, ...] = ()) -> Report:
    round_.s.report = Report("pull")
    pull(round_.s, round_.client, take_empty=take_empty)
    return round_.s.report


def test_what_was_submitted_empty_without_the_tick_asserts_nothing_and_is_named_at_each_pull(
    round_: Round, physician: Physician
) -> None:
    one, two, *_ = physician.tasks()
    physician.submit(one, [])
    physician.submit(two, [], parent_prediction=None)
    places = {f"{task['data']['frame_id']} in task {task['id']}" for task in (one, two)}
    for _ in range(2):
        report = round_.pull()
        assert report.oddities == {HELD: sorted(places)}
        assert report.exit_code == 0
        assert report.counts["revisions added"] == 0
        assert round_.s.catalogue.newest_revisions() == {}
        assert round_.states() == ["pushed"] * 4
        before = round_.s.catalogue.catalogue_hash()
    round_.pull()
    assert round_.s.catalogue.catalogue_hash() == before
    (line,) = [line for line in report.lines() if line.startswith("note:")]
    assert 'without the tick "Nothing to see here"' in line


def test_status_counts_what_is_held_apart_from_what_waits(round_: Round, physician: Physician) -> None:
    one, two, *_ = physician.tasks()
    physician.submit(one, [])
    physician.submit(two, [vector(PSOAS)])
    round_.pull()
    round_.s.report = Report("status")
    assert counts(round_) == {
        "waiting in Label Studio": 2,
        "submitted but not readable": 1,
        "submitted empty, not confirmed": 1,
    }
    assert "1 submitted annotation without outlines waits to be confirmed; see `dmr pull`." in round_.s.report.words


def test_the_tick_says_that_every_class_is_absent(round_: Round, physician: Physician) -> None:
    annotation = physician.submit(physician.tasks()[0], [])
    round_.pull()
    physician.update(annotation, [tick()])
    report = round_.pull()
    assert (report.oddities, report.counts["revisions added"]) == ({}, 1)
    assert (truth(round_).shapes, truth(round_).covered) == ((), classes(round_))
    assert round_.s.catalogue.unread() == []
    assert round_.states()[0] == "labelled"
    (head,) = round_.s.catalogue.heads(round_.frames[0].frame_id)
    assert (head.record.draft_model, head.record.blind) == ("v1", False)
    assert json.loads(round_.s.catalogue.store.get(str(head.record.raw_sha256)))["result"][0]["value"] == {
        "choices": ["Nothing to see here"]
    }


def test_a_tick_beside_outlines_is_told_and_the_outlines_count(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [drawn(PSOAS), tick()])
    assert round_.pull().oddities == {CONTRADICTS: [round_.frames[0].frame_id]}
    assert shown(truth(round_)) == {PSOAS}
    assert round_.pull().oddities == {}


def test_a_second_reader_who_also_submits_nothing_confirms_it_for_both(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [])
    physician.submit(task, [])
    assert HELD in round_.pull().oddities, "the same reader twice is no second reading"
    physician.colleague(NEW).submit(task, [])
    report = round_.pull()
    assert report.oddities == {}
    heads = round_.s.catalogue.heads(round_.frames[0].frame_id)
    assert {head.record.author for head in heads} == {OWNER, NEW}
    assert all(head.record.annotation.covered == classes(round_) for head in heads)
    before = round_.s.catalogue.catalogue_hash()
    round_.pull()
    assert round_.s.catalogue.catalogue_hash() == before


def test_a_second_reader_who_drew_something_does_not_confirm_it(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [])
    physician.colleague(NEW).submit(task, [drawn(PSOAS)])
    report = round_.pull()
    assert report.oddities == {HELD: [f"{round_.frames[0].frame_id} in task 1"]}
    assert (shown(truth(round_)), truth(round_).covered) == ({PSOAS}, classes(round_))


@pytest.mark.parametrize("first", [True, False])
def test_a_second_reader_may_have_ticked(first: bool, round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [tick()] if first else [])
    physician.colleague(NEW).submit(task, [] if first else [tick()])
    assert round_.pull().oddities == {}
    assert len(round_.s.catalogue.heads(round_.frames[0].frame_id)) == 2


def test_the_engineer_who_asked_names_the_frame(round_: Round, physician: Physician) -> None:
    for task in physician.tasks()[:2]:
        physician.submit(task, [])
    round_.pull()
    frame, other = (f.frame_id for f in round_.frames[:2])
    report = pulled(round_, take_empty=(frame,))
    assert (report.oddities, report.failures) == ({HELD: [f"{other} in task 2"]}, [])
    assert truth(round_).covered == classes(round_)
    for _ in range(2):
        report = pulled(round_, take_empty=(frame,))
        assert (report.failures, report.counts["revisions added"]) == ([], 0)


def test_a_frame_without_an_empty_submission_cannot_be_named(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    frame = round_.frames[0].frame_id
    (line,) = pulled(round_, take_empty=(frame,)).failures
    assert line.startswith(f"{frame}: has no submission without outlines.")
    assert shown(truth(round_)) == {PSOAS}


def test_a_correction_that_deletes_all_puts_what_was_drawn_in_doubt_until_it_is_ticked(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    physician.update(annotation, [])
    assert HELD in round_.pull().oddities
    assert shown(truth(round_)) == {PSOAS}, "the outlines stay"
    assert truth(round_).covered == classes(round_) - {PSOAS}
    assert round_.states()[0] == "labelled"
    physician.update(annotation, [tick()])
    round_.pull()
    assert (truth(round_).shapes, truth(round_).covered) == ((), classes(round_))


def test_what_its_author_draws_later_takes_its_place(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [])
    physician.submit(task, [drawn(PLEXUS)])
    for _ in range(2):
        assert round_.pull().oddities == {}
        assert shown(truth(round_)) == {PLEXUS}
        assert round_.s.catalogue.unread() == []


def test_what_is_held_and_then_deleted_or_skipped_is_forgotten(round_: Round, physician: Physician) -> None:
    deleted, skipped = (physician.submit(task, []) for task in physician.tasks()[:2])
    round_.pull()
    physician.delete(deleted)
    physician.ask("PATCH", f"/api/annotations/{skipped}/", json={"was_cancelled": True})
    assert round_.pull().oddities == {}
    assert round_.s.catalogue.unread() == []
    assert round_.states()[:2] == ["pushed", "skipped"]


def test_what_an_older_dmr_took_stays_as_it_is(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [tick()])
    round_.pull()
    physician.submit(task, [])  # its author has said so before
    assert round_.pull().oddities == {}
    assert truth(round_).covered == classes(round_)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "choices", "from_name": "quality", "value": {"choices": ["Nothing to see here"]}},
        {"type": "textarea", "from_name": "nothing", "value": {"choices": ["Nothing to see here"]}},
        {"type": "choices", "from_name": "nothing", "value": {"choices": []}},
        {"type": "choices", "from_name": "nothing", "value": {"choices": "Nothing to see here"}},
        {"type": "choices", "from_name": "nothing", "value": None},
        "nothing",
    ],
)
def test_other_choices_are_no_tick(odd: Any) -> None:
    assert not is_tick(odd)


@pytest.mark.parametrize("chosen", ["Nothing to see here", "Müller, Hans"])
def test_the_tick_is_kept_and_no_other_text(chosen: str) -> None:
    annotation = {"id": 1, "updated_at": "2026-01-31T08:00:00Z", "result": [tick() | {"value": {"choices": [chosen]}}]}
    kept = raw_json(annotation, is_known=lambda _: False)
    assert b"Hans" not in kept
    assert read_annotation(annotation).is_ticked
    assert read_annotation(json.loads(kept)).is_ticked


def test_the_beginning_of_a_frames_id_is_enough_to_take_its_empty_submission(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [])
    round_.pull()
    round_.s.report = Report("pull")
    pull(round_.s, round_.client, take_empty=[task["data"]["frame_id"][:8]])
    assert round_.s.report.counts["revisions added"] == 1
    assert round_.s.report.failures == []
