"""The saved states of interrupted trainings, under `models/.training/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...annotate.errors import WorkspaceError
from ...annotate.system.canonical import canonical_json
from ...annotate.system.clock import utc_now
from ...annotate.system.platform import exclusive_lock
from ...annotate.system.store import sha256_hex, write_atomic
from ...annotate.workspace import Workspace
from ..data.augment import Augmentation
from .settings import TrainSettings
from .tensors import load_tensors, save_tensors
from .trainer import Trainer

# What a state of another network, or with parts missing, raises.
_UNREADABLE = (RuntimeError, LookupError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Run:
    """One training: what it learns from and how. A repeated run goes on where it was interrupted.

    Attributes:
        id: Hash of everything that decides the run.
        dataset: Id of the data set: training and validation revisions.
        settings: How it trains.
        names: Class name by id, in the order of the network's channels.
        inside: For each class that lies inside another, the other's name.
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
        """Make a run, and its id from everything that decides it.

        Args:
            dataset: Id of the data set.
            settings: How it trains.
            names: Class name by id.
            inside: For each class that lies inside another, the other's name.
            layers: How targets are painted, as JSON values.
            network: A number that rises with every change of the network.
        """
        decisive = {name: value for name, value in asdict(settings).items() if name not in _by_pace(settings)}
        key = canonical_json([dataset, decisive, sorted(names.items()), layers, network])
        return cls(sha256_hex(key.encode())[:16], dataset, settings, names, inside)


def _by_pace(settings: TrainSettings) -> set[str]:
    """The settings that the PC's pace decides. They do not tell runs apart: a busy PC may choose others next time."""
    by_pace = {"input"} & set(settings.chosen)
    return by_pace | ({"steps", "epochs", "minutes"} if "length" in settings.chosen else set())


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A training that was interrupted.

    Attributes:
        run: The training.
        step: Steps done when it was last saved.
        minutes: Minutes of training until then.
        saved_at: When it was last saved.
    """

    run: Run
    step: int
    minutes: float
    saved_at: str


class States:
    """The saved states of a workspace's interrupted trainings.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.models_folder / ".training"

    def save(self, run: Run, trainer: Trainer) -> None:
        """Save a run's state. Its description is written first, and is used only if the state is there too."""
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
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._about(run.id), (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
        save_tensors(self._state(run.id), trainer.state())

    def save_undisturbed(self, run: Run, trainer: Trainer) -> bool:
        """Save a run's state, even if Ctrl-C is pressed meanwhile.

        Returns:
            Whether Ctrl-C was pressed.
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
        """Bring a trainer to the step where a run was interrupted.

        A state that cannot be read, or is of another network, is put aside. The trainer may then be half loaded, so do
        not use it.

        Returns:
            Whether it worked.

        Raises:
            OSError: The file cannot be read at all; it stays where it is.
        """
        path = self._state(run.id)
        try:
            trainer.load_state(load_tensors(path))
        except _UNREADABLE:
            path.replace(self.unreadable(run))
            return False
        return True

    def has(self, run: Run) -> bool:
        """Whether there is a saved state of this run."""
        return self._state(run.id).is_file()

    def saved_step(self, run: Run) -> int:
        """The step at which a run was saved last; 0 if it was not saved."""
        found = _read(self._about(run.id)) if self.has(run) else None
        return 0 if found is None else found.step

    def as_begun(self, run: Run) -> Run | None:
        """The interrupted run with the settings that were chosen when it began; None if there is none."""
        if not self.has(run) or (found := _read(self._about(run.id))) is None:
            return None
        return found.run

    def unreadable(self, run: Run) -> Path:
        """Where a state that cannot be read is put."""
        return self._state(run.id).with_suffix(".unreadable")

    def forget(self, run: Run) -> None:
        """Delete the state of a run; call it when its version is saved.

        A state that cannot be deleted stays, and nothing says any more what it is the state of.
        """
        for path in (self._about(run.id), self._state(run.id)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def interrupted(self) -> list[Interrupted]:
        """The interrupted trainings that are not running now, the newest first."""
        found = []
        for path in self.folder.glob("*.json"):
            if self._state(path.stem).is_file() and (one := _read(path)) is not None and not self._is_running(one.run):
                found.append(one)
        return sorted(found, key=lambda one: one.saved_at, reverse=True)

    @contextmanager
    def alone(self, run: Run) -> Iterator[None]:
        """Keep others from training the same run; other commands are not held up.

        Raises:
            WorkspaceError: Another process trains it already.
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
    """The description of a state; None if it cannot be read, or another version of dmr wrote it differently."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        values = about["settings"]
        own = {"augmentation": Augmentation(**values["augmentation"]), "chosen": tuple(values.get("chosen", ()))}
        settings = TrainSettings(**values | own)
        names = {int(i): str(name) for i, name in about["classes"]}
        run = Run(str(about["run"]), str(about["dataset"]), settings, names, dict(about["inside"]))
        return Interrupted(run, int(about["step"]), float(about["minutes"]), str(about["saved_at"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
