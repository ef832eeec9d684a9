"""`dmr status` answers beside a writer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dmr.annotate.workspace import WAIT_S, Workspace

# Holds the lock of the workspace and the catalogue's, with a row that is not committed yet.
WRITER = """
import sqlite3, sys
from pathlib import Path
from dmr.annotate.workspace import Workspace
workspace = Workspace.at(Path(sys.argv[1]))
with workspace.lock():
    connection = sqlite3.connect(workspace.root / "catalogue.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO patient (id, key_id) VALUES ('p1', 'k')")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    monkeypatch.chdir(made.root)
    return made


@pytest.mark.parametrize("command", [("status",), ("where", "--in", ".")], ids=" ".join)
def test_a_command_that_reads_answers_at_once_beside_a_writer(workspace: Workspace, command: tuple[str, ...]) -> None:
    """Before `dmr.toml` and the catalogue agree, too: its classes are read as they will be."""
    toml = workspace.root / "dmr.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"psoas_major"', '"iliopsoas"'), encoding="utf-8")
    writer = [sys.executable, "-c", WRITER, str(workspace.root)]
    with subprocess.Popen(writer, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        read = subprocess.run(
            [sys.executable, "-m", "dmr", *command], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        assert other.poll() is None, "the writer still holds both"
        other.kill()

    assert read.returncode == 0, read.stderr
    if command == ("status",):
        assert "iliopsoas" in read.stdout
        assert "patients  " not in read.stdout, "what is not committed is not seen"
