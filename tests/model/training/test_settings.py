"""Settings of a training: their ranges are those of `dmr.toml`."""

from __future__ import annotations

from typing import Any

import pytest

from dmr.annotate.settings.model import NETWORK_SIZES, TrainDefaults
from dmr.model.network.dmrnet import SIZES
from dmr.model.training.settings import TrainSettings


def test_each_size_that_may_be_set_is_a_networks() -> None:
    assert set(SIZES) == set(NETWORK_SIZES)


@pytest.mark.parametrize(
    "value",
    [
        {"size": "xl"},
        {"input": 100},
        {"input": 0},
        {"input": 1056},
        {"seed": -1},
        {"epochs": 0},
        {"minutes": 0.0},
    ],
    ids=str,
)
def test_what_the_file_may_not_say_no_option_may(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(value))} is ") as file:
        TrainDefaults(**value)
    with pytest.raises(ValueError, match=f"{next(iter(value))} is ") as option:
        TrainSettings(**value)
    assert str(file.value) == str(option.value)
