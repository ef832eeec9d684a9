"""What a pull takes: submissions, corrections, skips, deletions; each once, whatever fails on the way."""

from __future__ import annotations

import pytest
from fake_studio import OWNER
from physician import Physician, region, tick
from studio_round import FRAMES, HEIGHT, PSOAS, WIDTH, Round, box, third_page_fails

from dmr.annotate.errors import StudioError
from dmr.annotate.formats.labelme_outlines import CROSSED
from dmr.annotate.studio.pulling.pull import pull

NEW = "new@ward.example"


def history(round_: Round, frame: str) -> list[tuple[str, bool]]:
    return [(r.record.author, r.withdrawn) for r in round_.s.catalogue.history(frame)]


def test_without_a_project_there_is_nothing_to_pull_and_none_is_made(round_: Round) -> None:
    assert pull(round_.s, round_.client) == 0
    assert round_.server.studio.projects == []


def test_an_accepted_draft_comes_back_to_the_last_bit_with_who_when_and_how_long(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    report = round_.pull()
    assert report.counts["revisions added"] == 1
    frame = round_.frames[0].frame_id
    head = round_.s.catalogue.head(frame, OWNER)
    assert head is not None
    record = head.record
    drafted = round_.s.catalogue.latest_predictions("v1")[frame].shapes
    assert {(s.class_id, s.points, s.hole) for s in record.annotation.shapes} == {
        (s.class_id, s.points, s.hole) for s in drafted
    }
    assert record.annotation.covered == {c.id for c in round_.s.settings.classes.active}
    assert (record.origin, record.draft_model, record.blind) == ("studio", "v1", False)
    assert record.lead_time_s == 12.5
    assert record.at == "2026-01-31T08:00:05.000000Z", "after the four predictions"
    assert round_.s.catalogue.store.has(str(record.raw_sha256))
    assert round_.states() == ["labelled", "pushed", "pushed", "pushed"]
    assert (round_.s.workspace.annotations_folder / f"{frame}.json").is_file()


def test_a_pull_that_is_repeated_changes_nothing(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    before = round_.s.catalogue.catalogue_hash()
    round_.server.studio.now()  # the server tells how long ago it was, and that changes
    report = round_.pull()
    assert report.counts["revisions added"] == 0
    assert round_.s.catalogue.catalogue_hash() == before


def test_outlines_that_were_all_deleted_say_that_nothing_is_there_and_whose_draft_it_was(
    round_: Round, physician: Physician
) -> None:
    physician.submit(physician.tasks()[0], [tick()])
    round_.pull()
    (head,) = round_.s.catalogue.heads(round_.frames[0].frame_id)
    assert head.record.annotation.shapes == ()
    assert head.record.draft_model == "v1"


def test_what_was_drawn_on_an_empty_frame_is_blind(round_: Round) -> None:
    round_.push(model=None)
    with round_.physician() as physician:
        drawn = region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)
        physician.submit(physician.tasks()[0], [drawn])
    round_.pull()
    (head,) = round_.s.catalogue.heads(round_.frames[0].frame_id)
    (shape,) = head.record.annotation.shapes
    assert (shape.class_id, shape.points) == (PSOAS, box(4.0, 4.0, 12.0))
    assert head.record.blind


def test_a_skip_is_no_label_and_a_draft_waits(round_: Round, physician: Physician) -> None:
    first, second, *_ = physician.tasks()
    physician.skip(first)
    physician.leave_draft(second, physician.draft_of(second))
    report = round_.pull()
    assert report.counts["skipped"] == 1
    assert report.counts["drafts not submitted yet"] == 1
    assert report.counts["revisions added"] == 0
    assert round_.states() == ["skipped", "pushed", "pushed", "pushed"]


def test_an_outline_that_crosses_itself_is_taken_and_told_once(round_: Round, physician: Physician) -> None:
    eight = region("psoas_major", [(4.0, 4.0), (16.0, 16.0), (16.0, 4.0), (4.0, 16.0)], height=HEIGHT, width=WIDTH)
    physician.submit(physician.tasks()[0], [eight])
    assert round_.pull().oddities == {CROSSED: [round_.frames[0].frame_id]}
    assert round_.pull().oddities == {}


def test_an_outline_on_another_image_of_the_task_does_not_make_its_class_absent(
    round_: Round, physician: Physician
) -> None:
    drawn = region("psoas_major", list(box(4.0, 4.0, 12.0)), height=HEIGHT, width=WIDTH)
    annotation = physician.submit(physician.tasks()[0], [tick()])
    round_.pull()
    physician.update(annotation, [drawn | {"to_name": "other"}])
    assert "drawn on another image of the task, 'other'" in round_.pull().failures[0]
    (labelled,) = round_.s.catalogue.labelled_frames()
    assert PSOAS not in labelled.annotation.covered
    physician.update(annotation, [drawn])
    assert round_.pull().failures == []


def test_a_correction_follows_the_one_before(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    annotation = physician.submit(task, physician.draft_of(task))
    round_.pull()
    physician.update(annotation, physician.draft_of(task)[-1:])
    round_.pull()
    first, second = round_.s.catalogue.history(round_.frames[0].frame_id)
    assert second.previous == first.sha256
    assert {s.class_id for s in second.record.annotation.shapes} == {PSOAS}


def test_a_deletion_is_a_tombstone_and_the_task_waits_again(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    annotation = physician.submit(task, physician.draft_of(task))
    round_.pull()
    physician.delete(annotation)
    assert round_.pull().counts["withdrawn"] == 1
    assert history(round_, round_.frames[0].frame_id) == [(OWNER, True)]
    assert round_.states()[0] == "pushed"
    assert round_.pull().counts["withdrawn"] == 0
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    assert round_.frames[0].frame_id in round_.s.catalogue.newest_revisions()


def test_a_frame_that_is_skipped_after_all_is_withdrawn(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    annotation = physician.submit(task, physician.draft_of(task))
    round_.pull()
    physician.ask("PATCH", f"/api/annotations/{annotation}/", json={"was_cancelled": True})
    report = round_.pull()
    assert (report.counts["withdrawn"], report.counts["skipped"]) == (1, 1)
    assert round_.frames[0].frame_id not in round_.s.catalogue.newest_revisions()


def test_of_two_annotations_by_one_author_the_other_counts_when_the_last_is_deleted(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task)[-1:])
    last = physician.submit(task, [tick()])
    round_.pull()
    physician.delete(last)
    round_.pull()
    newest = round_.s.catalogue.newest_revisions()[round_.frames[0].frame_id]
    assert {s.class_id for s in newest.record.annotation.shapes} == {PSOAS}
    (own,) = round_.server.studio.annotations
    physician.submit(task, physician.draft_of(task)[-1:])  # says the same as the first
    round_.pull()
    physician.delete(own["id"])
    assert round_.pull().counts["withdrawn"] == 0, "another annotation says the same still"


def test_two_authors_are_both_kept_and_flagged(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    physician.colleague(NEW).submit(task, [tick()])
    report = round_.pull()
    assert report.oddities["authors disagree on a frame"] == [round_.frames[0].frame_id]
    assert {author for author, _ in history(round_, round_.frames[0].frame_id)} == {OWNER, NEW}


def test_a_review_of_anothers_annotation_follows_it_and_is_no_conflict(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    first = physician.submit(task, physician.draft_of(task))
    round_.pull()
    physician.colleague(NEW).submit(task, [tick()], parent_annotation=first)
    report = round_.pull()
    assert report.oddities == {}
    own = round_.s.catalogue.head(round_.frames[0].frame_id, OWNER)
    review = round_.s.catalogue.head(round_.frames[0].frame_id, NEW)
    assert own is not None and review is not None
    assert review.record.parent == own.sha256


def test_an_author_whose_account_is_gone_keeps_the_name_or_gets_a_number(round_: Round, physician: Physician) -> None:
    one, two, *_ = physician.tasks()
    other = physician.colleague(NEW)
    annotation = other.submit(one, physician.draft_of(one))
    round_.pull()
    round_.server.studio.users.pop()
    physician.update(annotation, [tick()])
    other.submit(two, [tick()])
    round_.pull()
    assert [author for author, _ in history(round_, round_.frames[0].frame_id)] == [NEW, NEW]
    assert [author for author, _ in history(round_, round_.frames[1].frame_id)] == ["user-2"]


def test_a_task_that_was_deleted_keeps_what_was_pulled_and_is_noted_once(round_: Round, physician: Physician) -> None:
    done, waiting, *_ = physician.tasks()
    physician.submit(done, physician.draft_of(done))
    round_.pull()
    physician.delete_task(done)
    physician.delete_task(waiting)
    report = round_.pull()
    (noted,) = report.oddities.values()
    assert sorted(noted) == sorted(f.frame_id for f in round_.frames[:2])
    assert round_.frames[0].frame_id in round_.s.catalogue.newest_revisions()
    assert round_.states()[:2] == ["gone", "gone"]
    assert round_.pull().oddities == {}


def test_a_number_that_was_given_out_again_is_another_annotation(round_: Round, physician: Physician) -> None:
    one, two, *_ = physician.tasks()
    annotation = physician.submit(one, physician.draft_of(one))
    round_.pull()
    physician.delete(annotation)
    assert physician.submit(two, [tick()]) == annotation
    report = round_.pull()
    assert (report.counts["withdrawn"], report.counts["revisions added"]) == (1, 1)
    assert round_.states()[:2] == ["pushed", "labelled"]


def test_a_number_of_a_task_that_is_gone_does_not_bring_it_back(round_: Round, physician: Physician) -> None:
    one, two, *_ = physician.tasks()
    annotation = physician.submit(one, physician.draft_of(one))
    round_.pull()
    physician.delete_task(one)
    round_.pull()
    assert physician.submit(two, [tick()]) == annotation
    round_.pull()
    assert round_.states()[:2] == ["gone", "labelled"]
    assert round_.frames[0].frame_id in round_.s.catalogue.newest_revisions()


def test_a_number_now_of_a_frame_that_is_none_of_ours_is_a_deletion(round_: Round, physician: Physician) -> None:
    one = physician.tasks()[0]
    annotation = physician.submit(one, physician.draft_of(one))
    round_.pull()
    stranger = {"id": 99, "project": 1, "data": {"image": "/data/x.png"}}
    round_.server.studio.tasks.append(stranger)
    round_.server.studio.annotations[0]["task"] = 99
    report = round_.pull()
    assert report.counts["withdrawn"] == 1
    assert report.oddities["a task that dmr did not push (left alone)"] == ["task 99"]
    assert annotation == 1


def test_an_annotation_that_moved_between_pages_is_asked_for_and_not_withdrawn(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    # Between the two lists somebody submits, and the page comes without the task.
    tasks = [{"id": t["id"], "data": t["data"]} for t in round_.server.studio.tasks]
    round_.server.fail("GET", "/api/tasks", status=200, body={"total": FRAMES, "tasks": tasks})
    round_.server.fail("GET", "/api/tasks", status=200, body={"total": 0, "tasks": []})
    assert round_.pull().counts["withdrawn"] == 0
    assert round_.server.count("GET", "/api/annotations/1/") == 1


def test_an_annotation_that_seemed_deleted_and_is_there_again_counts_again(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    away, round_.server.studio.annotations = round_.server.studio.annotations, []
    assert round_.pull().counts["withdrawn"] == 1
    round_.server.studio.annotations = away  # a backup of the server was restored
    assert round_.pull().counts["revisions added"] == 1
    assert round_.frames[0].frame_id in round_.s.catalogue.newest_revisions()


def test_tasks_of_a_push_that_could_not_write_them_down_are_known_by_their_frame(
    round_: Round, physician: Physician
) -> None:
    queue = round_.s.catalogue.queue("main")
    assert queue is not None
    round_.s.catalogue.drop_queue_tasks(queue.id)
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    assert round_.pull().counts["revisions added"] == 1
    assert round_.states() == ["labelled", "-", "-", "-"]


def test_lists_of_many_pages_are_read_to_the_end(
    round_: Round, physician: Physician, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmr.annotate.studio.server.client._PAGE", 1)
    monkeypatch.setattr("dmr.annotate.studio.server.client._ANNOTATED_PAGE", 1)
    monkeypatch.setattr("dmr.annotate.studio.pulling.pull.BATCH", 2)
    for task in physician.tasks():
        physician.submit(task, physician.draft_of(task))
    assert round_.pull().counts["revisions added"] == FRAMES
    assert round_.states() == ["labelled"] * FRAMES


def test_a_pull_that_broke_in_the_middle_keeps_what_it_had_and_the_next_one_goes_on(
    round_: Round, physician: Physician, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in physician.tasks()[:3]:
        physician.submit(task, physician.draft_of(task))
    with third_page_fails(round_, times=3), pytest.raises(StudioError, match="Label Studio does not answer"):
        round_.pull()
    assert len(round_.s.catalogue.newest_revisions()) == 2
    assert round_.pull().counts["revisions added"] == 1
