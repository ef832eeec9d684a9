"""Frames to draw again stand in the ranking where their gain a minute puts them, and harm nothing on their way."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ranked_workspace import IDS, add_noise_frames, make_workspace, outline, predict

from dmr.active.labels.again import TRUE_SHARE, frames_again, why_again
from dmr.active.labels.table import NAME, LabelDoubt, write_labels
from dmr.active.pools import train_side
from dmr.active.ranking import outgoing_frames, rank_unlabelled
from dmr.active.selecting import select_frames
from dmr.active.selection.among import places_among
from dmr.active.selection.seconds import PRIOR
from dmr.active.selection.strategies import Parts
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.editing.worklist import FOLDER, lay_out
from dmr.annotate.errors import UsageError
from dmr.annotate.settings.model import PartsSettings
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Session

NEEDS = {"psoas_major": 0.25, "lumbar_plexus": 0.75}


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Session]:
    """Thirty new frames of ten patients that a model has seen; five of two more patients are labelled."""
    with make_workspace(tmp_path / "w").session(write=True, device="cpu") as session:
        frames = add_noise_frames(session, patients=10, frames=3)
        known = add_noise_frames(session, patients=2, frames=3, first=20, seed=9)
        predict(session, [*frames[10:], *known])
        predict(session, frames[:10], entropy=0.1)
        for frame in known[:5]:
            outline(session, frame, origin="import")
        yield session


def doubt(s: Session, frame: FrameRecord, **changes: object) -> LabelDoubt:
    values = {
        "frame": frame.frame_id,
        "class_name": "lumbar_plexus",
        "score": 0.9,
        "what": "perhaps forgotten: the model sees it",
        "drawn": False,
        "covered": False,
        "judged_by": "v1",
        "split": "train",
        "revision": s.catalogue.newest_revisions()[frame.frame_id].sha256,
    }
    return LabelDoubt(**(values | changes))  # type: ignore[arg-type]


def find_doubtful(s: Session, count: int = 1, **changes: object) -> list[str]:
    """As if `dmr check --labels` had found some labels doubtful; the frames' ids."""
    frames = train_side(s.catalogue)[:count]
    write_labels(s.workspace.reports_folder / NAME, [doubt(s, f, **changes) for f in frames])
    return [f.frame_id for f in frames]


@pytest.mark.parametrize(
    ("gains", "own", "first", "places"),
    [
        ([0.2, 0.9, 0.5, 0.7, 0.1, 0.3, 0.2], [0.6], 5, [2]),
        ([0.2, 0.9, 0.5, 0.7, 0.1, 0.3, 0.2], [0.6, 0.55], 5, [2, 5]),
        ([0.2, 0.9, 0.5, 0.7, 0.6, 0.3, 0.2, 0.1], [0.15], 5, [7]),
        ([0.2, 0.9], [0.1], 5, [2]),
        ([None, None, None], [0.9, 0.8], 2, [2, 2]),
        ([], [0.9, 0.8], 50, [0, 0]),
    ],
    ids=["third best of the round", "a fifth is full", "later", "last", "nothing to compare with", "nothing new"],
)
def test_a_frame_stands_where_its_gain_a_minute_puts_it(
    gains: list[float | None], own: list[float], first: int, places: list[int]
) -> None:
    assert places_among(gains, own, first=first) == places


def test_a_doubt_is_worth_what_a_missing_structure_teaches_if_the_label_is_wrong(s: Session) -> None:
    find_doubtful(s, 2)
    slow, *_ = own = frames_again(s, needs=NEEDS, pace=PRIOR, parts=Parts())
    length = 4 * 20 * 128 / 80  # of the square that is drawn, on the grid of times

    assert len(own) == 2
    assert slow.seconds == pytest.approx(8 + 3 + 0.15 * length)
    assert slow.gain == pytest.approx(TRUE_SHARE * 0.9 * 0.75 / (slow.seconds / 60))
    (first, _) = frames_again(s, needs=NEEDS, pace=PRIOR, parts=Parts(time=False))
    assert first.gain == pytest.approx(TRUE_SHARE * 0.9 * 0.75)
    assert "about" not in first.reason
    assert frames_again(s, needs={}, pace=PRIOR, parts=Parts())[0].gain == 0


def test_a_structure_that_is_drawn_nowhere_in_the_frame_takes_its_usual_time(s: Session) -> None:
    frame = train_side(s.catalogue)[0]
    bare = Annotation(frame.height, frame.width, (), frozenset(IDS))
    outline(s, frame, origin="import", annotation=bare)
    find_doubtful(s)

    assert frames_again(s, needs=NEEDS, pace=PRIOR, parts=Parts())[0].seconds == pytest.approx(8 + 3 + 0.15 * 128)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("perhaps forgotten: the model sees it", "the lumbar plexus may have been forgotten (the model sees it)"),
        ("perhaps forgotten", "the lumbar plexus may have been forgotten"),
        (
            "said to be absent, perhaps forgotten: the model sees it",
            "the lumbar plexus is said to be absent, and may have been forgotten (the model sees it)",
        ),
        ("drawn as lumbar plexus, looks like bone", "what is drawn as lumbar plexus looks like bone"),
        (
            "drawn here, and not on this patient's frames like it",
            "the lumbar plexus is drawn here, and not on this patient's frames like it",
        ),
        (
            "more outlines here, and not on this patient's frames like it",
            "the lumbar plexus has more outlines here than on this patient's frames like it",
        ),
        ("drawn where the model sees nothing", "the lumbar plexus is drawn where the model sees nothing"),
        ("border off by about 12 px", "the border of the lumbar plexus may be off by about 12 px"),
    ],
)
def test_every_doubt_is_a_sentence(s: Session, what: str, told: str) -> None:
    own = doubt(s, train_side(s.catalogue)[0], what=what)
    assert why_again([own]) == f"perhaps draw this again: {told}"


