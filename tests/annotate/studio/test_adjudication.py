"""An adjudication: both outlines are shown, and a choice between them is enough."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import pytest
from fake_studio import OWNER
from physician import Physician, region
from reading_queues import SECOND, add_queue, project_of, push_again, revisions
from studio_round import HEIGHT, PLEXUS, PSOAS, WIDTH, Round, box

from dmr.annotate.catalogue.records import ModelRecord, PredictionRecord, RevisionRecord
from dmr.annotate.classes import PALETTE
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.studio.interface.adjudication import OWN, adjudication_config, has_readers, with_readers

SENIOR = "senior@ward.example"
SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]
QUEUE = 'name = "disputed"\npurpose = "adjudication"'
BEFORE, AFTER = "2026-01-02T08:00:00.000000Z", "2026-03-01T08:00:00.000000Z"  # the small server is between them
Reader = Callable[..., Physician]


def drawn(round_: Round, author: str, number: int, *shapes: Shape, at: str = BEFORE) -> str:
    """Somebody has drawn this on a frame, in a first reading or a second one; the revision's hash."""
    frame = round_.frames[number]
    record = RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="studio",
        annotation=Annotation(HEIGHT, WIDTH, shapes, frozenset({PSOAS, PLEXUS})),
        reading="first" if author == OWNER else "second",
        at=at,
    )
    return round_.s.catalogue.append_revision(record).sha256


@pytest.fixture
def disputed(round_: Round) -> Round:
    """On two frames, two readers disagree: far apart, and one of them draws nothing."""
    drawn(round_, OWNER, 0, Shape(PSOAS, box(8.0, 8.0, 1 / 3 + 20)), Shape(PLEXUS, box(10.0, 10.0, 6.0)))
    drawn(round_, SECOND, 0, Shape(PSOAS, box(30.0, 20.0, 1 / 7 + 20)))
    drawn(round_, OWNER, 1, Shape(PSOAS, box(8.0, 8.0, 20.0)))
    drawn(round_, SECOND, 1)
    add_queue(round_, QUEUE)
    return round_


def answer(text: str) -> dict[str, Any]:
    """What the page sends of a choice."""
    return {
        "id": "chosen",
        "type": "choices",
        "from_name": "choice",
        "to_name": "image",
        "value": {"choices": [text]},
    }


def letter_of(round_: Round, author: str, task: dict[str, Any]) -> str:
    """Which letter an author has in a task, seen by their outlines."""
    head = round_.s.catalogue.head(task["data"]["frame_id"], author)
    assert head is not None
    corner = head.record.annotation.shapes[0].points[0]
    shown = [(r["value"]["polygonlabels"][0], r["value"]["points"][0]) for r in task["predictions"][-1]["result"]]
    return next(
        str(label[0]) for label, (x, y) in shown if (x * WIDTH / 100, y * HEIGHT / 100) == pytest.approx(corner)
    )


def test_both_readers_outlines_are_shown_under_letters_and_nobody_can_change_them(
    disputed: Round, reader: Reader
) -> None:
    assert push_again(disputed).counts["tasks added"] == 2
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    shown = senior.draft_of(task)

    assert sorted(r["value"]["polygonlabels"][0].partition(": ")[2] for r in shown) == [
        "lumbar_plexus",
        "psoas_major",
        "psoas_major",
    ]
    assert {(r["from_name"], r["value"]["polygonlabels"][0][0]) for r in shown} == {
        ("reader_a", "A"),
        ("reader_b", "B"),
    }
    assert all(r["readonly"] for r in shown)
    assert task["data"]["reason"].endswith("the readers disagree on psoas_major, lumbar_plexus")
    sent = json.dumps([project_of(disputed, "disputed"), task])
    assert OWNER not in sent
    assert SECOND not in sent
    assert push_again(disputed).counts["tasks unchanged"] == 2


