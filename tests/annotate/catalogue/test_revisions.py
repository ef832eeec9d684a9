from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import CatalogueError
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.system.canonical import canonical_json, json_to_shapes, shapes_to_json
from dmr.annotate.system.clock import utc_now, utc_text
from dmr.annotate.system.store import BlobStore


@pytest.fixture
def frame(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> FrameRecord:
    made: FrameRecord = make_frame(1)
    catalogue.add_frames([made])
    return made


def test_a_revision_comes_back_as_it_was_put_in_to_the_last_bit(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    hole = Shape(2, ((0.1 + 0.2, 1 / 3), (70.0, 1e-17), (5.0, 59.999999999999)), hole=True, group=4)
    annotation = Annotation(60, 80, (hole, Shape(1, ((1, 2), (3, 4), (5, 7)))), frozenset({3, 1, 2}))
    record = make_revision(
        frame, annotation=annotation, blind=True, raw_sha256="ab" * 32, lead_time_s=12.5, origin="studio"
    )
    appended = catalogue.append_revision(record)

    kept = catalogue.revision(appended.sha256)
    assert kept.record == record
    assert (kept.sequence, kept.previous, kept.withdrawn) == (1, None, False)
    assert catalogue.head(frame.frame_id, "ann") == kept


def test_the_blob_of_a_revision_says_what_its_row_says_and_gives_it_its_name(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    record = make_revision(frame, at=3)
    sha256 = catalogue.append_revision(record).sha256
    blob = catalogue.store.get(sha256)
    said = json.loads(blob)

    assert hashlib.sha256(blob).hexdigest() == sha256
    assert json_to_shapes(said["shapes"]) == record.annotation.shapes
    assert (said["frame"], said["rendition"], said["author"]) == (frame.frame_id, frame.pixel_sha256, "ann")
    assert record.at not in blob.decode()


def test_blobs_are_on_the_disk_before_the_rows_are_committed(
    catalogue: Catalogue,
    frame: FrameRecord,
    make_revision: Callable[..., RevisionRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(BlobStore, "put_many", full)
    with pytest.raises(OSError, match="No space"):
        catalogue.append_revision(make_revision(frame))
    assert catalogue.history(frame.frame_id) == []
    assert catalogue.head(frame.frame_id, "ann") is None


def test_handing_the_same_in_again_changes_nothing(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    frames = [make_frame(i) for i in range(4)]
    catalogue.add_frames(frames)
    records = [make_revision(frame, at=i) for i, frame in enumerate(frames)]

    first = catalogue.append_revisions(records)
    before = catalogue.catalogue_hash()
    later = [dataclasses.replace(r, at=utc_now(), raw_sha256="cd" * 32, lead_time_s=1.0) for r in records]
    again = catalogue.append_revisions(later)

    assert [a.is_new for a in first] == [True] * 4
    assert [(a.sha256, a.is_new) for a in again] == [(a.sha256, False) for a in first]
    assert catalogue.catalogue_hash() == before
    assert len(list(catalogue.store.hashes())) == 4


def test_going_back_to_an_earlier_outline_is_a_revision_of_its_own(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    base = catalogue.append_revision(make_revision(frame, "import")).sha256
    made = [catalogue.append_revision(make_revision(frame, at=x, parent=base)) for x in (1, 2, 1, 2)]

    assert all(a.is_new for a in made)
    assert len({a.sha256 for a in made}) == 4
    history = catalogue.history(frame.frame_id)
    assert [r.sha256 for r in history] == [base] + [a.sha256 for a in made]
    assert [r.previous for r in history[2:]] == [a.sha256 for a in made[:-1]]


def test_another_origin_is_another_revision(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    catalogue.append_revision(make_revision(frame))
    assert catalogue.append_revision(make_revision(frame, origin="labelme")).is_new


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"frame": "f-unknown"}, "is no frame with this rendition", id="frame"),
        pytest.param({"rendition": "00" * 32}, "is no frame with this rendition", id="rendition"),
        pytest.param({"parent": "00" * 32}, "has no revision 000000000000", id="parent"),
        pytest.param({"annotation": Annotation(61, 80, (), frozenset())}, "is 60 x 80, and .* for 61 x 80", id="size"),
        pytest.param({"annotation": Annotation(60, 80, (), frozenset({9}))}, "class 9 is not in", id="covered class"),
    ],
)
def test_what_does_not_fit_the_catalogue_is_refused_and_nothing_kept(
    changes: dict[str, Any],
    message: str,
    catalogue: Catalogue,
    frame: FrameRecord,
    make_revision: Callable[..., RevisionRecord],
) -> None:
    with pytest.raises(CatalogueError, match=message):
        catalogue.append_revisions([make_revision(frame), dataclasses.replace(make_revision(frame, "bea"), **changes)])
    assert catalogue.history(frame.frame_id) == []
    assert list(catalogue.store.hashes()) == []


def test_a_withdrawn_revision_stays_and_no_longer_counts(
    catalogue: Catalogue, frame: FrameRecord, make_revision: Callable[..., RevisionRecord]
) -> None:
    sha256 = catalogue.append_revision(make_revision(frame)).sha256

    assert catalogue.withdraw(frame.frame_id, "ann", reason="deleted on the server")
    assert not catalogue.withdraw(frame.frame_id, "ann", reason="deleted on the server")
    assert not catalogue.withdraw(frame.frame_id, "nobody", reason="")
    assert catalogue.revision(sha256).withdrawn
    assert catalogue.newest_revisions() == {}
    assert catalogue.labelled_frames() == []

    again = catalogue.append_revision(make_revision(frame))
    assert again.is_new
    assert catalogue.newest_revisions()[frame.frame_id].previous == sha256
    assert catalogue.counts()["revisions"] == 2


def test_frames_to_train_on_come_with_their_split_and_without_what_is_hidden(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    train, test, unassigned, unknown, hidden = (
        make_frame(i, patient=p) for i, p in enumerate(["p1", "p2", "p3", None, "p1"])
    )
    frames = [train, test, unassigned, unknown, hidden]
    catalogue.add_frames(frames)
    catalogue.append_revisions([make_revision(frame, at=i) for i, frame in enumerate(frames)])
    catalogue.assign_splits({"p1": ("train", "why"), "p2": ("test", "why")})
    catalogue.set_rendition_state(hidden.frame_id, pixel_sha256=hidden.pixel_sha256, state="erased")

    everything = catalogue.labelled_frames()
    assert [(f.frame, f.split) for f in everything] == [
        (train, "train"), (test, "test"), (unassigned, None), (unknown, "train")
    ]  # fmt: skip
    assert [f.frame for f in catalogue.labelled_frames(["train"])] == [train, unknown]
    assert [f.frame for f in catalogue.labelled_frames(["validation", "test"])] == [test]
    assert everything[1].annotation == make_revision(test, at=1).annotation
    assert catalogue.drawn_counts() == {"p1": {1: 1}, "p2": {1: 1}, "p3": {1: 1}}


numbers = st.floats(-1e6, 1e6)
rings = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=5).map(tuple)
shapes = st.builds(
    Shape, class_id=st.integers(1, 3), points=rings, hole=st.booleans(), group=st.none() | st.integers(0, 9)
)


@given(drawn=st.lists(shapes, max_size=4).map(tuple))
def test_shapes_come_back_from_their_json_and_equal_shapes_have_one_text(drawn: tuple[Shape, ...]) -> None:
    text = canonical_json(shapes_to_json(drawn))
    assert json_to_shapes(json.loads(text)) == drawn
    assert canonical_json(shapes_to_json(json_to_shapes(json.loads(text)))) == text


def test_equal_numbers_have_one_text() -> None:
    whole, floating, negative = (Shape(1, ((x, 0), (1, 1), (2, 3))) for x in (0, 0.0, -0.0))
    assert len({canonical_json(shapes_to_json([s])) for s in (whole, floating, negative)}) == 1


def test_times_are_utc_and_of_one_length_so_that_they_sort_as_text() -> None:
    assert len(utc_now()) == 27
    east = timezone(timedelta(hours=8))
    assert utc_text(datetime(2026, 1, 31, 8, 0, tzinfo=east)) == "2026-01-31T00:00:00.000000Z"
    assert utc_text(datetime(2026, 1, 31, tzinfo=UTC)) < utc_text(datetime(2026, 1, 31, microsecond=1, tzinfo=UTC))
    with pytest.raises(ValueError, match="needs a time zone"):
        utc_text(datetime(2026, 1, 31))


steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from(["draw", "over", "withdraw", "again"])),
    max_size=10,
)


@settings(max_examples=15)
@given(steps=steps)
def test_whatever_happens_no_revision_is_lost_or_changed(
    steps: list[tuple[str, int, str]],
    tmp_path_factory: pytest.TempPathFactory,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
) -> None:
    root: Path = tmp_path_factory.mktemp("catalogue")
    frame = make_frame(1)
    kept: dict[str, RevisionRecord] = {}
    store = BlobStore(root / "store")
    with Catalogue.create(root / "c.sqlite", store=store, key_id="k") as catalogue:
        catalogue.sync_classes(Classes([ClassDef(1, "nerve")]))
        catalogue.add_frames([frame])
        for author, place, what in steps:
            if what == "withdraw":
                catalogue.withdraw(frame.frame_id, author, reason="deleted")
            elif what == "again":
                for head in catalogue.heads(frame.frame_id):
                    assert catalogue.append_revision(head.record).is_new == head.withdrawn
                    newest = catalogue.head(frame.frame_id, head.record.author)
                    assert newest is not None
                    kept[newest.sha256] = newest.record
            else:
                newest = catalogue.newest_revisions().get(frame.frame_id)
                parent = newest.sha256 if newest and what == "over" else None
                record = make_revision(frame, author, at=place, parent=parent)
                appended = catalogue.append_revision(record)
                if appended.is_new:
                    kept[appended.sha256] = record
    with Catalogue.open(root / "c.sqlite", store=store) as catalogue:
        assert {r.sha256: r.record for r in catalogue.history(frame.frame_id)} == kept
        assert set(store.hashes()) == set(kept)
        live = [head for head in catalogue.heads(frame.frame_id) if not head.withdrawn]
        truth = catalogue.newest_revisions().get(frame.frame_id)
        assert truth in live if live else truth is None
