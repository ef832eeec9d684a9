"""The journal's lines: rows put and rows gone, each line with its hash and that of the line before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..system.canonical import canonical_json
from ..system.store import sha256_hex

FORMAT: Final = 1
BEGINNING: Final = "0" * 64
"""Stands in a segment's first line for the hash of the line before."""

_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{64}) (.*)\n")
_SEGMENT = re.compile(r"\d{6}\.jsonl")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        put: Rows by their table, whole.
        gone: Primary keys by their table.
        ends: The transaction ends with it.
        schema: Of the rows; in a segment's first line and wherever a transaction ends, else empty.
    """

    put: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    gone: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    ends: bool = False
    schema: str = ""

    def text(self, previous: str) -> tuple[bytes, str]:
        """The line as it is written, and its hash."""
        said: dict[str, Any] = {}
        if self.schema:
            said |= {"format": FORMAT, "schema": self.schema}
        if self.put:
            said["put"] = {table: [_plain(row) for row in rows] for table, rows in self.put.items()}
        if self.gone:
            said["gone"] = self.gone
        if self.ends:
            said["ends"] = True
        rest = f"{previous} {canonical_json(said)}"
        own = sha256_hex(rest.encode())
        return f"{own} {rest}\n".encode(), own


@dataclass(slots=True)
class Segment:
    """A file of the journal, read line by line.

    Attributes:
        path: The file.
        upto: Bytes that were committed; None for all.
        damaged: Numbers of the lines that are damaged, from 1; filled while reading.
        read_bytes: How far it was read, to the end of the last transaction.
        sha256: Of the last line of that transaction.
    """

    path: Path
    upto: int | None = None
    damaged: list[int] = field(default_factory=list)
    read_bytes: int = 0
    sha256: str = BEGINNING

    def transactions(self) -> Iterator[list[Line]]:
        """Each transaction's lines, the oldest first, but for damaged ones; an end that was torn off is left out.

        The snapshot's come one by one, for all of them would fill the memory: see `is_whole` first.
        """
        done: list[Line] = []
        for number, place, line, own in self._lines():
            if line is None:
                self.damaged.append(number)
                continue
            done.append(line)
            if line.ends or self.read_bytes == 0:
                yield done
                done = []
            if line.ends:
                self.read_bytes, self.sha256 = place, own
        if done and self.upto is not None:
            yield done

    def is_whole(self) -> bool:
        """Whether its snapshot, with which it begins, was written to its end."""
        return any(line is not None and line.ends for _, _, line, _ in self._lines())

    def _lines(self) -> Iterator[tuple[int, int, Line | None, str]]:
        before, place, number = BEGINNING, 0, 0
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                place += len(raw)
                if self.upto is not None and place > self.upto:
                    if place - len(raw) < self.upto:  # what was committed ends within a line
                        yield number, place, None, before
                    return
                found = _LINE.fullmatch(raw)
                if found is None and self.upto is None and not raw.endswith(b"\n"):
                    return  # torn off: never committed
                if found is None or sha256_hex(raw[65:-1]).encode() != found[1]:
                    yield number, place, None, before
                    before = ""
                    continue
                if before not in ("", found[2].decode()):
                    yield number, place, None, before  # a line before it is missing
                before = found[1].decode()
                yield number, place, _parsed(found[3]), before
        if self.upto is not None and place < self.upto:
            yield number + 1, place, None, before


def segments(folder: Path) -> list[Path]:
    """The segments in a journal's folder, the newest last."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))


def in_lines(rows: Iterable[tuple[str, Mapping[str, Any]]], *, at_once: int) -> Iterator[Line]:
    """Rows with their tables, in lines of so many rows."""
    put: dict[str, list[Mapping[str, Any]]] = {}
    held = 0
    for table, row in rows:
        put.setdefault(table, []).append(row)
        held += 1
        if held == at_once:
            yield Line(put)
            put, held = {}, 0
    if held:
        yield Line(put)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"hex": value.hex()} if isinstance(value, bytes) else value for name, value in row.items()}


def _parsed(text: bytes) -> Line:
    said = json.loads(text)
    put = {table: [_row(row) for row in rows] for table, rows in said.get("put", {}).items()}
    return Line(put, said.get("gone", {}), said.get("ends", False), said.get("schema", ""))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for name, value in row.items()}
