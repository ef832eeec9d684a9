"""The journal of a demo: what it has done so far. An interrupted demo goes on from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ...annotate.errors import UsageError
from ...annotate.system.store import write_atomic

SCANS: Final = "demo-scans"  # the folder that marks a demo's workspace
_NAME: Final = "demo.json"

Values = dict[str, Any]


class Journal:
    """The parts of a demo that are done, their results, and the time that each took.

    Args:
        folder: The demo's folder.
        seed: The demo's random seed.

    Raises:
        UsageError: The folder holds other files, or a demo of another seed.
    """

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._path = folder / SCANS / _NAME
        self._content: Values = {"seed": seed, "parts": {}, "seconds": {}}
        if self._path.is_file():
            self._content = _read(self._path)
        elif folder.exists() and any(folder.iterdir()):
            what = "holds a demo that cannot be continued" if (folder / SCANS).is_dir() else "holds other files"
            raise UsageError(folder, what, "Delete it, or name another folder: dmr demo FOLDER")
        if self._content["seed"] != seed:
            what = f"holds a demo of --seed {self._content['seed']}"
            raise UsageError(folder, what, "Give that seed to continue it, or name another folder: dmr demo FOLDER")

    @property
    def begun(self) -> bool:
        """Whether something is done already."""
        return bool(self._content["parts"])

    @property
    def minutes(self) -> dict[str, float]:
        """Minutes spent on each part, over all sittings, in the order in which the parts began."""
        return {part: seconds / 60 for part, seconds in self._content["seconds"].items()}

    def part(self, name: str, work: Callable[[], Values]) -> Values:
        """Do a part of the demo and keep its result; a part that is done gives its result again.

        Args:
            name: The part's name in the page's table of minutes.
            work: Does the part, and returns its result as JSON values.
        """
        if name in self._content["parts"]:
            done: Values = self._content["parts"][name]
            return done
        began = time.monotonic()
        try:
            came_to = work()
            self._content["parts"][name] = came_to
        finally:  # the time of an interrupted part counts too
            spent = self._content["seconds"]
            spent[name] = spent.get(name, 0.0) + time.monotonic() - began
            self.save()
        return came_to

    def save(self) -> None:
        """Write the journal."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._path, (json.dumps(self._content, indent=1) + "\n").encode("utf-8"))


def _read(path: Path) -> Values:
    try:
        content: Values = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(content[key], kind) for key, kind in (("seed", int), ("parts", dict), ("seconds", dict))):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        what = "cannot be read; it says what the demo has done"
        raise UsageError(path, what, "Delete the demo's folder and start again") from None
    return content
