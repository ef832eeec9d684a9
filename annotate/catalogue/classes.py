"""The catalogue's classes. They follow `dmr.toml`, but an id keeps its meaning for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..classes import ClassDef, Classes
from ..errors import SettingsError
from ..settings.model import SETTINGS_NAME, Settings
from ..system.clock import utc_now
from . import tables as t
from .database import Database

_MANY: Final = 2  # classes: one is renamed on purpose, and whoever renames most of them has taken the wrong file


@dataclass(frozen=True, slots=True)
class _Row:
    """A class as stored. If its name has become another class's alias, `merged_into` is that class."""

    name: str
    color: str
    z: int
    inside: int | None
    merged_into: int | None
    retired: bool


@dataclass(frozen=True, slots=True)
class _Stored:
    """All classes by id, and all aliases with their class and whether they are former names."""

    rows: dict[int, _Row]
    aliases: dict[str, tuple[int, bool]]

    @classmethod
    def read(cls, connection: Connection) -> Self:
        rows = {
            r.id: _Row(r.name, r.color, r.z, r.inside, r.merged_into, r.retired_at is not None)
            for r in connection.execute(sa.select(t.class_))
        }
        aliases = {r.text: (r[1], r.former_name) for r in connection.execute(sa.select(t.alias))}
        return cls(rows, aliases)

    def merged(self) -> dict[int, int]:
        """For each merged class, the class that it is part of now, over any number of mergers."""
        target = {}
        for start, row in self.rows.items():
            end, into = start, row.merged_into
            while into is not None:
                end, into = into, self.rows[into].merged_into
            if end != start:
                target[start] = end
        return target


class ClassRows(Database):
    """Reads and writes of classes and aliases."""

    _followed: _Stored | None = None

    def classes(self) -> Classes:
        """All classes that ever existed, without merged ones. Former names and names of merged classes are aliases."""
        stored = self._stored()
        merged = stored.merged()
        named = {row.name for i, row in stored.rows.items() if i not in merged}
        aliases = {text: merged.get(i, i) for text, (i, _) in stored.aliases.items() if text not in named}
        aliases |= {stored.rows[i].name: into for i, into in merged.items()}
        return Classes(
            [
                ClassDef(
                    id=i,
                    name=row.name,
                    aliases=tuple(sorted(text for text, class_id in aliases.items() if class_id == i)),
                    color=row.color,
                    z=row.z,
                    inside=None if row.inside is None else stored.rows[merged.get(row.inside, row.inside)].name,
                    retired=row.retired,
                )
                for i, row in stored.rows.items()
                if i not in merged
            ]
        )

    def with_former_names(self, settings: Settings) -> Settings:
        """Settings in which each class has its former names among its aliases, where no other label has them now.

        So what was drawn before a class was renamed in `dmr.toml` is read as that class still.
        """
        former = {text: i for text, (i, is_former) in self._stored().aliases.items() if is_former}
        more: dict[int, list[str]] = {}
        for text, i in sorted(former.items()):
            if settings.classes.find(text) is None and not settings.imports.ignores(text):
                more.setdefault(i, []).append(text)
        classes = [replace(c, aliases=(*c.aliases, *more.get(c.id, ()))) for c in settings.classes]
        return replace(settings, classes=Classes(classes))

    def merged_classes(self) -> dict[int, int]:
        """For each merged class, the class id that its shapes count for now."""
        return self._stored().merged()

    def follow_classes(self, classes: Classes) -> None:
        """From now on, read the classes as `sync_classes` would write them. Nothing is written.

        Raises:
            SettingsError: An id, or a name, would come to mean another structure.
        """
        self._followed = None
        before = self._stored()
        _refuse_other_meanings(classes, before)
        self._followed = _brought_in_line(classes, before)

    def sync_classes(self, classes: Classes) -> bool:
        """Make the catalogue's classes follow the settings.

        A new id is added. An id with a new name is renamed, and the old name stays as an alias. A class that is missing
        in the settings is retired. If another class has its name as an alias, it is merged into that class. It can come
        back.

        Returns:
            Whether anything changed.

        Raises:
            SettingsError: An id, or a name, would come to mean another structure.
        """
        with self.transaction() as connection:
            before = _Stored.read(connection)
            _refuse_other_meanings(classes, before)
            after = _brought_in_line(classes, before)
            if after != before:
                _write(connection, before=before, after=after)
        self._followed = None
        return after != before

    def _stored(self) -> _Stored:
        if self._followed is not None:
            return self._followed
        with self.reading() as connection:
            return _Stored.read(connection)


