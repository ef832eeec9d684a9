"""The settings of `dmr train --refine`, from the options of the command line."""

from __future__ import annotations

from typing import Any, Final

from ...annotate.errors import UsageError
from ...annotate.settings.model import Settings
from .learning import RefineSettings

MINUTES: Final = 10.0  # if neither minutes nor steps are given
_TAKEN: Final = frozenset({"minutes", "steps", "seed"})


def refine_settings(settings: Settings, *, finish: bool = False, **options: Any) -> RefineSettings:
    """The settings: the options of the command line, and for the seed else `dmr.toml`.

    Raises:
        UsageError: An option is given that says nothing here.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if others := sorted({*given, *(("finish",) if finish else ())} - _TAKEN):
        named = ", ".join(f"--{name}" for name in others)
        raise UsageError("train --refine", f"takes no {named}", "Leave it out; --minutes, --steps and --seed are taken")
    values: dict[str, Any] = {"seed": settings.train.seed, **given}
    if not given.keys() & {"minutes", "steps"}:
        values["minutes"] = MINUTES
    return RefineSettings(**values)
