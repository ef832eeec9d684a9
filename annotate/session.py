"""One command's work in a workspace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .report import Report


def pass_workspace(function: Callable[..., Report]) -> Callable[..., Report]:
    """Hand the workspace around the working folder to a command, as its first argument."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Report:
        from .workspace import Workspace

        return function(Workspace.find(), *args, **kwargs)

    return command
