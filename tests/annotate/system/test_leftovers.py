"""What killed runs left is swept when a command writes there again; what others left is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dmr.annotate.system import leftovers
from dmr.annotate.system.leftovers import TEMPORARY, temporary_beside
from dmr.annotate.system.store import write_atomic, write_many

KILLED = """
import os, signal, sys
from pathlib import Path
from dmr.annotate.system.store import write_many

def files():
    for number in range(3):
        yield Path(sys.argv[1]) / f"{number}.txt", b"half done"
    print("written aside", flush=True)
    sys.stdin.read()

write_many(files())
"""


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this process had written nowhere yet."""
    monkeypatch.setattr(leftovers, "_looked_into", set())


def start(folder: Path) -> subprocess.Popen[str]:
    """A program that has written files aside, and not renamed them."""
    command = [sys.executable, "-c", KILLED, str(folder)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "written aside\n"
    return started


def test_files_of_a_killed_run_go_when_something_is_written_there_again(tmp_path: Path) -> None:
    with start(tmp_path) as killed:
        assert len(list(tmp_path.iterdir())) == 3
        killed.kill()
    theirs = [tmp_path / name for name in (".dmr-notes.tmp", "x.tmp", ".dmr-000000000000.tmp.bak")]
    for path in theirs:
        path.write_bytes(b"theirs")
    write_atomic(tmp_path / "new.txt", b"new")

    assert sorted(tmp_path.iterdir()) == sorted([*theirs, tmp_path / "new.txt"])


def test_files_of_a_run_that_goes_on_stay(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        write_atomic(tmp_path / "new.txt", b"new")
        assert len(list(tmp_path.iterdir())) == 4
        running.communicate("")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.txt", "1.txt", "2.txt", "new.txt"]


def test_a_temporary_name_tells_its_process_and_comes_once(tmp_path: Path) -> None:
    names = {temporary_beside(tmp_path / "a").name for _ in range(1000)}

    assert len(names) == 1000
    found = [TEMPORARY.fullmatch(name) for name in names]
    assert {int(match[2], 16) for match in found if match} == {os.getpid() % 2**24}


def test_nothing_is_swept_on_a_network_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "is_network_share", lambda path: True)
    with start(tmp_path) as killed:
        killed.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    write_many({tmp_path / "new.txt": b"new"})

    assert len(list(tmp_path.iterdir())) == 4
