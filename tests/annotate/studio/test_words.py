"""What stands beside an image: over a bare frame it says why it is bare, and nobody is asked to correct what is not."""

from __future__ import annotations

from dataclasses import replace

from odd_submissions import without_tick
from physician import Physician, tick
from studio_round import FRAMES, Round

from dmr.annotate.catalogue.records import PredictionRecord

EMPTY = "the assistant found nothing here: draw what is there, or tick below; border uncertain"


def reasons(round_: Round) -> list[str]:
    return [task["data"]["reason"] for task in round_.server.studio.tasks]


def find_nothing(round_: Round, model: str = "v1", *, places: tuple[int, ...] = (1,)) -> None:
    """Let a model find nothing on some frames."""
    frames = [round_.frames[k] for k in places]
    round_.s.catalogue.add_predictions(
        PredictionRecord(frame=f.frame_id, rendition=f.pixel_sha256, model=model, shapes=(), scores={"mean": 0.5})
        for f in frames
    )


def test_over_an_empty_draft_it_says_that_the_assistant_found_nothing(round_: Round) -> None:
    find_nothing(round_)
    assert round_.push().counts["tasks with an empty draft"] == 1
    assert reasons(round_) == ["1. border uncertain", f"2. {EMPTY}", "3. border uncertain", "4. border uncertain"]


def test_without_a_draft_it_says_to_tick_where_nothing_is(round_: Round) -> None:
    round_.push(model=None)
    assert all(reason.endswith("border uncertain; if nothing is there, tick below") for reason in reasons(round_))


def test_a_bare_frame_without_a_reason_has_a_sentence_all_the_same(round_: Round) -> None:
    round_.push([replace(o, reason="", draft=None) for o in round_.outgoing()])
    assert reasons(round_)[0] == "1. if nothing is there, tick below"


def test_where_there_is_no_tick_nobody_is_told_to_tick(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [tick() | {"type": "polygonlabels", "value": {"polygonlabels": ["x"]}}])
    without_tick(round_)
    round_.draw("v2", left=10.0)
    find_nothing(round_, "v2")
    round_.push(round_.outgoing("v2"), model="v2")
    assert reasons(round_)[1] == "2. the assistant found nothing here: draw what is there; border uncertain"


def test_the_words_follow_the_draft_however_late_the_frame_comes(round_: Round) -> None:
    select = replace(round_.s.settings.select, frames_per_round=1)
    round_.s.workspace = replace(round_.s.workspace, settings=replace(round_.s.settings, select=select))
    last = FRAMES - 1
    find_nothing(round_, places=(last,))
    round_.push()
    assert EMPTY in reasons(round_)[last]
    round_.draw("v2", left=10.0)
    round_.push(round_.outgoing("v2"), model="v2")
    assert reasons(round_)[last] == f"{FRAMES}. border uncertain"
    round_.draw("v3", left=12.0)
    find_nothing(round_, "v3", places=(last,))
    round_.push(round_.outgoing("v3"), model="v3")
    assert EMPTY in reasons(round_)[last]
