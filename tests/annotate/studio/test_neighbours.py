"""Tests of the frames that stand beside the image: those before and after it in its clip."""

from __future__ import annotations

import re

import numpy as np
import pytest
from studio_round import HEIGHT, WIDTH, Round

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.shapes import Frame
from dmr.annotate.studio.interface.neighbours import clip_markdown, neighbours
from dmr.annotate.studio.pushing.outgoing import Outgoing

TIMES_MS = (0.0, 100.0, 200.0, 300.0, 400.0, 500.0)


@pytest.fixture
def cine(round_: Round) -> list[FrameRecord]:
    """Six frames of one clip, a tenth of a second apart; only the last is not reviewed."""
    pictures = [np.full((HEIGHT, WIDTH), 40 + 30 * n, dtype=np.uint8) for n in range(len(TIMES_MS))]
    frames = [
        NamedFrame("9_cine", Frame(picture, "c" * 64, index=n, time_ms=TIMES_MS[n]))
        for n, picture in enumerate(pictures)
    ]
    added = sorted(add_frames(round_.s, frames), key=lambda frame: frame.index)
    round_.s.catalogue.mark_reviewed(frame.frame_id for frame in added[:-1])
    return sorted(round_.s.catalogue.frames(f.frame_id for f in added), key=lambda frame: frame.index)


def words(round_: Round, frame: FrameRecord) -> list[tuple[str, int]]:
    return [(n.words, n.frame.index) for n in neighbours(round_.s.catalogue, [frame])[frame.frame_id]]


def test_neighbours_are_a_quarter_of_a_second_away_or_at_the_end_of_the_clip(
    round_: Round, cine: list[FrameRecord]
) -> None:
    assert words(round_, cine[0]) == [("0.3 s after", 3)]
    assert words(round_, cine[1]) == [("0.1 s before", 0), ("0.3 s after", 4)]
    assert words(round_, cine[4]) == [("0.3 s before", 1)], "the frame after it may not leave the workspace"


def test_a_still_frame_has_no_neighbours(round_: Round) -> None:
    assert neighbours(round_.s.catalogue, round_.frames) == {}
    assert clip_markdown([]) == ""


def test_a_task_shows_its_neighbours_and_no_picture_is_sent_twice(round_: Round, cine: list[FrameRecord]) -> None:
    round_.push([Outgoing(cine[1], ""), Outgoing(cine[4], "")], model=None)
    with round_.physician() as physician:
        task = physician.task(cine[1].frame_id)
    shown = re.findall(r"\]\(([^)]*)\)", task["data"]["clip"])
    assert [address.rpartition("-")[2] for address in shown] == [f"{cine[n].frame_id}.png" for n in (0, 4)]
    sent = [path.rpartition("-")[2] for path in round_.server.studio.files]
    frames = {path for path in sent if path.removesuffix(".png") in {f.frame_id for f in cine}}
    assert frames == {f"{cine[n].frame_id}.png" for n in (0, 1, 4)}
    assert len(sent) == len(set(sent)), "sent twice"


def test_another_reason_leaves_the_neighbours_there(round_: Round, cine: list[FrameRecord]) -> None:
    round_.push([Outgoing(cine[1], "first reason")], model=None)
    with round_.physician() as physician:
        before = physician.task(cine[1].frame_id)["data"]
    still = next(frame for frame in round_.frames if frame.time_ms is None)
    round_.push([Outgoing(still, "new"), Outgoing(cine[1], "second reason")], model=None)
    with round_.physician() as physician:
        after = physician.task(cine[1].frame_id)["data"]
    assert after["reason"].startswith("2. second reason")
    assert after["clip"] == before["clip"] != ""
