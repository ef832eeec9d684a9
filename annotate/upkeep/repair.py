"""What `dmr db verify --repair` does: each fault mended from what the workspace still holds; nothing is deleted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..catalogue import tables as t
from ..catalogue.catalogue import Catalogue
from ..catalogue.revisions import revision_json
from ..catalogue.truth import settle
from ..editing.checkout import labelled_sheets, write_checkout
from ..errors import CatalogueError, DmrError
from ..system.canonical import canonical_json
from ..system.clock import utc_text
from ..system.platform import fsync_folder
from ..system.store import sha256_hex, sweep_temporaries
from ..workspace import Workspace
from .check_files import DAMAGED
from .copy import CATALOGUE, copy_catalogue
from .fault import Fault, Mend
from .pictures import write_picture_again
from .replay import put_rows, remove_rows

_SAID: Final = (
    "author", "blind", "frame", "origin", "parent", "previous", "raw_sha256", "rendition", "draft_model"
)  # fmt: skip
_OF_CATALOGUE: Final[frozenset[Mend]] = frozenset(
    {"row", "unknown", "remove", "said", "lost", "derived", "index", "journal", "version"}
)


def mend(workspace: Workspace, faults: Sequence[Fault]) -> None:
    """Mend what can be mended; whoever calls it holds the workspace's lock, and looks again afterwards."""
    by_kind: dict[Mend, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(fault.mend, []).append(fault)
    _blob_files(workspace, by_kind)
    if by_kind.keys() & _OF_CATALOGUE:
        _keep_catalogue(workspace)
    if "version" in by_kind:
        _name_schema(workspace)
    with Catalogue.open(workspace.root / CATALOGUE, store=workspace.store) as catalogue:
        if "index" in by_kind:
            with catalogue.transaction() as connection:
                connection.exec_driver_sql("REINDEX")
        _rows(catalogue, by_kind)
        for fault in by_kind.get("blob", ()):
            _blob(workspace, catalogue, fault.given["sha256"])
        for fault in by_kind.get("frame", ()):
            write_picture_again(workspace, catalogue, fault.given["frame"])
        if "sheet" in by_kind:
            write_checkout(workspace, labelled_sheets(catalogue))
    if "temporary" in by_kind:
        for folder in workspace.own_folders:
            sweep_temporaries(folder)


def _keep_catalogue(workspace: Workspace) -> None:
    """A copy of the catalogue as it was, before rows in it are changed."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    copy_catalogue(workspace.root / CATALOGUE, workspace.root / f"catalogue-before-repair-{at}.sqlite")


def _name_schema(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.root / CATALOGUE)) as connection, connection:
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (t.SCHEMA,))


def _rows(catalogue: Catalogue, by_kind: Mapping[Mend, Sequence[Fault]]) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for fault in by_kind.get("row", ()):
        rows.setdefault(fault.given["table"], []).append(fault.given["row"])
    with catalogue.transaction() as connection:
        put_rows(connection, rows)
        remove_rows(connection, [(f.given["table"], f.given["key"]) for f in by_kind.get("remove", ())])
        put_rows(
            connection, {"revision": [r for f in by_kind.get("said", ()) if (r := _said(catalogue, connection, f))]}
        )
        put_rows(
            connection, {"revision": [r for f in by_kind.get("lost", ()) if (r := _lost(catalogue, connection, f))]}
        )
        for frame in sorted({fault.given["frame"] for fault in by_kind.get("derived", ())}):
            _heads(connection, frame)
            settle(connection, frame, by=None)
    if by_kind.keys() & {"journal", "unknown"} and catalogue.journal is not None:
        with catalogue.transaction() as connection:
            catalogue.journal.commit(connection, anew=True)


def _said(catalogue: Catalogue, connection: Connection, fault: Fault) -> dict[str, Any] | None:
    """A revision's row with what its blob says; None where the blob does not tell either."""
    sha256 = fault.given["sha256"]
    row = connection.execute(sa.select(t.revision).where(t.revision.c.sha256 == sha256)).first()
    says = _blob_says(catalogue, sha256)
    return None if row is None or says is None else dict(row._mapping) | says


def _lost(catalogue: Catalogue, connection: Connection, fault: Fault) -> dict[str, Any] | None:
    """A row for a revision that others name, from its blob: as if it had come in now, for its time is lost."""
    sha256 = fault.given["sha256"]
    says = _blob_says(catalogue, sha256)
    if says is None:
        return None
    written = datetime.fromtimestamp(catalogue.store.path(sha256).stat().st_mtime, UTC)
    sequence = (connection.scalar(sa.select(sa.func.max(t.revision.c.sequence))) or 0) + 1
    return {"sha256": sha256, "sequence": sequence, "at": utc_text(written), **says}


def _blob_says(catalogue: Catalogue, sha256: str) -> dict[str, Any] | None:
    try:
        says = json.loads(catalogue.store.get(sha256))
        columns = {"shapes": canonical_json(says["shapes"]), "covered": canonical_json(says["covered"])}
        columns |= {"words": canonical_json(says["words"])} if "words" in says else {}
        columns["reading"] = says.get("reading", "first")
        return {name: says.get(name) for name in (*_SAID, "words")} | columns
    except (CatalogueError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _heads(connection: Connection, frame: str) -> None:
    """Each author's last revision of a frame is their head, and nobody else has one."""
    c = t.revision.c
    newest = {row.author: row.sha256 for row in connection.execute(
        sa.select(c.author, c.sha256).where(c.frame == frame, c.reading != "repeat").order_by(c.sequence)
    )}  # fmt: skip
    connection.execute(sa.delete(t.head).where(t.head.c.frame == frame))
    for author, sha256 in newest.items():
        connection.execute(sa.insert(t.head).values(frame=frame, author=author, revision=sha256))


def _blob_files(workspace: Workspace, by_kind: Mapping[Mend, Sequence[Fault]]) -> None:
    """Files in `store/` that are no blobs are set aside; those that are a blob under another name get their own."""
    misnamed, rest = by_kind.get("misnamed", ()), by_kind.get("aside", ())
    for fault in (*misnamed, *rest):  # all of them first: two may have each other's names
        _set_aside(workspace, fault.given["path"], name=fault.given["sha256"])
    for fault in misnamed:
        kept = workspace.store.root / DAMAGED / fault.given["sha256"]
        if kept.is_file():
            workspace.store.put(kept.read_bytes())
            kept.unlink()


def _set_aside(workspace: Workspace, path: Path, *, name: str) -> None:
    folder = workspace.store.root / DAMAGED
    folder.mkdir(exist_ok=True)
    path.replace(folder / name)
    fsync_folder(folder)


def _blob(workspace: Workspace, catalogue: Catalogue, sha256: str) -> None:
    """Write a revision's blob anew from its row."""
    try:
        kept = catalogue.revision(sha256)
    except (DmrError, ValueError, KeyError):
        return
    data = revision_json(kept.record, previous=kept.previous).encode()
    if sha256_hex(data) != sha256:
        return
    path = workspace.store.path(sha256)
    if path.is_file():
        _set_aside(workspace, path, name=sha256_hex(path.read_bytes()))
    workspace.store.put(data)
