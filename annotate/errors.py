"""The errors that a user can meet, each shown as one line."""

from __future__ import annotations


class DmrError(Exception):
    """An expected failure, shown as *where: what is wrong, with the value. What to do.*

    Args:
        where: The file, setting or thing that is wrong; never a patient's name or number.
        what: What is wrong, with the value, without a closing full stop.
        remedy: What the user can do about it, without a closing full stop.

    Example:
        >>> try:
        ...     next(dmr.read_frames(tmp / "missing.png"))
        ... except dmr.DmrError as error:
        ...     print(error.remedy)
        Check the path and its permissions
    """

    exit_code = 1

    def __init__(self, where: object, what: str, remedy: str) -> None:
        super().__init__(f"{where}: {what}. {remedy}.")
        self.where = str(where)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[DmrError], tuple[str, str, str]]:
        """Keep all three parts when the error comes from another process."""
        return type(self), (self.where, self.what, self.remedy)


class UsageError(DmrError):
    """The command was called in a way that cannot work: exit code 2."""

    exit_code = 2


class SettingsError(UsageError):
    """`dmr.toml` has an invalid setting."""


class WorkspaceError(UsageError):
    """There is no workspace here, or it cannot be used now."""


class BrokenInput(DmrError):
    """A file from outside cannot be read as what it claims to be."""


class ModelError(DmrError):
    """A model's files are missing, damaged, or do not fit."""


class CatalogueError(DmrError):
    """The in-house database is damaged, or refuses a request."""


class StudioError(DmrError):
    """Label Studio does not answer, refuses a request, or has a project that cannot be used."""
