from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.errors import CatalogueError


def test_a_frame_comes_back_as_it_was_put_in(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> None:
    full = make_frame(
        1,
        index=4,
        spacing_mm=(0.1, 0.25),
        spacing_source="DICOM region",
        sector=((0.5, 1.0), (70.25, 1.0), (40.0, 59.0)),
        time_ms=33.3,
        eligible=False,
        note="was TIFF",
        perceptual_hash="00ff00ff00ff00ff",
        clip_source_sha256="cd" * 32,
        acquired="2026-01-31",
        site="ward 3",
        device="probe",
        state="quarantined",
    )
    bare = make_frame(2, patient=None)

    assert catalogue.add_frames([bare, full]) == {full.frame_id, bare.frame_id}
    assert catalogue.frames() == [full, bare]
    assert catalogue.frames([bare.frame_id, "f-unknown"]) == [bare]
    assert catalogue.known_frames([full.frame_id, "f-unknown"]) == {full.frame_id}


def test_more_frames_than_one_statement_takes_go_in_and_again_changes_nothing(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    frames = [make_frame(i, patient=f"p{i % 7}") for i in range(1203)]
    ids = {frame.frame_id for frame in frames}

    assert catalogue.add_frames(iter(frames)) == ids
    before = catalogue.catalogue_hash()
    assert catalogue.add_frames(frames) == frozenset()
    assert catalogue.catalogue_hash() == before
    assert catalogue.known_frames(ids) == ids
    assert len(catalogue.frames()) == 1203
    assert set(catalogue.splits()) == {f"p{i}" for i in range(7)}


def test_other_pixels_of_a_known_frame_are_a_new_rendition_and_the_frame_is_not_new(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    first = make_frame(1)
    second = dataclasses.replace(first, pixel_sha256="ee" * 32, deid_version="2", path="frames/b.png")
    catalogue.add_frames([first])

    assert catalogue.add_frames([second]) == frozenset()
    assert catalogue.frames() == [second]
    assert catalogue.add_frames([first]) == frozenset()
    assert catalogue.frames() == [second], "an earlier rendition met again is not the newest"


def test_a_frame_of_an_unknown_patient_moves_to_the_patient_once_known(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    catalogue.add_frames([make_frame(1, patient=None)])
    known = make_frame(1, patient="p9")

    assert catalogue.add_frames([known]) == frozenset()
    assert catalogue.frames() == [known]
    catalogue.add_frames([make_frame(1, patient="p8"), make_frame(1, patient=None)])
    assert catalogue.frames() == [known]


def test_frames_to_choose_from_are_undrawn_and_eligible_and_may_be_in_quarantine(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    drawn, copy, hidden, free, withdrawn = (make_frame(i) for i in range(5))
    catalogue.add_frames([drawn, copy, hidden, free, withdrawn])
    catalogue.append_revisions([make_revision(drawn), make_revision(withdrawn)])
    catalogue.withdraw(withdrawn.frame_id, "ann", reason="deleted")
    catalogue.set_eligible([copy.frame_id], eligible=False)
    catalogue.set_rendition_state(hidden.frame_id, pixel_sha256=hidden.pixel_sha256, state="quarantined")

    assert [f.frame_id for f in catalogue.unlabelled_frames()] == [hidden.frame_id, free.frame_id, withdrawn.frame_id]
    assert catalogue.counts()["frames to choose from"] == 3
    assert catalogue.counts()["frames in quarantine"] == sum(not f.may_leave for f in catalogue.frames())


def test_an_erased_rendition_has_no_path(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> None:
    frame = make_frame(1)
    catalogue.add_frames([frame])
    catalogue.set_rendition_state(frame.frame_id, pixel_sha256=frame.pixel_sha256, state="erased")

    assert catalogue.frames() == [dataclasses.replace(frame, path="", state="erased")]
    with pytest.raises(CatalogueError, match="has no such rendition"):
        catalogue.set_rendition_state(frame.frame_id, pixel_sha256="00" * 32, state="ok")


def test_a_batch_is_one_commit(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> None:
    with pytest.raises(KeyError), catalogue.transaction():
        catalogue.add_frames([make_frame(1)])
        raise KeyError
    assert catalogue.frames() == []


def test_the_hash_says_what_is_there_and_neither_when_nor_in_which_order(
    catalogue: Catalogue,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other_root = tmp_path_factory.mktemp("other")
    frames = [make_frame(i) for i in range(3)]
    with Catalogue.create(
        other_root / "c.sqlite", store=type(catalogue.store)(other_root / "store"), key_id="0123456789abcdef"
    ) as other:
        other.sync_classes(catalogue.classes())
        for c, order in ((catalogue, frames), (other, frames[::-1])):
            c.add_frames(order)
            for frame in order:
                c.append_revision(make_revision(frame))
        assert catalogue.catalogue_hash() == other.catalogue_hash()
        other.append_revision(make_revision(frames[0], at=5))
        assert catalogue.catalogue_hash() != other.catalogue_hash()
