"""A labelled frame goes out to be drawn again with its own outlines, and comes back as drawn over them."""

from __future__ import annotations

import pytest
from fake_studio import OWNER
from physician import Physician, region, tick
from studio_round import FRAMES, HEIGHT, PSOAS, WIDTH, Round, box

from dmr.annotate.catalogue.audits import AuditRecord
from dmr.annotate.catalogue.records import LabelledFrame, RevisionRecord
from dmr.annotate.overview.audit_figures import audit_figures
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.studio.projects.queues import VIEW
from dmr.annotate.studio.pushing.outgoing import Outgoing

WHY = "perhaps draw this again: the lumbar plexus may have been forgotten; about 20 s"
SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]


@pytest.fixture
def before(round_: Round) -> LabelledFrame:
    """The second frame came in with one outline, and no class is covered but that."""
    frame = round_.frames[1]
    shapes = (Shape(PSOAS, box(20.0, 9.0, 1 / 3 + 17)),)
    annotation = Annotation(HEIGHT, WIDTH, shapes, frozenset({PSOAS}))
    round_.s.catalogue.append_revision(
        RevisionRecord(
            frame=frame.frame_id, rendition=frame.pixel_sha256, author="old", origin="import", annotation=annotation
        )
    )
    (item,) = round_.s.catalogue.labelled_frames()
    return item


def push(round_: Round, item: LabelledFrame) -> list[str]:
    """Push all frames, this one to be drawn again in the second place; what the report says."""
    outgoing = round_.outgoing()
    outgoing[1] = Outgoing(item.frame, WHY, again=item)
    return round_.push(outgoing).words


def now(round_: Round) -> tuple[LabelledFrame, RevisionRecord]:
    item = next(i for i in round_.s.catalogue.labelled_frames() if i.frame == round_.frames[1])
    return item, round_.s.catalogue.revision(item.revision).record


def test_its_task_has_its_place_its_reason_and_its_outlines(round_: Round, before: LabelledFrame) -> None:
    assert push(round_, before) == []
    assert round_.s.report.counts["tasks to draw again"] == 1
    with round_.physician() as physician:
        task = physician.tasks()[1]
    assert task["data"]["reason"] == f"2. {WHY}"
    (shown,) = task["predictions"][-1]["result"]
    assert shown["value"]["polygonlabels"] == ["psoas_major"]
    report = round_.push([*round_.outgoing()[:1], Outgoing(before.frame, WHY, again=before), *round_.outgoing()[2:]])
    assert report.counts["tasks unchanged"] == FRAMES


def test_what_is_added_counts_as_drawn_over_the_old_outlines(round_: Round, before: LabelledFrame) -> None:
    push(round_, before)
    with round_.physician() as physician:
        task = physician.tasks()[1]
        new = region("lumbar_plexus", SQUARE, height=HEIGHT, width=WIDTH)
        physician.submit(task, [*physician.draft_of(task), new])
    assert round_.pull().oddities == {}, "nobody disagrees"
    item, record = now(round_)

    assert record.parent == before.revision
    assert (record.blind, record.draft_model, record.author) == (False, None, OWNER)
    assert item.annotation.shapes[0] == before.annotation.shapes[0], "what nobody touched is the same to the last bit"
    assert len(item.annotation.shapes) == 2
    assert round_.s.catalogue.timed_drawings() == []
    assert round_.s.catalogue.revision(before.revision).withdrawn is False


@pytest.mark.parametrize(
    "drawn", [[tick()], [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)]], ids=["none", "new"]
)
def test_outlines_that_were_all_replaced_are_known_by_what_was_pushed(
    round_: Round, before: LabelledFrame, drawn: list[dict[str, object]]
) -> None:
    push(round_, before)
    with round_.physician() as physician:
        physician.submit(physician.tasks()[1], drawn)
    round_.pull()
    _, record = now(round_)

    assert (record.parent, record.blind) == (before.revision, False)


def test_nothing_changes_before_somebody_submits_or_where_it_is_skipped(round_: Round, before: LabelledFrame) -> None:
    push(round_, before)
    round_.pull()
    assert now(round_)[0] == before
    with round_.physician() as physician:
        physician.skip(physician.tasks()[1])
    round_.pull()
    assert now(round_)[0] == before


def test_a_frame_that_was_submitted_there_keeps_its_annotation_and_the_report_says_how_to_open_it(
    round_: Round, physician: Physician
) -> None:
    task = physician.tasks()[1]
    number = physician.submit(task, physician.draft_of(task))
    round_.pull()
    item, first = now(round_)
    (line,) = push(round_, item)

    assert line.startswith("Of the frames to draw again, 1 was submitted in Label Studio before")
    assert f'in the view "{VIEW}"' in line
    assert round_.states() == ["pushed", "labelled", "pushed", "pushed"]
    assert physician.task(item.frame.frame_id)["data"]["reason"] == f"2. {WHY}"
    round_.pull()
    assert now(round_)[0] == item
    physician.update(number, [region("psoas_major", SQUARE, height=HEIGHT, width=WIDTH)])
    round_.pull()
    again, record = now(round_)
    assert again.revision != item.revision
    assert record.author == first.author
    assert round_.s.catalogue.conflicts() == []


def test_an_audit_frame_that_is_drawn_again_no_longer_measures_the_draft(round_: Round, before: LabelledFrame) -> None:
    frame = before.frame.frame_id
    round_.s.catalogue.add_audits([AuditRecord(frame=frame, round=1, blind=False, model="v1")])
    push(round_, before)
    with round_.physician() as physician:
        task = physician.tasks()[1]
        physician.submit(task, physician.draft_of(task))
    round_.pull()

    assert audit_figures(round_.s.catalogue).frames == {"blind": [], "shown": [], "chosen": []}