def _refuse_other_meanings(classes: Classes, before: _Stored) -> None:
    owners = {text.casefold(): i for text, (i, is_former) in before.aliases.items() if is_former}
    owners |= {row.name.casefold(): i for i, row in before.rows.items()}
    for c in classes:
        owner = owners.get(c.name.casefold(), c.id if c.id not in before.rows else None)
        if owner is not None and owner != c.id:
            what = f"[[class]] {c.id} is named {c.name!r}, which is a name of class {owner} in the catalogue"
            raise SettingsError(SETTINGS_NAME, what, f"Give it the id {owner}, or another name")
        if owner is None and before.rows[c.id].retired:
            what = (
                f"[[class]] {c.id} is named {c.name!r}, and the id is that of {before.rows[c.id].name!r}, now retired"
            )
            raise SettingsError(SETTINGS_NAME, what, f"Give it an id never used before, such as {max(before.rows) + 1}")
    _refuse_many_renames(classes, before, owners)


def _refuse_many_renames(classes: Classes, before: _Stored, owners: Mapping[str, int]) -> None:
    """Refuse the settings of another workspace: each of its names would become a new name of one of our classes."""
    used = {i: row.name for i, row in before.rows.items() if not row.retired}
    renamed = []
    for c in classes:
        if c.id in used and c.name.casefold() not in owners:
            kept = classes.find(used[c.id])
            if kept is None or kept.id != c.id:
                renamed.append(f"{c.id} {used[c.id]} to {c.name}")
    if len(renamed) >= _MANY and 2 * len(renamed) > len(used):
        shown = ", ".join(renamed[:3]) + (f" and {len(renamed) - 3} more" if len(renamed) > 3 else "")
        what = f"gives {len(renamed)} of the catalogue's {len(used)} classes another name: {shown}"
        remedy = (
            "If they are the same structures, put each old name among the aliases of its class; if not, take the right "
            f"{SETTINGS_NAME}, or give ids never used before, such as {max(before.rows) + 1}"
        )
        raise SettingsError(SETTINGS_NAME, what, remedy)


def _brought_in_line(classes: Classes, before: _Stored) -> _Stored:
    ids = {c.name: c.id for c in classes}
    rows = {
        c.id: _Row(c.name, c.color, c.z, None if c.inside is None else ids[c.inside], None, c.retired) for c in classes
    }
    aliases = {text: (c.id, False) for c in classes for text in c.aliases}
    for i, row in before.rows.items():
        if i not in rows:
            claimed_by = classes.find(row.name)
            rows[i] = replace(row, retired=True, merged_into=claimed_by.id if claimed_by else None)
        elif row.name != rows[i].name and _is_free(row.name, i, classes):
            aliases[row.name] = (i, True)
    for text, (i, is_former) in before.aliases.items():
        stays = is_former or i not in ids.values()
        if stays and text != rows[i].name and _is_free(text, i, classes):
            aliases[text] = (i, is_former)
    return _Stored(rows, aliases)


def _is_free(text: str, class_id: int, classes: Classes) -> bool:
    claimed_by = classes.find(text)
    return claimed_by is None or claimed_by.id == class_id


def _write(connection: Connection, *, before: _Stored, after: _Stored) -> None:
    now = utc_now()
    for i, row in after.rows.items():
        if row == before.rows.get(i):
            continue
        values = {"name": row.name, "color": row.color, "z": row.z, "merged_into": row.merged_into}
        if i not in before.rows:
            connection.execute(sa.insert(t.class_).values(id=i, retired_at=now if row.retired else None, **values))
        else:
            if row.retired != before.rows[i].retired:
                values["retired_at"] = now if row.retired else None
            connection.execute(sa.update(t.class_).where(t.class_.c.id == i).values(**values))
    for i, row in after.rows.items():  # last, when every class exists that another can lie inside
        connection.execute(sa.update(t.class_).where(t.class_.c.id == i).values(inside=row.inside))
    connection.execute(sa.delete(t.alias))
    for text, (i, is_former) in after.aliases.items():
        connection.execute(sa.insert(t.alias).values({"text": text, "class": i, "former_name": is_former}))
