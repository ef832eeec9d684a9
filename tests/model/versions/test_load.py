"""A version is the one that the catalogue names, or it is refused in one line, by every command that reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dmr.annotate.catalogue.records import ModelRecord
from dmr.annotate.errors import ModelError
from dmr.annotate.formats.card_json import HASH
from dmr.annotate.workspace import Workspace
from dmr.cli import main
from dmr.model.network.card import CARD, Card, read_card
from dmr.model.network.checkpoint import save_model, weights_bytes
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.versions.load import load_version


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with an untrained model that is active."""
    workspace, _ = Workspace.create(tmp_path / "w")
    weights = weights_bytes(DMRNet(2, size=SIZES["s"]).state_dict())
    details: dict[str, Any] = {
        "trained_at": "2026-01-31T08:00:00Z",
        "data": {"train": {"frames": 4, "patients": 2}},
        "steps": 5,
        "minutes": 0.1,
    }
    card = Card("v1", "s", 64, ("psoas_major", "lumbar_plexus"), (1, 6), sha256(weights).hexdigest(), details)
    save_model(workspace.models_folder / "v1", weights, card)
    with workspace.catalogue() as opened:
        record = ModelRecord(id="v1", sha256=card.weights_sha256, class_ids=(1, 6), dataset=opened.add_dataset([]))
        opened.add_model(record)
        opened.activate("v1", reason="test")
    monkeypatch.chdir(workspace.root)
    return workspace


@pytest.mark.parametrize("change", [{"class_ids": (6, 1)}, {"id": "v2"}], ids=["classes exchanged", "another name"])
def test_a_whole_card_that_is_not_the_one_of_the_catalogue_is_refused(
    change: dict[str, Any], workspace: Workspace
) -> None:
    folder = workspace.models_folder / "v1"
    with workspace.session(device="cpu") as s:
        version, _, card = load_version(s)
        assert (version, card) == ("v1", read_card(folder))
        (folder / CARD).write_text(replace(card, **change).as_json(), encoding="utf-8")
        with pytest.raises(ModelError, match="of other classes than the catalogue says"):
            load_version(s)


@pytest.mark.parametrize("with_hash", [True, False], ids=["found by its hash", "of an older dmr"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "list"),
        ("models", "info"),
        ("models", "export"),
        ("models", "promote", "v1", "--because", "x"),
        ("evaluate", "--device", "cpu"),
        ("retrain", "--no-pull", "--device", "cpu"),
    ],
    ids=" ".join,
)
def test_every_command_tells_a_spoilt_card_in_one_line(
    arguments: tuple[str, ...], with_hash: bool, workspace: Workspace
) -> None:
    path = workspace.models_folder / "v1" / CARD
    content = json.loads(path.read_text(encoding="utf-8")) | {"input": "nope"}
    if not with_hash:
        del content[HASH]
    path.write_text(json.dumps(content), encoding="utf-8")
    result = CliRunner().invoke(main, list(arguments))
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code in (1, 2)
    told = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1, result.output
    assert ("was changed or damaged" if with_hash else 'its input is "nope"') in told[0]


def test_a_card_that_does_not_say_what_it_was_trained_on_is_named_and_the_others_are_listed(
    workspace: Workspace,
) -> None:
    folder = workspace.models_folder / "v1"
    (folder / CARD).write_text(replace(read_card(folder), details={}).as_json(), encoding="utf-8")
    result = CliRunner().invoke(main, ["models", "list"])
    assert result.exit_code == 1
    assert "the card of v1: does not say data.train.frames" in result.stderr
