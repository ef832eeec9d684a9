"""`dmr db`: a workspace checked, rebuilt, backed up and restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import progress, reporting
from ..report import Report
from ..session import pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace


@click.group()
def db() -> None:
    """Check the workspace, mend it, back it up, bring it back."""


@db.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended from what the workspace holds.")
@reporting
@pass_workspace
def verify(workspace: Workspace, repair: bool) -> Report:
    """Read every blob, row, frame and model; tell what is wrong.

    Exit code 1 if something is. Others may go on working.
    """
    from .verify import verify as check

    report = Report("db verify")
    with progress() as tell:
        faults = check(workspace, report=report, tell=tell, repair=repair)
    if not faults:
        report.say("Nothing is wrong.")
    return report


@db.command()
@reporting
@pass_workspace
def rebuild(workspace: Workspace) -> Report:
    """Make the catalogue anew from the journal in store/.

    If there is a damaged catalogue, it is kept under another name.
    """
    from .rebuild import rebuild as make_anew

    report = Report("db rebuild")
    with progress() as tell:
        make_anew(workspace, report=report, tell=tell)
    return report


@db.command()
@click.argument("dest", type=click.Path(file_okay=False, path_type=Path))
@click.option("--with-key", is_flag=True, help="Put the pseudonym key in as well; keep such a backup under lock.")
@reporting
@pass_workspace
def backup(workspace: Workspace, dest: Path, with_key: bool) -> Report:
    """Back up the workspace into DEST.

    Only what is new since the last backup there is copied. Others may go on working meanwhile. All that was copied is
    read again and checked.
    """
    from .backup import back_up

    report = Report("db backup")
    with progress() as tell:
        back_up(workspace, dest, with_key=with_key, report=report, tell=tell)
    return report


@db.command()
@click.argument("source", metavar="BACKUP", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@reporting
def restore(source: Path, folder: Path) -> Report:
    """Bring a workspace back from BACKUP into DIR, a new folder.

    DIR is the working folder if it is not named; it must be empty.
    """
    from .restore import bring_back

    report = Report("db restore")
    with progress() as tell:
        bring_back(source, folder, report=report, tell=tell)
    return report
