"""Places of frames in their clips: by time, by the index in the file, and by the names of still images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.origins.index import Seen, index_path, write
from dmr.annotate.origins.positions import Position, clip_positions

KEY = "0123456789abcdef"  # of the fixture's catalogue
MakeFrame = Callable[..., FrameRecord]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))


def places(catalogue: Catalogue, frames: list[FrameRecord]) -> list[int]:
    found = clip_positions(catalogue, frames)
    return [found[frame.frame_id].place for frame in frames]


def test_frames_of_a_file_stand_by_their_time_or_else_by_their_index(
    catalogue: Catalogue, make_frame: MakeFrame
) -> None:
    timed = [make_frame(n, "p1", index=n, time_ms=time) for n, time in enumerate((80.0, 0.0, 40.0))]
    counted = [make_frame(10 + n, "p2", index=index) for n, index in enumerate((2, 10, 1))]
    catalogue.add_frames([*timed, *counted])
    assert places(catalogue, timed) == [3, 1, 2]
    assert places(catalogue, counted) == [2, 3, 1]


def test_still_images_stand_by_the_numbers_in_their_names(
    catalogue: Catalogue, make_frame: MakeFrame, tmp_path: Path
) -> None:
    names = ("p1_10.png", "p1_9.png", "p1_2.png")
    frames = [make_frame(n) for n in range(4)]
    catalogue.add_frames(frames)
    write(index_path(KEY), [Seen(f.frame_id, tmp_path / name, 0) for f, name in zip(frames, names, strict=False)])
    assert places(catalogue, frames) == [3, 2, 1, 4], "a frame whose file is not known comes last"


def test_a_clip_counts_all_of_its_frames_also_those_not_asked_for(catalogue: Catalogue, make_frame: MakeFrame) -> None:
    frames = [make_frame(n) for n in range(5)]
    catalogue.add_frames(frames)
    assert clip_positions(catalogue, frames[1:2]) == {
        f.frame_id: Position(n, 5) for n, f in enumerate(frames, 1)
    }  # fmt: skip
    assert clip_positions(catalogue, []) == {}


def test_a_broken_index_leaves_the_order_by_frame_id(catalogue: Catalogue, make_frame: MakeFrame) -> None:
    frames = [make_frame(n) for n in (3, 1, 2)]
    catalogue.add_frames(frames)
    index_path(KEY).parent.mkdir(parents=True)
    index_path(KEY).write_bytes(b"torn" * 300)
    assert places(catalogue, frames) == [3, 1, 2]
