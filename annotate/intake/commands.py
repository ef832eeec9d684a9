"""The commands `dmr import`, `dmr ingest` and `dmr check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import progress, reporting
from ..report import Report
from ..session import pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace

_THERE = click.Path(exists=True, path_type=Path)


@click.command(name="import")
@click.argument("sources", nargs=-1, type=_THERE)
@click.option("--images", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Images of the --masks.")
@click.option(
    "--masks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Class-index masks, named as --images.",
)
@click.option("--author", default="labelme", show_default=True, help="Who made the edits that are taken up.")
@click.option("--yes", is_flag=True, help="Take what is known, also where it is less than half of what is drawn.")
@click.option("--dry-run", is_flag=True, help="Read everything and say what is odd; change nothing.")
@reporting
@pass_workspace
def import_(
    workspace: Workspace,
    sources: tuple[Path, ...],
    images: Path | None,
    masks: Path | None,
    author: str,
    yes: bool,
    dry_run: bool,
) -> Report:
    """Take in outlines: Labelme files in SOURCES, or images and masks.

    Without SOURCES, what was edited in annotations/ becomes revisions.
    """
    from ..editing.checkout import labelled_sheets, write_checkout
    from ..editing.edits import sync_checkout
    from ..errors import UsageError
    from ..formats.index_mask import MASK_SUFFIXES
    from ..scans.discover import files_below
    from ..scans.left_out import what_is_there
    from .importing import import_labelled, rehearse_import
    from .labelled import labelme_frames, mask_frames
    from .not_taken import left_out_of_import, noting_images

    report = Report("import")
    if (images is None) != (masks is None):
        raise UsageError("--images and --masks", "go together", "Give both")
    if dry_run and not sources and images is None:
        raise UsageError("--dry-run", "needs SOURCES, or --images and --masks", "Name what is to be read")
    if sources and not files_below(sources, frozenset({".json"}), without=workspace.own_folders):
        there = what_is_there(sources, without=workspace.own_folders)
        what = f"holds no Labelme file, only {there}" if there else "holds no Labelme file"
        raise UsageError(sources[0], what, "Name their folder; scans come in by `dmr prelabel`")
    if not _is_recognised(workspace, sources, masks=masks, yes=yes, report=report) and not dry_run:
        return report
    settings = workspace.settings
    all_classes = frozenset(c.id for c in settings.classes.active)
    coverage = settings.imports.coverage

    def resolve(text: str) -> int | None:
        found = settings.classes.find(text)
        return found.id if found else None

    items = labelme_frames(
        sources,
        resolve=resolve,
        all_classes=all_classes,
        coverage=coverage,
        report=report,
        ignored=settings.imports.ignores,
        without=workspace.own_folders,
    )
    if images is not None and masks is not None:
        contains = {c.id: settings.classes.children(c.id) for c in settings.classes}
        items = mask_frames(images, masks, classes=all_classes, contains=contains, coverage=coverage, report=report)
    given, kinds = ([masks], MASK_SUFFIXES) if masks is not None else (sources, frozenset({".json"}))
    total = len(files_below(given, kinds, without=workspace.own_folders))
    used: set[Path] = set()
    items = noting_images(items, used)

    def tell_left_out() -> None:
        named = sources if images is None or masks is None else (images, masks)
        left_out_of_import(named, used=used, report=report, masks=masks, without=workspace.own_folders).tell(report)

    if dry_run:
        with progress() as tell:
            rehearse_import(workspace, items, report=report, on_progress=lambda n: tell("Reading", n, total))
        tell_left_out()
        return report
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        tell("Looking for edits", 0, None)
        sync_checkout(workspace, catalogue, report=report, author=author)
        if sources or images is not None:
            import_labelled(
                workspace, catalogue, items, report=report, on_progress=lambda n: tell("Importing", n, total)
            )
            tell_left_out()
        tell("Writing annotations/", 0, None)
        write_checkout(workspace, labelled_sheets(catalogue))
    if not any(report.counts[what] for what in ("frames added", "revisions added", "edits taken up")):
        report.say("Nothing new: nothing was changed.")
    return report


def _is_recognised(
    workspace: Workspace, sources: tuple[Path, ...], *, masks: Path | None, yes: bool, report: Report
) -> bool:
    """Whether enough of what is drawn is known to import it; the report gets the reason and the lines to paste."""
    from ..formats.index_mask import MASK_SUFFIXES
    from ..recognition.recognise import count_labels, recognise_labels, recognise_masks
    from ..scans.discover import files_below

    settings, own = workspace.settings, workspace.own_folders
    with progress() as tell:

        def read(n: int) -> None:
            tell("Reading labels", n, None)

        if masks is not None:
            found = recognise_masks(files_below([masks], MASK_SUFFIXES), settings.classes, on_progress=read)
        else:
            files = files_below(sources, frozenset({".json"}), without=own)
            found = recognise_labels(count_labels(files, on_progress=read), settings)
    report.data["recognised"] = found.as_dict()
    refusal = found.refusal(forced=yes)
    if refusal is not None:
        report.fail(refusal)
    for line in found.advice:
        report.say(line)
    return refusal is None


@click.command()
@click.argument("scans", nargs=-1, required=True, type=_THERE)
@reporting
@pass_workspace
def ingest(workspace: Workspace, scans: tuple[Path, ...]) -> Report:
    """Bring SCANS (files or folders) into the workspace as frames."""
    from ..scans.discover import files_below
    from ..scans.images import IMAGE_SUFFIXES
    from .ingest import ingest_scans

    report = Report("ingest")
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        total = len(files_below(scans, IMAGE_SUFFIXES, without=workspace.own_folders))
        ingest_scans(workspace, catalogue, scans, report=report, on_progress=lambda n: tell("Reading scans", n, total))
    if not report.counts["frames added"]:
        report.say("Nothing new: nothing was changed.")
    return report


@click.command()
@click.argument("folders", nargs=-1, required=True, type=_THERE)
@click.option("--images/--no-images", default=True, show_default=True, help="Look at the images too.")
@reporting
def check(folders: tuple[Path, ...], images: bool) -> Report:
    """Tell what is wrong or odd in Labelme files; change nothing.

    Within a workspace its aliases and its patient pattern hold; elsewhere labels count as they are spelt.
    """
    from ..errors import WorkspaceError
    from ..scans.discover import files_below
    from ..settings.model import Settings
    from ..workspace import Workspace
    from .check import check_folder

    report = Report("check")
    try:
        settings: Settings | None = Workspace.find().settings
    except WorkspaceError:
        settings = None

    def canonical(label: str) -> str:
        known = settings.classes.find(label) if settings else None
        return known.name if known else label.strip()

    with progress() as tell:
        total = len(files_below(folders, frozenset({".json"})))
        check_folder(
            folders,
            patient_pattern=settings.imports.patient if settings else r"^(?P<patient>\d+)_",
            canonical=canonical,
            known=(lambda label: settings.classes.find(label) is not None) if settings else None,
            ignored=settings.imports.ignores if settings else None,
            images=images,
            report=report,
            on_progress=lambda n: tell("Checking", n, total),
        )
    if not report.failures and not report.oddities:
        report.say("Nothing is wrong.")
    return report
