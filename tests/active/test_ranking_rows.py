"""The guessed Dice of a draft in the ranking."""

from __future__ import annotations

from typing import Any

import pytest

from dmr.active.ranking_rows import mean_guessed_dice


@pytest.mark.parametrize(
    ("statistics", "guess"),
    [
        ({"classes": {"psoas": {"guessed_dice": 0.5}, "bone": {"guessed_dice": 0.75}}}, 0.625),
        ({"classes": {"psoas": {"guessed_dice": 0.5}, "bone": {"guessed_dice": None}, "plexus": {}}}, 0.5),
        ({"classes": {"psoas": {"guessed_dice": 0.0}}}, 0.0),
        ({"classes": {"psoas": {"guessed_dice": None}}}, None),
        ({"classes": {}}, None),
        ({}, None),
    ],
    ids=["mean", "some have none", "zero is a guess", "none has one", "nothing drawn", "no draft"],
)
def test_the_guess_of_a_draft_is_the_mean_over_what_is_drawn(statistics: dict[str, Any], guess: float | None) -> None:
    assert mean_guessed_dice(statistics) == guess
