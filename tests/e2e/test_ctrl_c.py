"""Ctrl-C during a training, once and twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from scans import write_scans

from dmr.cli import main
from dmr.model.training.interrupt import wait_for_second

# A shell lets what it starts in the background ignore Ctrl-C, and so would this child if the tests run there.
AS_IN_A_TERMINAL = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from dmr.cli import main; main()"
)


def test_a_second_ctrl_c_counts_while_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(_: float) -> None:
        raise KeyboardInterrupt

    assert not wait_for_second(7, False, wait_s=0)
    monkeypatch.setattr("dmr.model.training.interrupt.time.sleep", pressed)
    assert wait_for_second(7, False)
    assert wait_for_second(7, True)
    assert "Interrupted at step 7, which is saved." in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own is made as POSIX does")
def test_ctrl_c_twice_in_a_terminal_makes_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scans(tmp_path / "in", patients=range(4), labelled=True)
    for arguments in (("init", str(tmp_path / "w"), "--coverage", "all"), ("import", str(tmp_path / "in"))):
        assert CliRunner().invoke(main, arguments).exit_code == 0
        monkeypatch.chdir(tmp_path / "w")
    controller, terminal = os.openpty()
    command = [sys.executable, "-c", AS_IN_A_TERMINAL, "train", "--input", "32", "--steps", "100000", "--device", "cpu"]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    seen = bytearray()

    def read() -> None:
        try:
            while part := os.read(controller, 4096):
                seen.extend(part)
        except OSError:
            pass  # the other side is closed

    reader = threading.Thread(target=read)
    reader.start()

    def wait_for(words: bytes) -> None:
        deadline = time.monotonic() + 120
        while not re.search(words, seen):
            assert time.monotonic() < deadline, seen.decode(errors="replace")
            time.sleep(0.02)

    try:
        wait_for(rb"step \d+ of")
        process.send_signal(signal.SIGINT)
        wait_for(rb"To\s+make\s+a\s+version\s+of\s+what\s+it\s+has\s+learnt")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0, seen.decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(controller)
    assert json.loads(Path("models/v1/card.json").read_text(encoding="utf-8"))["ended_early"]
