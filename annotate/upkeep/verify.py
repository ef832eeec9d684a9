"""`dmr db verify`: everything in a workspace read and held against what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import sqlalchemy as sa

from ..catalogue import tables as t
from ..catalogue.catalogue import Catalogue
from ..catalogue.models import CARD_KEY
from ..errors import DmrError, WorkspaceError
from ..oddities import failure_lines
from ..progress.tell import Tell, silent
from ..report import Report
from ..wording import counted
from ..workspace import Workspace
from .check_catalogue import as_written, position_in, sound
from .check_files import blobs_whole, file_hash, frames_whole, key_there, models_whole
from .check_folders import annotations_readable, no_strange_files, sheets_there, temporaries_gone
from .check_rows import rows_agree
from .copy import CATALOGUE, catalogue_copy
from .fault import REPAIR, RESTORE, Fault
from .repair import mend

_ROUNDS = 4  # what is mended may bring others to light: a row comes back, and what follows from it is found missing


def verify(workspace: Workspace, *, report: Report, tell: Tell = silent, repair: bool = False) -> list[Fault]:
    """Check a workspace; others may go on writing.

    Args:
        workspace: Which.
        report: Gets a line for each fault that is left, and what was mended.
        tell: Told how far the work is.
        repair: Mend what can be mended.

    Returns:
        The faults that are left.
    """
    faults = _look(workspace, report=report, tell=tell)
    if repair and any(fault.mend for fault in faults):
        found = faults
        with workspace.lock():
            for _ in range(_ROUNDS):
                if not any(fault.mend for fault in faults):
                    break
                before = faults
                try:
                    mend(workspace, faults)
                except (DmrError, sa.exc.IntegrityError):
                    break  # the catalogue cannot be opened, or its rows name others that nobody has: among the faults
                report.counts.clear()
                faults = _look(workspace, report=report, tell=tell)
                if faults == before:
                    break
        faults = [replace(fault, remedy=RESTORE) if fault.remedy == REPAIR else fault for fault in faults]
        left = {fault.where for fault in faults}
        mended = [f"{fault.where}: {fault.what}." for fault in found if fault.where not in left]
        report.data["mended"] = mended
        for line in failure_lines(mended):
            report.say(f"Mended: {line}")
    for fault in faults:
        report.fail(fault.error())
    if not faults:
        _remember(workspace, report=report)
    report.data["faults"] = [{"where": f.where, "what": f.what, "remedy": f.remedy} for f in faults]
    return faults


def _look(workspace: Workspace, *, report: Report, tell: Tell) -> list[Fault]:
    """All faults, each place once."""
    found: dict[str, Fault] = {}

    def add(fault: Fault) -> None:
        found[fault.where] = found[fault.where].beside(fault) if fault.where in found else fault

    try:
        with catalogue_copy(workspace) as copy:
            for fault in (*sound(copy), *as_written(workspace, copy, tell=tell)):
                add(fault)
            with Catalogue.open(copy, store=workspace.store, is_copy=True) as catalogue:
                for fault in _inside(workspace, catalogue, report=report, tell=tell):
                    add(fault)
    except DmrError as error:
        where = CATALOGUE if error.where.startswith(".dmr-") else error.where
        add(Fault(where, error.what, error.remedy))
    in_folders = (annotations_readable(workspace, tell=tell), temporaries_gone(workspace), no_strange_files(workspace))
    for fault in chain(*in_folders):
        add(fault)
    return list(found.values())


def _inside(workspace: Workspace, catalogue: Catalogue, *, report: Report, tell: Tell) -> Iterator[Fault]:
    with catalogue.reading() as connection:
        for table in t.metadata.sorted_tables:
            report.count("rows checked", connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    yield from rows_agree(catalogue, tell=tell)
    yield from blobs_whole(workspace, catalogue, report=report, tell=tell)
    yield from frames_whole(workspace, catalogue, report=report, tell=tell)
    yield from models_whole(workspace, catalogue, report=report, tell=tell)
    yield from sheets_there(workspace, catalogue)
    yield from key_there(catalogue)
    try:
        catalogue.follow_classes(workspace.settings.classes)
    except DmrError as error:
        yield Fault(error.where, error.what, error.remedy)


def _remember(workspace: Workspace, *, report: Report) -> None:
    """From a sound workspace: begin its journal if it has none, and keep the hashes of its models' cards."""
    with catalogue_copy(workspace) as copy:
        has_journal = position_in(copy) is not None
        with Catalogue.open(copy, store=workspace.store, is_copy=True) as catalogue, catalogue.reading() as connection:
            known = set(connection.scalars(sa.select(t.meta.c.key)))
            new = [model.id for model in catalogue.models() if CARD_KEY + model.id not in known]
    if has_journal and not new:
        return
    rows = [
        {"key": CARD_KEY + model, "value": file_hash(workspace.models_folder / model / "card.json")} for model in new
    ]
    try:
        with (
            workspace.lock(),
            Catalogue.open(workspace.root / CATALOGUE, store=workspace.store) as catalogue,
            catalogue.transaction() as connection,
        ):
            if rows:
                connection.execute(sa.insert(t.meta).prefix_with("OR IGNORE"), rows)
    except WorkspaceError:
        return  # somebody else is writing: the next check does it
    if not has_journal:
        report.say("The journal of the catalogue begins: from now on it can be rebuilt from store/.")
    if new:
        report.say(f"The hashes of {counted(len(new), 'cards')} are kept: a change is found from now on.")
