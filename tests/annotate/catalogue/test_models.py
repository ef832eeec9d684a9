from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord
from dmr.annotate.errors import CatalogueError
from dmr.annotate.shapes import Shape


def model(name: str, **changes: object) -> ModelRecord:
    values: dict[str, object] = {"id": name, "sha256": "ab" * 32, "class_ids": (1, 3)}
    return ModelRecord(**values | changes)  # type: ignore[arg-type]


def test_a_model_comes_back_as_it_was_put_in_and_again_changes_nothing(catalogue: Catalogue) -> None:
    dataset = catalogue.add_dataset(["b" * 64, "a" * 64, "a" * 64])
    first = model("v1", at="2026-01-01T00:00:00.000000Z")
    second = model("v2", parent="v1", dataset=dataset, test_version=dataset, at="2026-01-02T00:00:00.000000Z")
    for record in (first, second, first):
        catalogue.add_model(record)

    assert catalogue.models() == [first, second]
    assert catalogue.active_model() is None
    with pytest.raises(CatalogueError, match="v1: there is another model of this name"):
        catalogue.add_model(model("v1", sha256="cd" * 32))


def test_the_same_revisions_in_any_order_are_the_same_dataset(catalogue: Catalogue) -> None:
    one = catalogue.add_dataset(["b", "a"])
    assert catalogue.add_dataset(["a", "b", "a"]) == one != catalogue.add_dataset(["a"])
    assert catalogue.dataset(one) == ("a", "b")
    with pytest.raises(CatalogueError, match="is no dataset"):
        catalogue.dataset("unknown")


def test_one_model_is_active_and_every_activation_stays_on_record(catalogue: Catalogue) -> None:
    for name in ("v1", "v2"):
        catalogue.add_model(model(name))
    catalogue.activate("v1", reason="the first")
    catalogue.activate("v1", reason="again")
    catalogue.activate("v2", reason="better")
    catalogue.activate("v1", reason="rolled back")

    active = catalogue.active_model()
    assert active is not None and active.id == "v1"
    assert {m.id: m.state for m in catalogue.models()} == {"v1": "active", "v2": "retired"}
    assert [(name, why) for name, why, _ in catalogue.activations()] == [
        ("v1", "the first"), ("v2", "better"), ("v1", "rolled back")
    ]  # fmt: skip
    with pytest.raises(CatalogueError, match="v3: is no model"):
        catalogue.activate("v3", reason="")


def test_an_activation_that_is_broken_off_leaves_the_one_before_active(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("v1", "v2"):
        catalogue.add_model(model(name))
    catalogue.activate("v1", reason="the first")
    with monkeypatch.context() as patch:
        patch.setattr("dmr.annotate.catalogue.models.utc_now", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            catalogue.activate("v2", reason="better")

    active = catalogue.active_model()
    assert active is not None and active.id == "v1"


def test_the_database_itself_allows_one_active_model(catalogue: Catalogue) -> None:
    for name in ("v1", "v2"):
        catalogue.add_model(model(name))
    with pytest.raises(sa.exc.IntegrityError), catalogue.transaction() as connection:
        connection.execute(sa.update(t.model).values(state="active"))


def test_a_verdict_is_recorded_on_a_candidate_and_refused_on_the_active_model(catalogue: Catalogue) -> None:
    test_version = catalogue.add_dataset(["a"])
    for name in ("v1", "v2"):
        catalogue.add_model(model(name))
    catalogue.activate("v1", reason="the first")
    catalogue.set_model_state("v2", state="rejected", test_version=test_version)

    rejected = next(m for m in catalogue.models() if m.id == "v2")
    assert (rejected.state, rejected.test_version) == ("rejected", test_version)
    with pytest.raises(CatalogueError, match="v1: is the active model"):
        catalogue.set_model_state("v1", state="retired")
    with pytest.raises(ValueError, match="by `activate`"):
        catalogue.set_model_state("v2", state="active")


def test_a_prediction_of_the_same_model_for_the_same_pixels_is_replaced(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    frames = [make_frame(i) for i in range(1100)]
    catalogue.add_frames(frames)
    for name in ("v1", "v2"):
        catalogue.add_model(model(name))

    def predictions(name: str, score: float) -> list[PredictionRecord]:
        shape = Shape(1, ((0.0, 0.0), (1.5, 0.0), (0.0, 1.25)))
        return [
            PredictionRecord(
                frame=f.frame_id, rendition=f.pixel_sha256, model=name, shapes=(shape,), embedding=b"\x00\x3c",
                scores={"score": score, "dice": {"1": 0.5, "3": None}},
            )
            for f in frames
        ]  # fmt: skip

    assert catalogue.add_predictions(predictions("v1", 0.1)) == 1100
    second = predictions("v1", 0.9)
    catalogue.add_predictions(iter(second))
    catalogue.add_predictions(predictions("v2", 0.5)[:1])
    catalogue.activate("v1", reason="")

    assert catalogue.latest_predictions("v1") == {p.frame: p for p in second}
    assert len(catalogue.latest_predictions("v2")) == 1
    assert catalogue.counts()["predictions of the active model"] == 1100


def test_a_prediction_on_earlier_pixels_is_not_the_latest(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    catalogue.add_frames([make_frame(1)])
    catalogue.add_model(model("v1"))
    frame = make_frame(1)
    catalogue.add_predictions(
        [PredictionRecord(frame=frame.frame_id, rendition=frame.pixel_sha256, model="v1", shapes=(), scores={})]
    )
    catalogue.add_frames([make_frame(1, pixel_sha256="ee" * 32)])
    assert catalogue.latest_predictions("v1") == {}
