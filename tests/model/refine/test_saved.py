"""What was trained is saved whole, and damaged files are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from phantom_workspace import copied, dmr, outlined

from dmr.annotate.errors import ModelError
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Workspace
from dmr.model.refine.learning import RefineSettings
from dmr.model.refine.network import RefineNet
from dmr.model.refine.prompt import Box
from dmr.model.refine.refiner import ellipse_mask
from dmr.model.refine.saved import load_refiner, newest, read_refine_card, save_refiner

SMALL = RefineSettings(size=32, width=4, steps=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w")[0]


def save(workspace: Workspace, *, seed: int = 0) -> RefineNet:
    torch.manual_seed(seed)
    network = RefineNet(2, width=4)
    torch.nn.init.normal_(network.head.weight)
    folder, classes = workspace.models_folder, {"nerve": 7, "muscle": 3}
    told = {"settings": {"seed": seed}, "steps": 1}
    save_refiner(folder, network, classes=classes, settings=SMALL, dataset=None, told=told, ellipses=("muscle",))
    return network.eval()


def test_before_anything_was_trained_the_answer_is_the_ellipse(workspace: Workspace) -> None:
    refiner, box = load_refiner(workspace, device="cpu"), Box(20, 30, 60, 80)

    mask = refiner.mask(np.zeros((100, 100), np.uint8), box=box, class_id=1)

    assert refiner.name is None
    assert np.array_equal(mask, ellipse_mask(box, height=100, width=100))


def test_the_newest_one_comes_back_as_it_was(workspace: Workspace) -> None:
    save(workspace)
    network = save(workspace, seed=1)

    refiner = load_refiner(workspace, device="cpu")

    assert (refiner.name, refiner.class_ids, refiner.size) == ("refine-2", (7, 3), 32)
    assert refiner.ellipses == {3}
    assert refiner.network is not None
    assert all(torch.equal(t, refiner.network.state_dict()[name]) for name, t in network.state_dict().items())
    card = read_refine_card(workspace.models_folder / "refine-2")
    assert (card.channels, card.settings, card.details["steps"]) == (("nerve", "muscle"), {"seed": 1}, 1)
    assert "Not a medical device" in card.details["intended_use"]


def test_a_folder_that_was_not_finished_does_not_count(workspace: Workspace) -> None:
    save(workspace)
    (workspace.models_folder / "refine-7").mkdir()
    (workspace.models_folder / "refine-x").mkdir()

    found = newest(workspace.models_folder)

    assert found is not None and found.name == "refine-1"


def _cut(place: Path) -> None:
    (place / "weights.safetensors").write_bytes((place / "weights.safetensors").read_bytes()[:-9])


def _edited(place: Path) -> None:
    card = json.loads((place / "card.json").read_text(encoding="utf-8"))
    (place / "card.json").write_text(json.dumps(card | {"width": 5}), encoding="utf-8")


def _without_hash(**odd: object) -> Callable[[Path], None]:
    def spoil(place: Path) -> None:
        card = json.loads((place / "card.json").read_text(encoding="utf-8")) | odd
        del card["card_sha256"]
        (place / "card.json").write_text(json.dumps(card), encoding="utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_cut, "does not match its card"),
        (_edited, "card_sha256"),
        (_without_hash(width=8), "does not fit the network"),
        (_without_hash(input=33), "its input is 33"),
        (_without_hash(channels={"nerve": 0, "muscle": 2}), "do not agree"),
        (_without_hash(format=9), "format 9"),
    ],
    ids=["weights", "card", "width", "input", "channels", "format"],
)
def test_damaged_files_are_refused_with_what_to_do(
    workspace: Workspace, spoil: Callable[[Path], None], what: str
) -> None:
    save(workspace)
    spoil(workspace.models_folder / "refine-1")

    with pytest.raises(ModelError, match=what):
        load_refiner(workspace, device="cpu")


def test_the_command_trains_one_judges_it_and_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = outlined(tmp_path, PhantomSet(patients=5, frames=1, seed=3))
    workspace = copied(made / "w", tmp_path / "copy", monkeypatch)
    command = ("train", "--refine", "--steps", "2", "--threads", "1", "--device", "cpu")

    first, again, other = dmr(*command), dmr(*command), dmr(*command, "--seed", "9")

    assert "refine-1 answers boxes and clicks" in first.output
    assert "Nothing new: refine-1" in again.output
    assert "refine-2 answers" in other.output
    card = read_refine_card(workspace.models_folder / "refine-1")
    assert card.details["steps"] == 2 and card.details["structures"] > 0
    assert set(card.ellipses) <= set(card.channels)
    with workspace.session() as s:
        assert tuple(s.settings.classes.predicted) == card.class_ids
        assert s.catalogue.models() == []  # it is no version of the network
    assert load_refiner(workspace, device="cpu").name == "refine-2"
    dmr("db", "verify")  # finds nothing odd in models/


def test_options_that_say_nothing_here_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = outlined(tmp_path, PhantomSet(patients=1, frames=1, seed=3))
    monkeypatch.chdir(made / "w")

    refused = dmr("train", "--refine", "--input", "64", "--finish", code=2)

    assert "takes no --finish, --input" in refused.output
