"""A second reading: another reader, the same draft, and nothing that tells of the first."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fake_studio import OWNER
from physician import Physician, region
from reading_queues import SECOND, add_queue, project_of, push_again, revisions
from studio_round import FRAMES, HEIGHT, PSOAS, WIDTH, Round, box

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.errors import SettingsError
from dmr.annotate.settings.model import QueueSettings, parse_settings
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.studio.pushing.readings import place_by_chance

SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]
Reader = Callable[..., Physician]
QUEUE = f'name = "twice"\npurpose = "second-reading"\nreader = "{SECOND}"\nshare = 1.0'


@pytest.fixture
def read(round_: Round, physician: Physician) -> Round:
    """The owner has read all frames, over the drafts of v1; there is a queue to read them a second time."""
    for task in physician.tasks():
        moved = physician.draft_of(task)
        moved[0]["value"]["points"][0][0] += 2.0
        physician.submit(task, moved)
    round_.pull()
    add_queue(round_, QUEUE)
    return round_


def test_a_second_reader_gets_the_first_readers_draft_and_nothing_that_was_drawn(read: Round, reader: Reader) -> None:
    read.draw("v2", left=12.0)  # a newer model, which the first reader did not see
    report = push_again(read)
    second = reader("twice", SECOND)

    assert report.counts["tasks added"] == FRAMES
    drafts = {p.frame: p for p in read.s.catalogue.latest_predictions("v1").values()}
    for task in second.tasks():
        plexus, psoas = second.draft_of(task)
        assert plexus["value"]["points"][0] == pytest.approx([100 * 40 / WIDTH, 100 * 30 / HEIGHT]), "not as corrected"
        assert psoas["value"]["polygonlabels"] == ["psoas_major"]
        assert task["data"]["reason"].endswith("please correct the draft")
        assert task["data"]["frame_id"] in drafts
    own = [t for t in read.server.studio.tasks if t["project"] == second.project]
    sent = json.dumps(
        [project_of(read, "twice"), own, [p for p in read.server.studio.predictions if p["project"] == second.project]]
    )
    for word in (OWNER, SECOND, "twice", "second", "again", "repeat", "border uncertain"):
        assert word not in sent, word


def test_a_second_reading_is_kept_as_one_and_the_first_stays(read: Round, reader: Reader) -> None:
    push_again(read)
    second = reader("twice", SECOND)
    untouched, drawn, emptied, _ = second.tasks()
    second.submit(untouched, second.draft_of(untouched))
    second.submit(drawn, [*second.draft_of(drawn), region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    second.submit(emptied, second.draft_of(emptied)[:1])
    report = read.pull()

    assert report.counts["revisions added"] == 3
    found = revisions(read, "second")
    assert [r.author for r in found] == [SECOND] * 3
    assert {r.draft_model for r in found} == {"v1"}
    assert not any(r.blind for r in found)
    draft = read.s.catalogue.latest_predictions("v1")[untouched["data"]["frame_id"]]
    assert set(found[0].annotation.shapes) == set(draft.shapes), "to the last bit"
    assert all(r.parent is None for r in found), "no correction of the first reading"
    first = read.s.catalogue.head(untouched["data"]["frame_id"], OWNER)
    assert first is not None
    assert first.record.reading == "first"
    before = read.s.catalogue.catalogue_hash()
    assert read.pull().counts["revisions added"] == 0
    assert read.s.catalogue.catalogue_hash() == before
    assert push_again(read).counts["tasks added"] == 0


def test_a_first_reader_gives_no_second_reading_of_the_same_frame(read: Round, reader: Reader) -> None:
    push_again(read)
    own = reader("twice")
    task = own.tasks()[0]
    number = own.submit(task, own.draft_of(task))
    report = read.pull()

    (line,) = report.failures
    assert "its reader has read the frame first, so it is no second reading. Delete it in task" in line
    assert OWNER not in line
    assert revisions(read, "second") == []
    assert read.s.catalogue.counts()["frames in doubt"] == 0
    own.delete(number)
    assert read.pull().failures == []
    other = reader("twice", SECOND)
    other.submit(task, other.draft_of(task))
    read.pull()
    assert [r.author for r in revisions(read, "second")] == [SECOND]


def test_test_patients_are_read_twice_without_a_draft(round_: Round, physician: Physician, reader: Reader) -> None:
    patient = str(round_.frames[0].patient)
    round_.s.catalogue.assign_splits({patient: ("test", "for this test")})
    for task in physician.tasks():
        physician.submit(task, physician.draft_of(task))
    round_.pull()
    add_queue(round_, QUEUE)
    push_again(round_)
    bare = {t["data"]["frame_id"]: t for t in reader("twice").tasks() if t["predictions"][-1]["result"] == []}

    assert bare.keys() == {f.frame_id for f in round_.frames if f.patient == patient}
    assert {t["data"]["reason"].partition(" ")[2] for t in bare.values()} == {
        "please outline all that you see; if nothing is there, tick below"
    }


def test_a_frame_drawn_from_nothing_is_read_from_nothing_and_is_blind(round_: Round, reader: Reader) -> None:
    round_.push(model=None)
    with round_.physician() as physician:
        task = physician.tasks()[0]
        physician.submit(task, [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    round_.pull()
    add_queue(round_, QUEUE)
    push_again(round_)
    second = reader("twice", SECOND)
    (task,) = second.tasks()
    assert second.draft_of(task) == []
    second.submit(task, [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    round_.pull()

    (found,) = revisions(round_, "second")
    assert (found.blind, found.draft_model) == (True, None)


def test_only_a_share_is_read_twice_and_it_stays_the_same(round_: Round, physician: Physician) -> None:
    queue = QueueSettings("twice", "second-reading", SECOND)
    places = sorted(place_by_chance(queue, f.frame_id) for f in round_.frames)
    add_queue(round_, QUEUE.replace("1.0", str((places[1] + places[2]) / 2)))
    seen: set[str] = set()
    for task in physician.tasks():
        physician.submit(task, physician.draft_of(task))
        round_.pull()
        push_again(round_)
        known = round_.s.catalogue.queue("twice")
        now = set(round_.s.catalogue.queue_tasks(known.id)) if known is not None else set()
        assert seen <= now
        seen = now
    assert len(seen) == 2


def test_chance_spreads_frames_evenly_and_not_alike_for_each_reader() -> None:
    frames = [f"f{k:020x}" for k in range(1000)]
    queues = [QueueSettings("x", "second-reading", mail) for mail in (SECOND, OWNER)]
    drawn = [{f for f in frames if place_by_chance(queue, f) < 0.1} for queue in queues]
    assert all(70 <= len(some) <= 130 for some in drawn)
    assert len(drawn[0] & drawn[1]) < 30
    other = QueueSettings("another name", "second-reading", SECOND)
    assert [place_by_chance(other, f) for f in frames] == [place_by_chance(queues[0], f) for f in frames]


def test_a_reader_does_not_get_what_he_or_she_has_read(read: Round) -> None:
    add_queue(read, f'name = "own"\npurpose = "second-reading"\nreader = "{OWNER.upper()}"\nshare = 1.0')
    push_again(read)
    assert read.s.catalogue.queue("own") is None, "and no project is made for nothing"


def test_frames_that_nobody_looked_at_stay_here(round_: Round) -> None:
    frame = round_.frames[0]
    annotation = Annotation(HEIGHT, WIDTH, (Shape(PSOAS, box(8.0, 8.0, 20.0)),), frozenset({PSOAS}))
    record = RevisionRecord(
        frame=frame.frame_id, rendition=frame.pixel_sha256, author="old", origin="import", annotation=annotation
    )
    round_.s.catalogue.append_revision(record)
    with round_.s.catalogue.transaction() as connection:
        connection.execute(sa.text("UPDATE rendition SET reviewed_at = NULL, deid = NULL"))
    add_queue(round_, QUEUE)
    report = push_again(round_)
    assert "1 frame for the queue twice stay here" in " ".join(report.words)
    assert round_.server.studio.projects == []
    assert push_again(round_, pixels_reviewed=True).counts["tasks added"] == 1


def test_a_project_that_was_deleted_is_filled_again_with_what_is_left(read: Round, reader: Reader) -> None:
    push_again(read)
    second = reader("twice", SECOND)
    task = second.tasks()[0]
    second.submit(task, second.draft_of(task))
    read.pull()
    studio = read.server.studio
    studio.projects = [p for p in studio.projects if p["id"] != second.project]
    studio.tasks = [t for t in studio.tasks if t["project"] != second.project]
    assert "its project is gone" in next(iter(read.pull().oddities))
    assert push_again(read).counts["tasks added"] == FRAMES - 1
    assert len(revisions(read, "second")) == 1
    assert len(read.s.catalogue.newest_revisions()) == FRAMES


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param("share = 1.5", "share is 1.5: expected 0 to 1", id="share"),
        pytest.param("after_days = 3", 'after_days belongs to "repeat"', id="days"),
        pytest.param('purpose = "repeat"', "reader is missing", id="repeat without reader"),
        pytest.param('purpose = "correct"\nshare = 0.5', "share belongs to", id="share of a correcting queue"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(line: str, told: str) -> None:
    purpose = "" if "purpose" in line else 'purpose = "second-reading"\n'
    text = f'[[class]]\nid = 1\nname = "a"\n[[studio.queue]]\nname = "x"\n{purpose}{line}\n'
    with pytest.raises(SettingsError, match=told):
        parse_settings(text)


def test_a_reader_without_a_login_is_told(round_: Round) -> None:
    round_.push()
    add_queue(round_, QUEUE.replace(SECOND, "slip@ward.example"))
    assert any("slip@ward.example" in said and "dmr studio invite" in said for said in push_again(round_).words)
