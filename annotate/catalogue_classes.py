"""The catalogue's classes: brought in line with `dmr.toml`, while an id keeps its meaning for good."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from . import tables as t
from .classes import ClassDef, Classes
from .clock import utc_now
from .database import Database
from .errors import SettingsError
from .settings import SETTINGS_NAME


class ClassRows(Database):
    """Reads and writes of classes and aliases."""

    def classes(self) -> Classes:
        """The classes that ever were, the former names of each among its aliases."""
        with self.reading() as connection:
            return Classes(_stored(connection))

    def sync_classes(self, classes: Classes) -> bool:
        """Bring the catalogue's classes in line with the settings'.

        A new id is added; another name for an id is a rename, and the old name stays as an alias; a class that is gone
        is retired, and comes back under its old name.

        Returns:
            Whether anything changed.

        Raises:
            SettingsError: An id would come to mean another structure.
        """
        with self.transaction() as connection:
            before = {c.id: c for c in _stored(connection)}
            former = set(connection.scalars(sa.select(t.alias.c.text).where(t.alias.c.former_name)))
            for c in classes:
                _refuse_other_meaning(c, before)
            wanted = _merged(classes, before, former)
            if wanted == before:
                return False
            _write(connection, wanted, before=before, listed=classes)
            return True


def _refuse_other_meaning(c: ClassDef, before: dict[int, ClassDef]) -> None:
    other = next((b for b in before.values() if b.id != c.id and b.name == c.name), None)
    if other is not None:
        what = f"class {c.id} is named {c.name!r}, which is class {other.id} in the catalogue"
        raise SettingsError(SETTINGS_NAME, what, f"Give it the id {other.id}, or a name of its own")
    old = before.get(c.id)
    if old is not None and old.retired and c.name not in (old.name, *old.aliases):
        what = f"class {c.id} is named {c.name!r}, and the id belonged to {old.name!r}, which is retired"
        raise SettingsError(SETTINGS_NAME, what, f"Give it an id that was never used, from {max(before) + 1} on")
