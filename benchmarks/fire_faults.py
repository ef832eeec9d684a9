"""Faults at one call of a command, put in by `strace`, and kills at a random moment; each says whether it fired."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

CALLS: Final = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename")
ERRORS: Final = ("ENOSPC", "EIO", "EACCES")
_WAIT_S: Final = 300.0
_LINE: Final = re.compile(r"^(\d+) +(\w+)\((.*)$")
_PATHS: Final = {
    "openat": re.compile(r'^[^"]*"([^"]*)"'),
    "rename": re.compile(r'^"[^"]*", "([^"]*)"'),
}
_OPENED: Final = re.compile(r"^\d+<([^>]*)>")
_OWN: Final = re.compile(r"[0-9a-f]{8,}|\d+")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an undisturbed run: the `number`th of its kind, on a file of the department."""

    name: str
    number: int
    place: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a disturbed run ended.

    Attributes:
        fired: Whether it was disturbed, in a file of the department.
        place: In which.
        code: Its exit code, below 0 the signal that killed it.
        output: What it said.
    """

    fired: bool
    place: str
    code: int
    output: str


def command(arguments: tuple[str, ...]) -> list[str]:
    """The command line of `dmr`, in a process of its own."""
    return [sys.executable, "-P", "-m", "dmr", *arguments]


def traced(arguments: tuple[str, ...], *, place: Path, environment: dict[str, str], log: Path) -> list[Call]:
    """The calls of an undisturbed run, by its main thread, on files of the department."""
    watch = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]
    _run([*watch, *command(arguments)], place, environment)
    counts: dict[str, int] = {}
    calls: list[Call] = []
    main = ""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if not (found := _LINE.match(line)):
            continue
        main = main or found[1]
        if found[1] == main:
            counts[found[2]] = counts.get(found[2], 0) + 1
            if where := _place(found[2], found[3], place):
                calls.append(Call(found[2], counts[found[2]], where))
    return calls


def with_fault(
    arguments: tuple[str, ...], call: Call, error: str, *, place: Path, environment: dict[str, str], log: Path
) -> Ended:
    """Run a command of which one call fails."""
    inject = f"inject={call.name}:error={error}:when={call.number}"
    watch = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={call.name}", "-e", inject]
    done = _run([*watch, *command(arguments)], place, environment)
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "(INJECTED)" in line]
    places = [_place(m[2], m[3], place) for line in lines if (m := _LINE.match(line))]
    own = [where for where in places if where]
    return Ended(bool(own), own[0] if own else "", done.returncode, done.stdout)


def timed(arguments: tuple[str, ...], *, place: Path, environment: dict[str, str]) -> None:
    """Run a command to its end, as `killed` runs it."""
    _run(command(arguments), place, environment)


def killed(
    arguments: tuple[str, ...], *, place: Path, environment: dict[str, str], usual_s: float, random: Random
) -> Ended:
    """Run a command and kill it at a random moment of the later two thirds: before that it only imports modules."""
    started = subprocess.Popen(
        command(arguments),
        cwd=place / "ward",
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    time.sleep(random.uniform(0.33, 1.0) * usual_s)
    started.kill()
    output, _ = started.communicate(timeout=_WAIT_S)
    return Ended(started.returncode == -signal.SIGKILL, "", started.returncode, output)


def _run(line: list[str], place: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        cwd=place / "ward",
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=_WAIT_S,
        check=False,
    )


def _place(name: str, arguments: str, place: Path) -> str:
    """Which file of the department a call is on, ids and numbers blotted out; empty for another file."""
    found = _PATHS.get(name, _OPENED).match(arguments)
    if found is None:
        return ""
    path = Path(os.path.normpath(place / "ward" / found[1]))
    return _OWN.sub("*", path.relative_to(place).as_posix()) if path.is_relative_to(place) else ""
