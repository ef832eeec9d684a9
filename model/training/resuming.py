"""What an interrupted training leaves under `models/.training/`: its state, and what it is the state of."""

from __future__ import annotations

import io
import json
import pickle  # only for the name of an error
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ...annotate.errors import WorkspaceError
from ...annotate.system.canonical import canonical_json
from ...annotate.system.clock import utc_now
from ...annotate.system.platform import exclusive_lock
from ...annotate.system.store import sha256_hex, write_atomic
from ...annotate.workspace import Workspace
from ..data.augment import Augmentation
from .settings import TrainSettings
from .trainer import Trainer

# A torn pickle may ask for anything, so these are many.
_UNREADABLE = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, OSError)


@dataclass(frozen=True, slots=True)
class Run:
    """One training: what it learns from and how. The same run, begun again, goes on where it was interrupted.

    Attributes:
        id: Hash of all that decides it.
        dataset: Id of the data set: training and validation revisions.
        settings: How it trains.
        names: Class name by id, in the order of the network's channels.
        inside: Of classes that lie inside another, that other's name.
    """

    id: str
    dataset: str
    settings: TrainSettings
    names: dict[int, str]
    inside: dict[str, str]

    @classmethod
    def of(
        cls,
        dataset: str,
        settings: TrainSettings,
        names: dict[int, str],
        inside: dict[str, str],
        *,
        layers: Any,
        network: int,
    ) -> Run:
        """A run by all that decides it.

        Args:
            dataset: Id of the data set.
            settings: How it trains.
            names: Class name by id.
            inside: Of classes that lie inside another, that other's name.
            layers: How targets are painted, as JSON values.
            network: Counts up with every change of the network.
        """
        decisive = {name: value for name, value in asdict(settings).items() if name not in _by_pace(settings)}
        key = canonical_json([dataset, decisive, sorted(names.items()), layers, network])
        return cls(sha256_hex(key.encode())[:16], dataset, settings, names, inside)


def _by_pace(settings: TrainSettings) -> set[str]:
    """The settings that the PC's pace decides: begun again on a busier PC, it is the same training."""
    by_pace = {"input"} & set(settings.chosen)
    return by_pace | ({"steps", "epochs", "minutes"} if "length" in settings.chosen else set())


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A training that did not come to its end.

    Attributes:
        run: Which.
        step: Steps done when it was saved last.
        minutes: Spent training until then.
        saved_at: When that was.
    """

    run: Run
    step: int
    minutes: float
    saved_at: str


class States:
    """The states of interrupted trainings of a workspace.

    Args:
        workspace: Whose.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.models_folder / ".training"

    def save(self, run: Run, trainer: Trainer) -> None:
        """Keep where a run stands; what it is the state of goes first, and counts only with the state beside it."""
        about = {
            "run": run.id,
            "dataset": run.dataset,
            "settings": asdict(run.settings),
            "classes": [[i, name] for i, name in run.names.items()],
            "inside": run.inside,
            "step": trainer.step,
            "minutes": round(trainer.seconds / 60, 2),
            "saved_at": utc_now(),
        }
        buffer = io.BytesIO()
        torch.save(trainer.state(), buffer)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._about(run.id), (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
        write_atomic(self._state(run.id), buffer.getvalue())

    def save_undisturbed(self, run: Run, trainer: Trainer) -> bool:
        """Keep where a run stands, also if Ctrl-C is pressed meanwhile.

        Returns:
            Whether it was.
        """
        pressed = False
        while True:
            try:
                self.save(run, trainer)
            except KeyboardInterrupt:
                pressed = True
            else:
                return pressed

    def load(self, run: Run, trainer: Trainer) -> bool:
        """Bring a trainer to where a run was interrupted.

        A state that cannot be read, or is of another network, is put aside. The trainer may then be half loaded.

        Returns:
            Whether it worked.
        """
        path = self._state(run.id)
        try:
            state = torch.load(io.BytesIO(path.read_bytes()), weights_only=True, map_location="cpu")
            trainer.load_state(state)
        except (*_UNREADABLE, pickle.UnpicklingError):
            path.replace(self.unreadable(run))
            return False
        return True

    def has(self, run: Run) -> bool:
        """Whether a run was interrupted."""
        return self._state(run.id).is_file()

    def as_begun(self, run: Run) -> Run | None:
        """An interrupted run with the settings that the PC's pace decided when it began; None where there is none."""
        if not self.has(run) or (found := _read(self._about(run.id))) is None:
            return None
        return found.run

    def unreadable(self, run: Run) -> Path:
        """Where a state is put that cannot be read."""
        return self._state(run.id).with_suffix(".unreadable")

    def forget(self, run: Run) -> None:
        """Delete the state of a run whose version is safe."""
        self._state(run.id).unlink(missing_ok=True)
        self._about(run.id).unlink(missing_ok=True)

    def interrupted(self) -> list[Interrupted]:
        """The trainings that were interrupted and are not running, the newest first."""
        found = []
        for path in self.folder.glob("*.json"):
            if self._state(path.stem).is_file() and (one := _read(path)) is not None and not self._is_running(one.run):
                found.append(one)
        return sorted(found, key=lambda one: one.saved_at, reverse=True)

    @contextmanager
    def alone(self, run: Run) -> Iterator[None]:
        """Let nobody else train the same run meanwhile; other commands go on.

        Raises:
            WorkspaceError: Somebody does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            try:
                held.enter_context(exclusive_lock(self._lock(run.id), wait_s=0))
            except TimeoutError:
                raise WorkspaceError("train", "the same training is running already", "Wait for it to finish") from None
            yield

    def _is_running(self, run: Run) -> bool:
        try:
            with exclusive_lock(self._lock(run.id), wait_s=0):
                return False
        except TimeoutError:
            return True

    def _state(self, run: str) -> Path:
        return self.folder / f"{run}.pt"

    def _about(self, run: str) -> Path:
        return self.folder / f"{run}.json"

    def _lock(self, run: str) -> Path:
        return self.folder / f"{run}.lock"


def _read(path: Path) -> Interrupted | None:
    """What a state is of; None where that cannot be read, or was written by a dmr that trains differently."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        values = about["settings"]
        own = {"augmentation": Augmentation(**values["augmentation"]), "chosen": tuple(values.get("chosen", ()))}
        settings = TrainSettings(**values | own)
        names = {int(i): str(name) for i, name in about["classes"]}
        run = Run(str(about["run"]), str(about["dataset"]), settings, names, dict(about["inside"]))
        return Interrupted(run, int(about["step"]), float(about["minutes"]), str(about["saved_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
