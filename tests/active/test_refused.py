"""A table, sheet or page that cannot be written costs nothing else: the old one stays, and the next run writes it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from phantom_workspace import dmr, outlined
from refusing import refusing

from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Workspace
from dmr.model.training.settings import train_settings
from dmr.model.training.train import train_model

CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of seven patients with an active model, and new scans beside it."""
    scans = PhantomSet(2, 1, first=8, labels=False)
    folder = outlined(tmp_path_factory.mktemp("refused"), PhantomSet(7, 1), scans=scans)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "w")
        with Workspace.find().session(device="cpu") as s:
            train_model(s, settings=train_settings(s.settings, steps=2, input=32), activate=True)
        dmr("prelabel", str(folder / "scans"), "--no-push", *CPU)
        dmr("evaluate", *CPU)
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "c")
    monkeypatch.chdir(tmp_path / "c" / "w")
    return tmp_path / "c" / "w"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=["full", "no permission"])
@pytest.mark.parametrize(
    ("command", "file"),
    [
        (("prelabel", "../scans", "--no-push", *CPU), "reports/ranking.csv"),
        (("prelabel", "../scans", "--no-push", *CPU), "reports/prelabel.png"),
        (("evaluate", *CPU), "reports/evaluation-v1-test.html"),
    ],
    ids=["ranking", "sheet", "page"],
)
def test_what_stood_there_stays_and_the_next_run_writes_it(
    command: tuple[str, ...], file: str, number: int, workspace: Path
) -> None:
    before = (workspace / file).read_bytes()
    with refusing(file, call="replace", number=number) as refused:
        failed = dmr(*command, code=None)
    assert len(refused) == 1
    assert failed.exit_code in (1, 2)
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    assert file in line
    assert (workspace / file).read_bytes() == before
    assert not list((workspace / "reports").glob(".dmr-*"))
    dmr(*command)


def test_the_verdict_is_told_though_the_ranking_cannot_be_written(workspace: Path) -> None:
    retrain = ("retrain", "--no-pull", "--again", "--steps", "2", "--input", "32", *CPU)
    with refusing("reports/ranking.csv", call="fsync", number=errno.EIO) as refused:
        failed = dmr(*retrain, code=None)
    assert refused
    assert failed.exit_code == 1
    assert "Gate: v2 against v1 is " in failed.output
    assert "Input/output error" in failed.output
    assert "The verdict is kept." in failed.output
    assert "v2 against v1" in dmr("status").output
    dmr("retrain", "--no-pull", "--steps", "2", "--input", "32", *CPU)
