"""What the computer refuses is told in one line that names the file; a bug keeps its traceback."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from labelme_json import labelme, shape
from refusing import refusing
from scans import write_scans

from dmr.annotate.console import reporting
from dmr.annotate.errors import DmrError
from dmr.annotate.faults import KEPT, told
from dmr.annotate.report import Report
from dmr.annotate.system.store import write_atomic
from dmr.annotate.workspace import Workspace
from dmr.cli import main

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)


def ends_with(raised: BaseException) -> Result:
    @click.command()
    @reporting
    def command() -> Report:
        raise raised

    return CliRunner().invoke(command, [])


def from_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code  # as SQLite itself sets it
    return error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device", "/a/b"), "/a/b: cannot be used", id="full"),
        pytest.param(OSError(errno.EIO, "Input/output error"), "the disk: cannot be used", id="no-file-known"),
        pytest.param(OSError("encoder error -2"), "encoder error -2", id="without-a-number"),
        pytest.param(MemoryError(), "memory is not enough", id="memory"),
        pytest.param(BrokenProcessPool("terminated abruptly"), "memory is not enough", id="a-process-was-killed"),
        pytest.param(RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory is not enough", id="torch"),
        pytest.param(from_sqlite(sqlite3.SQLITE_FULL), "No space left", id="sqlite"),
        pytest.param(ValueError("I/O error: No space left on device (os error 28)"), "No space left", id="rust"),
        pytest.param(caused(RuntimeError("wrapped"), OSError(errno.EIO, "Input/output error", "x")), "x: ", id="cause"),
    ],
)
def test_a_failure_of_the_computer_is_one_line(error: Exception, said: str) -> None:
    result = ends_with(error)

    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert said in result.output
    assert KEPT in result.output


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("x"), from_sqlite(sqlite3.SQLITE_ERROR)], ids=repr)
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    assert told(error) is None
    assert ends_with(error).exception is error


def test_a_reader_that_is_gone_is_no_failure_to_tell() -> None:
    assert "Error" not in ends_with(BrokenPipeError(errno.EPIPE, "Broken pipe")).output


def test_a_place_that_may_not_be_used_is_wrong_usage() -> None:
    assert ends_with(PermissionError(errno.EACCES, "Permission denied", "/a")).exit_code == 2


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_writing_names_the_file_that_was_to_be_written(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space") as raised:
        write_atomic(tmp_path / "wanted.png", b"x")

    assert raised.value.filename == str(tmp_path / "wanted.png")


def _import(workspace: Path, scans: Path) -> list[str]:
    return ["import", str(scans)]


def _prelabel(workspace: Path, scans: Path) -> list[str]:
    return ["prelabel", str(scans)]


def _convert(workspace: Path, scans: Path) -> list[str]:
    return ["convert", "labelme-to-layers", str(scans), str(workspace.parent / "layers")]


@pytest.mark.parametrize(("call", "number"), list(zip(("fsync", "replace", "open"), ERRORS, strict=True)))
@pytest.mark.parametrize("command", [_import, _prelabel, _convert])
def test_a_command_that_fails_at_a_call_says_so_and_goes_on_when_it_is_run_again(
    command: Callable[[Path, Path], list[str]],
    call: str,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _ = Workspace.create(tmp_path / "w")
    write_scans(tmp_path / "scans", patients=range(1), labelled=True)
    monkeypatch.chdir(made.root)
    true, calls = getattr(os, call), 0

    def third_time(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        if call == "open" and not args[1] & os.O_CREAT:
            return true(*args, **kwargs)
        calls += 1
        if calls == 3:
            raise OSError(number, os.strerror(number))
        return true(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, third_time)
        failed = CliRunner().invoke(main, command(made.root, tmp_path / "scans"))
    assert calls >= 3, "the fault did not fire"
    assert isinstance(failed.exception, SystemExit), failed.exception
    assert failed.exit_code in (1, 2)
    assert os.strerror(number) in failed.output

    again = CliRunner().invoke(main, command(made.root, tmp_path / "scans"))
    assert again.exit_code == 0, again.output


def test_told_leaves_what_is_told_already() -> None:
    assert told(DmrError("a", "b (os error 28)", "c")) is None


def test_a_full_disk_in_a_conversion_names_the_file_and_says_to_make_room(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_bytes(labelme(shape()))
    with refusing("out/a.png", call="replace", number=errno.ENOSPC) as refused:
        arguments = ["convert", "labelme-to-mask", str(tmp_path / "in"), str(tmp_path / "out"), "--classes", "nerve"]
        result = CliRunner().invoke(main, arguments)
    assert len(refused) == 1
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith(f"Error: {tmp_path / 'out' / 'a.png'}: cannot be used (")
    assert "Make room on the disk" in line
