"""What was submitted and could not be read: it makes nothing absent, and it is no newer for being read late."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_studio import OWNER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_json import JSON, places, replaced
from odd_submissions import classes, drawn, ignore_ganglion, shown, strange, truth, vector
from physician import Physician, tick
from studio_round import FRAMES, PLEXUS, PSOAS, Round

from dmr.annotate.overview.overview import overview
from dmr.annotate.report import Report
from dmr.annotate.studio.pulling.pull import pull
from dmr.annotate.upkeep.rebuild import rebuild
from dmr.annotate.workspace import Workspace

NEW = "new@ward.example"


def test_an_older_annotation_that_becomes_readable_never_replaces_its_authors_newer_one(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [drawn(PSOAS), strange()])
    physician.submit(task, [drawn(PLEXUS)])
    assert len(round_.pull().failures) == 1
    ignore_ganglion(round_)
    for _ in range(2):
        report = round_.pull()
        assert report.failures == []
        assert report.counts["revisions added"] == 0
        assert shown(truth(round_)) == {PLEXUS}
    head = round_.s.catalogue.head(round_.frames[0].frame_id, OWNER)
    assert head is not None
    assert shown(head.record.annotation) == {PLEXUS}
    assert round_.states()[0] == "labelled"


def test_an_older_annotation_counts_when_the_newer_one_is_deleted(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [drawn(PSOAS, 2.0)])
    physician.submit(task, [drawn(PSOAS), strange()])
    newest = physician.submit(task, [drawn(PLEXUS)])
    round_.pull()
    ignore_ganglion(round_)
    round_.pull()
    physician.delete(newest)
    report = round_.pull()
    assert report.counts["withdrawn"] == 1
    (shape,) = truth(round_).shapes
    assert shape.points[0] == (4.0, 4.0), "the second of the three, which was read last"
    before = round_.s.catalogue.catalogue_hash()
    round_.pull()
    assert round_.s.catalogue.catalogue_hash() == before


def test_a_correction_that_is_read_late_is_newer_than_what_its_author_drew_before_it(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    first = physician.submit(task, [drawn(PSOAS)])
    physician.submit(task, [drawn(PLEXUS)])
    round_.pull()
    physician.update(first, [drawn(PSOAS, 8.0), strange()])
    round_.pull()
    ignore_ganglion(round_)
    round_.pull()
    (shape,) = truth(round_).shapes
    assert (shape.class_id, shape.points[0]) == (PSOAS, (8.0, 4.0))


def test_of_two_authors_the_one_who_drew_first_counts_although_it_is_read_later(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [drawn(PSOAS), strange()])
    physician.colleague(NEW).submit(task, [drawn(PLEXUS)])
    round_.pull()
    ignore_ganglion(round_)
    report = round_.pull()
    assert report.counts["revisions added"] == 1
    assert report.oddities["authors disagree on a frame"] == [round_.frames[0].frame_id]
    assert shown(truth(round_)) == {PSOAS}


def test_a_correction_that_cannot_be_read_makes_its_classes_no_longer_absent_until_it_can_be(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    assert truth(round_).covered == classes(round_)
    physician.update(annotation, [drawn(PSOAS), vector(PLEXUS)])
    (line,) = round_.pull().failures
    assert "a line of 'lumbar_plexus' has no area" in line
    assert "Outline the structure by a polygon, or delete what marks it, in task" in line
    assert truth(round_).covered == classes(round_) - {PLEXUS}
    assert shown(truth(round_)) == {PSOAS}, "the outlines stay"
    physician.update(annotation, [drawn(PSOAS), drawn(PLEXUS)])
    round_.pull()
    assert truth(round_).covered == classes(round_)
    assert shown(truth(round_)) == {PSOAS, PLEXUS}
    assert round_.s.catalogue.unread() == []


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param([strange()], id="an unknown label"),
        pytest.param([drawn(PSOAS, polygonlabels=[])], id="no label"),
        pytest.param([drawn(PSOAS, type=None)], id="no type"),
        pytest.param([None], id="no region"),
        pytest.param("none", id="no list"),
    ],
)
def test_where_nobody_can_tell_which_class_it_is_none_is_absent(odd: Any, round_: Round, physician: Physician) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    physician.update(annotation, odd)
    round_.pull()
    assert truth(round_).covered == frozenset()
    assert shown(truth(round_)) == {PSOAS}


def test_classes_that_were_drawn_anew_or_deleted_beside_what_cannot_be_read_are_not_covered_either(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS), drawn(PLEXUS)])
    round_.pull()
    physician.update(annotation, [drawn(PSOAS, closed=False)])
    round_.pull()
    assert truth(round_).covered == classes(round_) - {PSOAS, PLEXUS}, "the plexus was deleted there"


def test_what_a_colleague_submitted_and_could_not_be_read_takes_away_from_the_frame_too(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [tick()])
    physician.colleague(NEW).submit(task, [vector(PLEXUS)])
    round_.pull()
    assert truth(round_).covered == classes(round_) - {PLEXUS}


def test_what_its_author_has_replaced_since_takes_nothing_away(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [strange()])
    physician.submit(task, [drawn(PSOAS)])
    for _ in range(2):
        assert len(round_.pull().failures) == 1, "it is told all the same"
    assert truth(round_).covered == classes(round_)


def test_what_was_replaced_takes_away_again_when_what_replaced_it_is_deleted(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    physician.submit(task, [vector(PLEXUS)])
    newer = physician.submit(task, [drawn(PSOAS)])
    physician.colleague(NEW).submit(task, [tick()])
    round_.pull()
    assert truth(round_).covered == classes(round_)
    physician.delete(newer)
    round_.pull()
    assert truth(round_).covered == classes(round_) - {PLEXUS}


def test_a_refused_correction_that_is_deleted_skipped_or_ignored_takes_nothing_away_any_more(
    round_: Round, physician: Physician
) -> None:
    one, two, three, *_ = physician.tasks()
    for task in (one, two, three):
        physician.submit(task, [drawn(PSOAS)])
    colleague = physician.colleague(NEW)
    gone, skipped, _ = (colleague.submit(task, [strange()]) for task in (one, two, three))
    round_.pull()
    assert [truth(round_, k).covered for k in range(3)] == [frozenset()] * 3
    physician.delete(gone)
    physician.ask("PATCH", f"/api/annotations/{skipped}/", json={"was_cancelled": True})
    ignore_ganglion(round_)
    round_.pull()
    assert round_.s.catalogue.unread() == []
    assert [truth(round_, k).covered for k in range(2)] == [classes(round_)] * 2


def test_a_deleted_task_leaves_what_could_not_be_read_in_doubt_until_somebody_draws_there(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[0]
    annotation = physician.submit(task, [drawn(PSOAS)])
    round_.pull()
    physician.update(annotation, [vector(PLEXUS)])
    round_.pull()
    physician.delete_task(task)
    for _ in range(2):
        assert round_.pull().failures == []
        assert truth(round_).covered == classes(round_) - {PSOAS, PLEXUS}
    round_.push()
    physician.submit(physician.task(round_.frames[0].frame_id), [drawn(PSOAS)])
    round_.pull()
    assert truth(round_).covered == classes(round_)


def test_what_could_not_be_read_outlives_a_lost_catalogue(round_: Round, physician: Physician, tmp_path: Path) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    physician.update(annotation, [drawn(PSOAS), vector(PLEXUS)])
    round_.pull()
    wanted, root = truth(round_), round_.s.workspace.root
    shutil.copytree(root, tmp_path / "again", ignore=shutil.ignore_patterns("catalogue.sqlite*", ".lock"))
    workspace = Workspace.at(tmp_path / "again")
    rebuild(workspace, report=Report("db rebuild"))
    with workspace.session() as again:
        (item,) = again.catalogue.labelled_frames()
        assert item.annotation == wanted
        assert item.annotation.covered == classes(round_) - {PLEXUS}


def test_a_pull_that_finds_the_same_refusals_changes_nothing(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [strange()])
    round_.pull()
    (before,) = round_.s.catalogue.unread()
    round_.pull()
    assert round_.s.catalogue.unread() == [before], "not even its time"


def test_a_command_that_pulls_twice_tells_each_refusal_and_each_disagreement_once(
    round_: Round, physician: Physician
) -> None:
    refused, disputed, *_ = physician.tasks()
    physician.submit(refused, [strange()])
    for author in (physician, physician.colleague(NEW), physician.colleague("third@ward.example")):
        author.submit(disputed, [drawn(PSOAS, 2.0 + len(round_.server.studio.annotations))])
    round_.s.report = Report("retrain")
    pull(round_.s, round_.client)
    physician.update(2, [drawn(PSOAS, 20.0)])
    pull(round_.s, round_.client)
    assert len(round_.s.report.failures) == 1
    assert round_.s.report.oddities["authors disagree on a frame"] == [round_.frames[1].frame_id]


def test_status_counts_what_was_submitted_and_not_read_apart_from_what_waits(
    round_: Round, physician: Physician
) -> None:
    one, two, *_ = physician.tasks()
    physician.submit(one, [strange()])
    read = physician.submit(two, [drawn(PSOAS)])
    round_.pull()
    counts = round_.s.catalogue.counts()
    assert counts["waiting in Label Studio"] == FRAMES - 2
    assert (counts["submitted but not readable"], counts["frames in doubt"]) == (1, 0)
    physician.update(read, [vector(PLEXUS)])
    round_.pull()
    round_.s.report = Report("status")
    told = overview(round_.s)
    assert "submitted but not readable       2\n" in told
    assert "frames in doubt                  1\n" in told
    assert "2 submitted annotations could not be read; see `dmr pull`." in round_.s.report.words
    ignore_ganglion(round_)
    physician.update(read, [drawn(PSOAS)])
    round_.pull()
    assert round_.s.catalogue.counts()["submitted but not readable"] == 0


def test_whatever_a_correction_holds_no_structure_in_it_is_called_absent(round_: Round, physician: Physician) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    moved = iter(range(10**6))

    @settings(max_examples=60, suppress_health_check=[HealthCheck.differing_executors])
    @given(path=st.sampled_from(list(places(drawn(PLEXUS)))), odd=JSON)
    def corrected(path: tuple[Any, ...], odd: Any) -> None:
        physician.update(annotation, [drawn(PSOAS, 4 + next(moved) / 1000), drawn(PLEXUS)])
        own = round_.server.studio.annotations[0]
        own["result"][1] = replaced(own["result"][1], path, odd)
        report = round_.pull()
        found = truth(round_)
        assert shown(found) == {PSOAS, PLEXUS} or PLEXUS not in found.covered
        if report.failures:
            assert PSOAS not in found.covered, "it was moved in what could not be read"
            physician.update(annotation, [drawn(PSOAS)])
            assert round_.pull().failures == []
            assert (shown(truth(round_)), truth(round_).covered) == ({PSOAS}, classes(round_))

    corrected()