def test_who_is_a_is_by_chance_and_stays(disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    before = letter_of(disputed, OWNER, senior.task(disputed.frames[0].frame_id))
    drawn(disputed, OWNER, 0, Shape(PSOAS, box(9.0, 9.0, 10.0)))
    push_again(disputed)
    assert letter_of(disputed, OWNER, senior.task(disputed.frames[0].frame_id)) == before


@pytest.mark.parametrize("author", [OWNER, SECOND])
def test_the_chosen_readers_outlines_count_to_the_last_bit(author: str, disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    choice = answer(f"{letter_of(disputed, author, task)} is right")
    senior.submit(task, [choice, *senior.draft_of(task)])
    report = disputed.pull()

    assert report.counts["revisions added"] == 1
    (found,) = revisions(disputed, "adjudication")
    head = disputed.s.catalogue.head(task["data"]["frame_id"], author)
    assert head is not None
    assert found.annotation == head.record.annotation
    assert (found.author, found.parent, found.blind) == (SENIOR, head.sha256, False)
    assert [c.frame for c in disputed.s.catalogue.conflicts()] == [disputed.frames[1].frame_id]
    assert disputed.s.catalogue.newest_revisions()[task["data"]["frame_id"]].record == found
    before = disputed.s.catalogue.catalogue_hash()
    assert disputed.pull().counts["revisions added"] == 0
    assert disputed.s.catalogue.catalogue_hash() == before
    push_again(disputed)
    assert len(revisions(disputed, "adjudication")) == 1


@pytest.mark.parametrize("author", [OWNER, SECOND])
def test_a_reader_who_drew_nothing_can_be_right(author: str, disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[1].frame_id)
    with_outlines = letter_of(disputed, OWNER, task)
    letter = with_outlines if author == OWNER else ("A" if with_outlines == "B" else "B")
    senior.submit(task, [*senior.draft_of(task), answer(f"{letter} is right")])
    disputed.pull()

    (found,) = revisions(disputed, "adjudication")
    assert bool(found.annotation.shapes) == (author == OWNER)
    assert found.annotation.covered == {PSOAS, PLEXUS}


def test_own_outlines_count_alone(disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    own = region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)
    copied = region("A: lumbar_plexus", [(1.0, 1.0), (9.0, 1.0), (9.0, 9.0)], height=HEIGHT, width=WIDTH)
    senior.submit(task, [*senior.draft_of(task), own, copied, answer(OWN)])
    disputed.pull()

    (found,) = revisions(disputed, "adjudication")
    assert {s.class_id: s.points[0] for s in found.annotation.shapes} == {PSOAS: (10.0, 10.0), PLEXUS: (1.0, 1.0)}
    assert (found.blind, found.parent, found.draft_model) == (False, None, None)
    assert disputed.frames[0].frame_id not in {c.frame for c in disputed.s.catalogue.conflicts()}


@pytest.mark.parametrize(
    ("choice", "has_own", "told"),
    [
        pytest.param(None, False, "it does not say whose outlines are right", id="no choice"),
        pytest.param("C is right", False, "it says that C is right, and shows no such reader", id="no such reader"),
        pytest.param("A is right", True, "it says that A is right, and has outlines of its own", id="both"),
    ],
)
def test_an_unclear_decision_is_told_and_changes_nothing(
    choice: str | None, has_own: bool, told: str, disputed: Round, reader: Reader
) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    own = [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)] if has_own else []
    senior.submit(task, [*senior.draft_of(task), *own, *([answer(choice)] if choice else [])])
    (line,) = disputed.pull().failures

    assert told in line
    assert revisions(disputed, "adjudication") == []
    assert len(disputed.s.catalogue.conflicts()) == 2


def test_a_reader_does_not_judge_her_own_outlines(disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    own = reader("disputed", SECOND)
    task = own.task(disputed.frames[0].frame_id)
    own.submit(task, [*own.draft_of(task), answer("A is right")])
    (line,) = disputed.pull().failures
    assert "its reader has drawn one of the outlines" in line

    add_queue(disputed, f'name = "mine"\npurpose = "adjudication"\nreader = "{SECOND}"')
    report = push_again(disputed)
    assert any(line.startswith("2 conflicts are not in the queue mine") for line in report.words)
    assert disputed.s.catalogue.queue("mine") is None


def test_a_third_reader_gets_a_letter_too(disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    config = project_of(disputed, "disputed")["label_config"]
    assert "C is right" not in config
    sha256 = drawn(disputed, "third@ward.example", 0, Shape(PSOAS, box(2.0, 25.0, 20.0)))
    push_again(disputed)
    assert "C is right" in project_of(disputed, "disputed")["label_config"]
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    letter = letter_of(disputed, "third@ward.example", task)
    senior.submit(task, [*senior.draft_of(task), answer(f"{letter} is right")])
    disputed.pull()
    (found,) = revisions(disputed, "adjudication")
    assert found.parent == sha256
    assert disputed.frames[0].frame_id not in {c.frame for c in disputed.s.catalogue.conflicts()}


def test_a_decision_that_is_changed_or_deleted_is_followed(disputed: Round, reader: Reader) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    number = senior.submit(task, [*senior.draft_of(task), answer("A is right")])
    disputed.pull()
    senior.update(number, [*senior.draft_of(task), answer("B is right")])
    disputed.pull()
    first, second = revisions(disputed, "adjudication")
    assert {first.parent, second.parent} == {
        head.sha256 for head in disputed.s.catalogue.heads(task["data"]["frame_id"]) if head.record.author != SENIOR
    }
    senior.delete(number)
    assert disputed.pull().counts["withdrawn"] == 1
    assert len(disputed.s.catalogue.conflicts()) == 2


def test_a_frame_that_is_disputed_again_is_told_as_label_studio_does_not_show_it(
    disputed: Round, reader: Reader
) -> None:
    push_again(disputed)
    senior = reader("disputed", SENIOR)
    task = senior.task(disputed.frames[0].frame_id)
    senior.submit(task, [*senior.draft_of(task), answer("A is right")])
    disputed.pull()
    drawn(disputed, OWNER, 0, Shape(PSOAS, box(1.0, 1.0, 9.0)), at=AFTER)
    words = push_again(disputed).words
    assert any('1 was submitted in Label Studio before. "Label All Tasks" does not show' in line for line in words)
    assert any('"In order"' in line for line in words)


def test_a_draft_of_a_model_is_never_mixed_in(disputed: Round) -> None:
    disputed.s.catalogue.add_model(ModelRecord(id="v9", sha256="1" * 64, class_ids=(PSOAS,)))
    disputed.s.catalogue.add_predictions(
        PredictionRecord(frame=f.frame_id, rendition=f.pixel_sha256, model="v9", shapes=(), scores={"mean": 0.5})
        for f in disputed.frames
    )
    push_again(disputed)
    shown = [p for p in disputed.server.studio.predictions if p["result"]]
    assert {r["from_name"] for p in shown for r in p["result"]} == {"reader_a", "reader_b"}


def test_a_changed_interface_keeps_what_was_changed(round_: Round) -> None:
    classes = round_.s.settings.classes
    config = adjudication_config(classes).replace('zoom="true"', 'zoom="false"')
    more = with_readers(config, classes, readers=3)
    assert 'zoom="false"' in more
    assert has_readers(more, classes, readers=3)
    assert not has_readers(config, classes, readers=3)
    assert with_readers(more, classes, readers=2) == more, "a reader is never taken away"


def test_no_key_of_the_choice_is_one_of_a_label_too(round_: Round) -> None:
    config = adjudication_config(round_.s.settings.classes, readers=3)
    keys = [e.get("hotkey") for e in ElementTree.fromstring(config).iter() if e.get("hotkey")]
    assert {"a", "b", "c", "o"} < set(keys)
    assert len(keys) == len(set(keys))


def test_no_class_has_the_colour_of_a_reader(round_: Round) -> None:
    root = ElementTree.fromstring(adjudication_config(round_.s.settings.classes, readers=8))
    of_readers = {e[0].get("background") for e in root.iter("PolygonLabels") if str(e.get("name")).startswith("reader")}
    assert len(of_readers) == 8
    assert not of_readers & set(PALETTE)
