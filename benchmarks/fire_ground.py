"""What `fire.py` works on: a home, a workspace and scans for each command, a server, and what holds afterwards."""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from click.testing import CliRunner, Result
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio
from physician import Physician
from scans import write_scans

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.errors import DmrError
from dmr.annotate.report import Report
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.system.store import TEMPORARY, sha256_hex
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace
from dmr.cli import main

# Of each command: the state that it starts from, and its arguments.
__all__ = ["STAGES", "FakeStudio", "Ground", "serve"]

STAGES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "import": ("new", ("import", "../labelled")),
    "convert": ("new", ("convert", "labelme-to-layers", "../labelled", "../layers")),
    "backup": ("imported", ("db", "backup", "../backup")),
    "push": ("drafted", ("push", "--pixels-reviewed")),
    "pull": ("submitted", ("pull",)),
    "prelabel": ("trained", ("prelabel", "../unlabelled", "--device", "cpu", "--no-push")),
    "train": ("imported", ("train", "--input", "32", "--steps", "3", "--device", "cpu")),
}


@dataclass(slots=True)
class Ground:
    """States of a department that commands start from, a folder each, and a server that holds what Label Studio would.

    Attributes:
        folder: Holds the states.
        server: Its content is that of the state in hand.
        studios: The server's content by state.
        ends: By stage, what an undisturbed run leaves.
    """

    folder: Path
    server: FakeServer
    studios: dict[str, FakeStudio] = field(default_factory=dict)
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make all states, each from the one before."""
        first = self.folder / "new"
        write_scans(first / "labelled", patients=range(2), labelled=True)
        write_scans(first / "unlabelled", patients=range(2, 3), labelled=False)
        (first / "home").mkdir()
        self._make("new", None, ("init", str(first / "ward"), "--coverage", "all"))
        self._make("imported", "new", STAGES["import"][1])
        because = ("models", "promote", "v1", "--because", "the benchmark needs one")
        self._make("trained", "imported", STAGES["train"][1], because)
        self._make("drafted", "trained", STAGES["prelabel"][1])
        self._make("submitted", "drafted", STAGES["push"][1])
        self._submit("submitted")

    def _make(self, state: str, before: str | None, *commands: tuple[str, ...]) -> None:
        place = self.folder / state
        if before is not None:
            shutil.copytree(self.folder / before, place)
        self.server.studio = copy.deepcopy(self.studios[before]) if before else FakeStudio()
        for command in commands:
            done = self.run(place, command)
            if done.exit_code:
                raise RuntimeError(f"{state}: {done.output}")
        self.studios[state] = copy.deepcopy(self.server.studio)

    def _submit(self, state: str) -> None:
        with Physician(Login(self.server.url, TOKEN), self.server.studio.projects[0]["id"]) as physician:
            for task in physician.tasks():
                physician.submit(task, physician.draft_of(task))
        self.studios[state] = copy.deepcopy(self.server.studio)

    @contextmanager
    def copied(self, stage: str) -> Iterator[Path]:
        """A copy of the state that a stage starts from, the server set to it."""
        state, _ = STAGES[stage]
        place = Path(tempfile.mkdtemp(prefix="run", dir=self.folder))
        shutil.copytree(self.folder / state, place, dirs_exist_ok=True)
        self.server.studio = copy.deepcopy(self.studios[state])
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def environment(self, place: Path) -> dict[str, str]:
        """What a command is told of its home and its server."""
        own = {"DMR_HOME": str(place / "home"), "DMR_STUDIO_URL": self.server.url, "DMR_STUDIO_TOKEN": TOKEN}
        return own | {"OMP_NUM_THREADS": "1"}

    def run(self, place: Path, arguments: tuple[str, ...]) -> Result:
        """Run a command in this process, undisturbed."""
        folder = place / "ward" if (place / "ward").is_dir() else place
        with patch.dict(os.environ, self.environment(place)), chdir(folder):
            return CliRunner().invoke(main, list(arguments))

    def undisturbed(self, stage: str) -> tuple[str, str]:
        """What the stage leaves when nothing happens."""
        if stage not in self.ends:
            with self.copied(stage) as place:
                done = self.run(place, STAGES[stage][1])
                if done.exit_code:
                    raise RuntimeError(f"{stage}: {done.output}")
                self.ends[stage] = self.end(stage, place)
        return self.ends[stage]

    def end(self, stage: str, place: Path) -> tuple[str, str]:
        """The catalogue's hash, and one of the files that the stage makes for people; of a training, its versions."""
        with self.opened(place) as catalogue:
            versions = ",".join(sorted(model.id for model in catalogue.models()))
            said = versions if stage == "train" else catalogue.catalogue_hash()
        folders = {"convert": place / "layers", "train": place / "none"}
        return said, files_hash(folders.get(stage, place / "ward" / "annotations"))

    @contextmanager
    def opened(self, place: Path) -> Iterator[Catalogue]:
        """The workspace's catalogue."""
        with patch.dict(os.environ, self.environment(place)), Workspace.at(place / "ward").catalogue() as catalogue:
            yield catalogue

    def revisions(self, place: Path) -> frozenset[str]:
        """All revisions that the workspace has acknowledged."""
        with self.opened(place) as catalogue:
            return frozenset(r.sha256 for f in catalogue.frames() for r in catalogue.history(f.frame_id))

    def faults(self, place: Path) -> list[str]:
        """What `dmr db verify` finds."""
        try:
            with patch.dict(os.environ, self.environment(place)):
                found = verify(Workspace.at(place / "ward"), report=Report("db verify"))
        except DmrError as error:
            return [str(error)]
        return [str(fault.error()).replace(str(place), "") for fault in found]


def files_hash(folder: Path) -> str:
    """A SHA-256 of all files in a folder: their names and what they hold.

    What a killed run left half written does not count: it is swept when it is an hour old, for until then another
    process may be at it.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not TEMPORARY.fullmatch(p.name))
    told = "\n".join(f"{p.relative_to(folder).as_posix()} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in files)
    return sha256_hex(told.encode())
