"""What is kept of a training if the computer refuses to read or write a file, such as on a full disk."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...annotate.errors import ModelError
from .resuming import Run, States
from .trainer import Trainer

_REMEDIES: Final = {
    errno.ENOSPC: "Make room on the disk",
    errno.EIO: "The disk or its connection may be failing: see to it",
    errno.EROFS: "Make the disk writable",
}
_OTHER: Final = "Check its permissions and its disk"


@contextmanager
def kept_training(states: States, run: Run) -> Iterator[None]:
    """Turn what the computer refuses into one line, which says where the training goes on.

    Raises:
        ModelError: The computer refused to read or write a file.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:  # nobody reads what is printed any more
            raise
        step = states.saved_step(run)
        kept = f"goes on from step {step}, which is saved" if step else "starts again, because no step is saved yet"
        raise _line(error, states.folder, kept=f"The same command {kept}") from error


def save_if_possible(states: States, run: Run, trainer: Trainer, *, say: Callable[[str], None]) -> bool:
    """Save a run's state; a training of hours does not end because that fails.

    Args:
        states: Where it is saved.
        run: The run.
        trainer: Its trainer.
        say: Gets a line if it fails.

    Returns:
        Whether it was saved.
    """
    try:
        states.save(run, trainer)
    except OSError as error:
        say(f"Not saved at step {trainer.step}: {_line(error, states.folder, kept='The training goes on')}")
        return False
    return True


def after_saving(error: OSError, path: Path, *, version: str) -> ModelError:
    """The line for what fails when a version is safe."""
    return _line(error, path, kept=f"{version} is saved all the same")


def _line(error: OSError, path: Path, *, kept: str) -> ModelError:
    where = path if error.filename is None else error.filename
    remedy = _REMEDIES.get(error.errno or 0, _OTHER)
    return ModelError(where, f"cannot be used ({error.strerror or error})", f"{remedy}. {kept}")
