"""A computer that refuses to write costs no training: one line says what is kept, and the next run goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from phantom_workspace import copied, dmr, outlined
from refusing import Call, refusing

from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Workspace
from dmr.model.training import running
from dmr.model.training.trainer import Trainer

TRAIN = ("train", "--input", "32", "--steps", "3", "--device", "cpu")
FAULTS: list[tuple[Call, int]] = [("open", errno.EACCES), ("fsync", errno.EIO), ("replace", errno.ENOSPC)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return outlined(tmp_path_factory.mktemp("refused"), PhantomSet(3, 1)) / "w"


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Outlines of three patients and no model."""
    return copied(made, tmp_path / "w", monkeypatch)


def models(workspace: Workspace) -> list[str]:
    with workspace.catalogue() as opened:
        return [model.id for model in opened.models()]


@pytest.mark.parametrize(("call", "number"), FAULTS)
@pytest.mark.parametrize("file", ["models/v1/weights.safetensors", "models/v1/card.json"])
def test_a_version_that_cannot_be_written_is_made_by_the_next_run_without_training_again(
    file: str, call: Call, number: int, workspace: Workspace
) -> None:
    with refusing(file, call=call, number=number) as refused:
        failed = dmr(*TRAIN, code=1)
    assert refused
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    assert os.strerror(number) in line
    assert "models" in line
    assert "The same command goes on from step 3, which is saved." in line
    assert models(workspace) == []

    told = dmr(*TRAIN).output
    assert "Goes on with the interrupted training at step 3" in told
    assert models(workspace) == ["v1"]
    assert not list(Path("models").rglob("*.tmp"))
    assert not list(Path("models/.training").glob("*.pt"))


@pytest.mark.parametrize(("call", "number"), FAULTS)
def test_a_state_that_cannot_be_saved_ends_no_training(
    call: Call, number: int, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SAVE_EVERY", 1e-9)
    with refusing("models/.training/.*pt", call=call, number=number) as refused:
        told = dmr(*TRAIN).output
    assert len(refused) == 3
    assert told.count("Not saved at step ") == 1, "said once"
    assert os.strerror(number) in told
    assert models(workspace) == ["v1"]


@pytest.mark.parametrize(("call", "number"), FAULTS[-1:])
def test_curves_that_cannot_be_written_cost_no_version(call: Call, number: int, workspace: Workspace) -> None:
    with refusing("curves.png", call=call, number=number) as refused:
        told = dmr(*TRAIN, code=1).output
    assert len(refused) == 1
    assert "v1 is saved all the same" in told
    assert "Curves of loss" not in told
    assert models(workspace) == ["v1"]
    assert not list(Path("models/.training").glob("*.pt"))


def test_ctrl_c_on_a_full_disk_says_what_is_saved(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(trainer: Trainer, **_: object) -> None:
        trainer.step = 1
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run", interrupted)
    with refusing("models/.training/.*pt", call="replace", number=errno.ENOSPC):
        told = dmr(*TRAIN, code=1).output
    assert "Make room on the disk. The same command starts again, because no step is saved yet." in told


def test_a_state_that_may_not_be_read_stays_where_it_is(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing("models/v1/card.json", call="replace", number=errno.EIO):
        dmr(*TRAIN, code=1)
    (state,) = Path("models/.training").glob("*.pt")
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.suffix == ".pt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        told = dmr(*TRAIN, code=1).output
    assert f"{state.name}: cannot be used (Permission denied)" in told
    assert "goes on from step 3, which is saved" in told
    assert state.is_file()
    assert "Goes on with the interrupted training at step 3" in dmr(*TRAIN).output


def test_a_state_that_cannot_be_deleted_spoils_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".pt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        dmr(*TRAIN)
    assert "Nothing new: v1" in dmr(*TRAIN).output
    assert "was interrupted" not in dmr("status").output