def test_the_ranking_has_them_among_the_first_frames_and_the_table_says_which(s: Session) -> None:
    before, _ = rank_unlabelled(s)
    (frame,) = find_doubtful(s)
    ranking, _ = rank_unlabelled(s)
    scores = [r.score for r in ranking.order if r.score is not None and r.frame_id != frame]
    own = next(r for r in ranking.order if r.frame_id == frame)
    with ranking.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [r.frame_id for r in ranking.order if r.frame_id != frame] == [r.frame_id for r in before.order]
    assert own.score is not None and own.rank < len(ranking.order)
    shown = [score for score in scores if score >= own.score]
    assert own.rank - 1 in range(len(shown), len(shown) + 5), "frames of the audit show no score"
    assert (
        own.reason
        == "perhaps draw this again: the lumbar plexus may have been forgotten (the model sees it); about 30 s"
    )
    assert [r["frame"] for r in rows if r["again"]] == [frame]
    assert rows[own.rank - 1]["seconds"] == "30"


def test_they_take_nothing_from_the_audit_and_the_caps_of_the_round(s: Session) -> None:
    rank_unlabelled(s)
    audits = s.catalogue.audits()
    again = find_doubtful(s, 5)
    rank_unlabelled(s)

    assert s.catalogue.audits() == audits
    assert not audits.keys() & set(again)


def test_at_most_a_fifth_of_a_round_is_drawn_again(s: Session) -> None:
    again = set(find_doubtful(s, 5, score=1.0))
    settings = replace(s.settings.select, frames_per_round=10, parts=PartsSettings(time=False, need=False))
    ranking, _ = rank_unlabelled(s, settings=settings)

    assert len(again & {r.frame_id for r in ranking.order[:10]}) <= 2
    assert again < {r.frame_id for r in ranking.order}


def test_the_part_can_be_switched_off(s: Session) -> None:
    find_doubtful(s, 5)
    ranking, _ = rank_unlabelled(s, settings=replace(s.settings.select, parts=PartsSettings(again=False)))
    assert len(ranking.order) == 31
    assert not ranking.again


def test_they_go_out_with_their_own_outlines_and_no_draft(s: Session) -> None:
    (frame,) = find_doubtful(s)
    ranking, _ = rank_unlabelled(s)
    (out,) = [o for o in outgoing_frames(s, ranking) if o.frame.frame_id == frame]

    assert out.draft is None
    assert out.again is not None and out.again.annotation.shapes


def test_where_everything_is_labelled_they_are_all_that_is_ranked(s: Session) -> None:
    for frame in s.catalogue.unlabelled_frames():
        outline(s, frame)
    with pytest.raises(UsageError, match="every frame is labelled already"):
        select_frames(s)
    again = find_doubtful(s, 3)

    assert {r.frame_id for r in select_frames(s).order} == set(again)
    assert s.report.counts["labelled frames to draw again"] == 3
    assert s.report.counts["frames ranked"] == 0


def test_without_a_model_they_come_after_the_round(tmp_path: Path) -> None:
    with make_workspace(tmp_path / "cold").session(write=True, device="cpu") as s:
        add_noise_frames(s, patients=6, frames=3)
        for frame in add_noise_frames(s, patients=1, frames=2, first=20, seed=9):
            outline(s, frame, origin="import")
        (doubtful,) = find_doubtful(s)
        ranking, _ = rank_unlabelled(s, settings=replace(s.settings.select, frames_per_round=6))
        assert ranking.order[6].frame_id == doubtful


def test_dmr_open_shows_them_with_their_outlines_until_they_are_drawn_again(s: Session) -> None:
    (frame,) = find_doubtful(s)
    rank = next(r.rank for r in rank_unlabelled(s)[0].order if r.frame_id == frame)
    folder = s.workspace.root / FOLDER

    assert lay_out(s, top=100) == 32
    sheet = (folder / f"{rank:04d}_{frame}.json").read_text(encoding="utf-8")
    assert s.catalogue.newest_revisions()[frame].sha256 in sheet
    outline(s, next(f for f in s.catalogue.frames() if f.frame_id == frame), left=30.0)
    assert lay_out(s, top=100) == 31


def test_needs_and_pace_are_those_of_the_ranking(s: Session) -> None:
    """A class that is drawn badly puts its doubts further in front."""
    gains = []
    for name in NEEDS:
        find_doubtful(s, class_name=name)
        ranking, _ = rank_unlabelled(s)
        gains.append(next(r.score for r in ranking.order if r.frame_id in ranking.again))
    assert all(np.isfinite(g) and g > 0 for g in gains if g is not None)
    assert gains[0] != gains[1]
