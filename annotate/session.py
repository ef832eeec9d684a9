"""A command's session: the workspace around the working folder, and its progress on the screen."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from . import hiding
from .console import progress
from .errors import DmrError
from .report import Report

if TYPE_CHECKING:
    from .workspace import Session, Workspace


def pass_workspace(function: Callable[..., Report]) -> Callable[..., Report]:
    """Find the workspace of the working folder and pass it to a command as its first argument."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Report:
        from .workspace import Workspace

        return function(Workspace.find(), *args, **kwargs)

    return command


def hide_as_this_workspace() -> None:
    """Let the key of the workspace around the working folder make the short names of `--hide-names`, if there is one.

    The names of its classes are its own words, and stay readable.
    """
    from .workspace import Workspace

    with suppress(DmrError):
        workspace = Workspace.find()
        hiding.keep(c.name for c in workspace.settings.classes)
        # Without its key nobody can turn the short names back, and they are hidden still.
        hiding.use_secret(workspace.names_secret)


@contextmanager
def at_work(workspace: Workspace, report: Report, *, write: bool = False, device: str = "auto") -> Iterator[Session]:
    """A session whose progress is shown on the screen; see `Workspace.session`."""
    with progress() as tell, workspace.session(write=write, report=report, tell=tell, device=device) as session:
        yield session
