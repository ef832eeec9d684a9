"""First, second and repeated readings of a frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, Reading, RevisionRecord


@pytest.fixture
def frame(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> FrameRecord:
    made: FrameRecord = make_frame(1)
    catalogue.add_frames([made])
    return made


@pytest.mark.parametrize("reading", ["second", "repeat", "adjudication"])
def test_a_reading_comes_back_and_is_part_of_what_gives_a_revision_its_name(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord], reading: Reading
) -> None:
    first = catalogue.append_revision(make_revision(frame, "ann"))
    record = make_revision(frame, "bo", reading=reading)
    other = catalogue.append_revision(record)

    assert catalogue.revision(other.sha256).record == record
    assert json.loads(catalogue.store.get(other.sha256))["reading"] == reading
    assert "reading" not in json.loads(catalogue.store.get(first.sha256))


def test_a_repeat_is_kept_and_is_neither_head_nor_truth_nor_conflict(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    first = catalogue.append_revision(make_revision(frame, "ann", at=1))
    repeat = catalogue.append_revision(make_revision(frame, "ann", at=30, reading="repeat"))
    other = catalogue.append_revision(make_revision(frame, "bo", at=40, reading="repeat"))

    assert (repeat.is_new, repeat.conflict, other.conflict) == (True, False, False)
    assert [head.sha256 for head in catalogue.heads(frame.frame_id)] == [first.sha256]
    assert catalogue.newest_revisions()[frame.frame_id].sha256 == first.sha256
    kept = catalogue.last_repeat(frame.frame_id, "ann")
    assert kept is not None
    assert (kept.sha256, kept.previous) == (repeat.sha256, None)
    assert catalogue.last_repeat(frame.frame_id, "cy") is None


def test_repeats_follow_one_another_and_the_same_one_again_is_not_new(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    first = catalogue.append_revision(make_revision(frame, at=1))
    repeats = [make_revision(frame, at=at, reading="repeat") for at in (1, 2)]
    one, two, again = catalogue.append_revisions([*repeats, repeats[1]])
    assert (one.is_new, two.is_new, again) == (True, True, replace(two, is_new=False))
    assert catalogue.revision(two.sha256).previous == one.sha256
    assert not catalogue.append_revision(make_revision(frame, at=1)).is_new

    corrected = catalogue.append_revision(make_revision(frame, at=3))
    assert catalogue.revision(corrected.sha256).previous == first.sha256


def test_a_repeat_is_withdrawn_without_the_first_reading(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    first = catalogue.append_revision(make_revision(frame, at=1))
    assert not catalogue.withdraw(frame.frame_id, "ann", reason="deleted", repeat=True)
    repeat = catalogue.append_revision(make_revision(frame, at=2, reading="repeat"))
    assert catalogue.withdraw(frame.frame_id, "ann", reason="deleted", repeat=True)
    assert catalogue.revision(repeat.sha256).withdrawn
    assert catalogue.newest_revisions()[frame.frame_id].sha256 == first.sha256
