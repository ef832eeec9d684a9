"""A model's card: every field is checked before any is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import ModelError
from dmr.annotate.formats.card_json import HASH, card_hash
from dmr.annotate.overview.model_card import read_validation_dice
from dmr.model.inference.calibration import Calibration
from dmr.model.network.card import CARD, Card, read_card
from dmr.model.network.card_fields import OPTIONAL, REQUIRED
from dmr.model.versions.trainings import Training

DETAILS: dict[str, Any] = {
    "run": "0123456789abcdef",
    "trained_at": "2026-11-28T01:58:13.386657Z",
    "dataset": "5" * 64,
    "data": {"train": {"frames": 4, "patients": 2, "frames_with": {"muscle": 4, "nerve": 2}}},
    "settings": {"steps": 60},
    "steps": 60,
    "minutes": 0.38,
    "ended_early": False,
    "parameters": 1422447,
    "torch": "2.13.0+cpu",
    "limits": ["It has seen 4 frames."],
    "inside": {"nerve": "muscle"},
    "verdict": {"verdict": "usable"},
    "validation_dice_while_training": None,
    "how_measured": "On the grid.",
    "validation": {"muscle": {"dice": 0.8, "hd95": None}, "mean": {"dice": 0.8}},
    "calibration": {"curves": {"muscle": [[0.1, 0.2]], "nerve": []}, "dice": {"slope": 1.0, "offset": -0.1}},
}
SOUND: dict[str, Any] = json.loads(Card("v1", "s", 64, ("muscle", "nerve"), (3, 7), "a" * 64, DETAILS).as_json())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def write(folder: Path, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / CARD).write_text(json.dumps(content), encoding="utf-8")
    return folder


def spoilt(**changes: Any) -> dict[str, Any]:
    """A card of an older version, which holds no hash, with other values."""
    return {name: value for name, value in (SOUND | changes).items() if name != HASH}


def lines(folder: Path) -> list[str]:
    """What every reader of a card says of it; a traceback fails the test."""
    told = []
    readers: list[Callable[[], object]] = [
        lambda: read_validation_dice(folder / CARD),
        lambda: Calibration.of(read_card(folder).details, read_card(folder).channels),
        lambda: Training.of(read_card(folder)),
    ]
    for read in readers:
        try:
            read()
        except ModelError as error:
            told.append(str(error))
    assert all("\n" not in line for line in told)
    return told


def test_a_sound_card_is_read_with_and_without_its_hash(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, SOUND))
    assert card == read_card(write(tmp_path, spoilt()))
    assert card.details == DETAILS
    assert lines(tmp_path) == []


def test_a_changed_value_is_found_by_the_hash_and_another_layout_is_none(tmp_path: Path) -> None:
    write(tmp_path, dict(reversed(SOUND.items())))
    assert read_card(tmp_path).id == "v1"
    for change in ({"minutes": 0.39}, {"class_ids": {"muscle": 7, "nerve": 3}}, {"note": "added"}, {HASH: None}):
        write(tmp_path, SOUND | change)
        assert all("was changed or damaged" in line for line in lines(tmp_path)), change
        assert len(lines(tmp_path)) == 3


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "text for input": ({"input": "nope"}, 'its input is "nope"'),
    "no multiple of 32": ({"input": 100}, "its input is 100"),
    "a vast input": ({"input": 10**30}, "its input is 1000"),
    "half an input": ({"input": 64.5}, "its input is 64.5"),
    "no input at all": ({"input": 0}, "its input is 0"),
    "null for an id": ({"id": None}, "its id is null"),
    "a path for an id": ({"id": "../v1"}, 'its id is "../v1"'),
    "another size": ({"size": "xl"}, 'has size "xl"'),
    "a list for a size": ({"size": ["s"]}, 'its size is ["s"]'),
    "another size's network": ({"size": "m"}, "do not agree"),
    "no hash": ({"weights_sha256": "abc"}, 'its weights_sha256 is "abc"'),
    "a list for channels": ({"channels": ["muscle", "nerve"]}, 'its channels is ["muscle", "nerve"]'),
    "no channels": ({"channels": {}, "class_ids": {}}, "its channels are empty"),
    "channels from 0": ({"channels": {"muscle": 0, "nerve": 1}}, "its channels is"),
    "two channels of one number": ({"channels": {"muscle": 1, "nerve": 1}}, "numbered [1, 1]"),
    "a channel left out": ({"channels": {"muscle": 1, "nerve": 3}}, "numbered [1, 3]"),
    "text for a channel": ({"channels": {"muscle": 1, "nerve": "2"}}, "its channels is"),
    "an id too large": ({"class_ids": {"muscle": 3, "nerve": 255}}, "its class_ids is"),
    "an id of background": ({"class_ids": {"muscle": 0, "nerve": 7}}, "its class_ids is"),
    "one id twice": ({"class_ids": {"muscle": 3, "nerve": 3}}, "two classes have the same"),
    "other classes": ({"class_ids": {"muscle": 3, "bone": 7}}, "name other classes than its channels"),
    "a class more": ({"class_ids": {"muscle": 3, "nerve": 7, "bone": 8}}, "name other classes than its channels"),
    "text for a count": ({"data": {"train": {"frames": "many"}}}, 'its data.train.frames is "many"'),
    "a list for data": ({"data": []}, "its data is []"),
    "endless minutes": ({"minutes": float("inf")}, "its minutes is Infinity"),
    "no number of minutes": ({"minutes": float("nan")}, "its minutes is NaN"),
    "text for a Dice": ({"validation": {"mean": {"dice": "good"}}}, "its validation is"),
    "another verdict": ({"verdict": {"verdict": "fine"}}, 'its verdict.verdict is "fine"'),
    "a curve of text": (
        {"calibration": {"curves": {"muscle": ["x"], "nerve": []}, "dice": {"slope": 1, "offset": 0}}},
        "its calibration.curves is",
    ),
    "a curve too few": (
        {"calibration": {"curves": {"muscle": []}, "dice": {"slope": 1, "offset": 0}}},
        "its calibration has other classes",
    ),
    "no slope": ({"calibration": {"curves": {"muscle": [], "nerve": []}, "dice": {"offset": 0}}}, "lacks dice.slope"),
    "text for a calibration": ({"calibration": "yes"}, 'its calibration is "yes"'),
    "a newer format": ({"format": 2}, "has format 2; this dmr reads format 1"),
    "a truth value for a format": ({"format": True}, "has format true"),
}


@pytest.mark.parametrize(("change", "told"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_field_is_named_with_its_value_in_one_line(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    write(tmp_path, spoilt(**change))
    with pytest.raises(ModelError) as caught:
        read_card(tmp_path)
    assert told in str(caught.value)
    assert "dmr models list" in str(caught.value)
    assert lines(tmp_path)


@pytest.mark.parametrize("name", ["format", *REQUIRED])
def test_a_field_that_every_card_has_is_missed(name: str, tmp_path: Path) -> None:
    content = spoilt()
    del content[name]
    write(tmp_path, content)
    with pytest.raises(ModelError, match=f"lacks '{name}'"):
        read_card(tmp_path)


def test_a_card_that_says_nothing_of_its_training_is_read_and_asked_in_one_line(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, {name: spoilt()[name] for name in ("format", *REQUIRED)}))
    with pytest.raises(ModelError, match=r"the card of v1: does not say data\.train\.frames"):
        card.detail("data", "train", "frames")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "[" * 100_000, '{"format": ' + "9" * 5000 + "}", "\ufeff{}", "{}" + " " * (17 << 20)],
    ids=["empty", "torn", "list", "number", "null", "deep", "long number", "mark", "large"],
)
def test_what_is_no_card_at_all_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / CARD).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="is no card of a model"):
        read_card(tmp_path)
    assert len(lines(tmp_path)) == 3


@given(field=st.sampled_from(["format", *REQUIRED, *OPTIONAL, "calibration", HASH]), value=JSON)
def test_any_value_in_any_field_is_taken_or_told_in_one_line(
    field: str, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(tmp_path_factory.getbasetemp() / "card", spoilt(**{field: value}))
    lines(folder)


@given(content=st.dictionaries(st.sampled_from(["a", "b", HASH]), JSON))
def test_the_hash_is_that_of_what_was_written(content: dict[str, Any]) -> None:
    assert card_hash(json.loads(json.dumps(content))) == card_hash(content)
