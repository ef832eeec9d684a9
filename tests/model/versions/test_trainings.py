"""Two trainings side by side: what differs is said in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dmr.model.network.checkpoint import Card, save_model
from dmr.model.versions.trainings import Training, Trainings, read_training, read_trainings

OLD = Training("v1", 27.0, 1200, 738, 256, "s")
LIKE = replace(OLD, model="v2")


@pytest.mark.parametrize(
    ("new", "told"),
    [
        pytest.param(LIKE, None, id="nothing differs"),
        pytest.param(replace(LIKE, minutes=25.0), None, id="about as many minutes"),
        pytest.param(replace(LIKE, minutes=4.0), "v2 was trained for 4 minutes, v1 for 27 minutes", id="minutes"),
        pytest.param(
            replace(LIKE, minutes=4.0, steps=180, frames=786, input=128, size="m"),
            "v2 was trained for 4 minutes, v1 for 27 minutes (180 steps against 1,200, 786 frames against 738, "
            "128 x 128 pixels against 256 x 256, size m against s)",
            id="all of it",
        ),
        pytest.param(
            replace(LIKE, frames=786),
            "v2 was trained for 27 minutes, v1 for 27 minutes (786 frames against 738)",
            id="frames alone",
        ),
    ],
)
def test_what_differs_between_two_trainings_is_one_line(new: Training, told: str | None) -> None:
    assert Trainings(candidate=new, incumbent=OLD).told() == told


def test_a_card_that_does_not_say_how_it_was_trained_is_no_error(tmp_path: Path) -> None:
    data = {"data": {"train": {"frames": 12}}}
    cards: dict[str, dict[str, Any]] = {"v1": {"minutes": 2.5, "steps": 90, **data}, "v2": {"minutes": None}}
    for version, details in cards.items():
        save_model(tmp_path / version, b"", Card(version, "s", 64, ("nerve",), (1,), "0" * 64, details))
    assert read_training(tmp_path / "v1") == Training("v1", 2.5, 90, 12, 64, "s")
    assert read_training(tmp_path / "v2") is None
    assert read_training(tmp_path / "v3") is None
    assert read_trainings(tmp_path, candidate="v2", incumbent="v1") is None
