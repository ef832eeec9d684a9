"""Commands that need no network: init, import, ingest, open, status."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import progress, reporting
from .report import Report

if TYPE_CHECKING:
    from .classes import ClassDef
    from .workspace import Workspace

_PATH = click.Path(path_type=Path)
_THERE = click.Path(exists=True, path_type=Path)


def pass_workspace(function: Callable[..., Report]) -> Callable[..., Report]:
    """Hand the workspace around the working folder to a command, as its first argument."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Report:
        from .workspace import Workspace

        return function(Workspace.find(), *args, **kwargs)

    return command


@click.command()
@click.argument("folder", type=_PATH, default=Path())
@click.option("--classes", help="Names of the structures and other names for them: nerve=shenjing,muscle,...")
@click.option("--from", "outlines", type=_THERE, help="Labelme files to propose classes, aliases and --patient from.")
@click.option("--patient", help="Regular expression that finds (?P<patient>...) in a file's name.")
@click.option("--coverage", type=click.Choice(["drawn", "all"]), help="What a class that is not drawn means.")
@reporting
def init(folder: Path, classes: str | None, outlines: Path | None, patient: str | None, coverage: str | None) -> Report:
    """Make a workspace in FOLDER.

    Without --classes or --from, the classes are those of the Shamrock view: psoas_major, quadratus_lumborum,
    erector_spinae, transverse_process, vertebral_body and lumbar_plexus. With --from they are what the labels in the
    files tell; what --classes and --patient say stays.
    """
    from .errors import UsageError
    from .identity import key_path
    from .propose import propose_settings
    from .settings import SETTINGS_NAME, ImportSettings
    from .workspace import Workspace

    report = Report("init")
    try:
        given = _named_classes(classes) if classes is not None else None
    except ValueError as error:
        raise UsageError("--classes", str(error), "Give names such as nerve=shenjing,muscle") from error
    try:
        ImportSettings(patient=patient)
    except ValueError as error:
        raise UsageError("--patient", str(error), "Name its group, as in ^(?P<patient>[0-9]+)_") from error
    proposal = None
    ignore: tuple[str, ...] = ()
    if outlines is not None and not (folder / SETTINGS_NAME).exists():
        with progress() as tell:
            proposal = propose_settings(
                outlines, classes=given, patient=patient, on_progress=lambda n: tell("Reading labels", n, None)
            )
        given, ignore, patient = list(proposal.classes), proposal.ignore, proposal.patient
    workspace, changed = Workspace.create(folder, classes=given, patient=patient, coverage=coverage, ignore=ignore)
    if not changed:
        report.say(f"{workspace.root} is a workspace already; nothing was changed.")
        if outlines is not None:
            report.say("--from proposes settings for a new one; here `dmr import` says which lines to change.")
        return report
    with workspace.catalogue() as catalogue:
        key = key_path(catalogue.meta("key_id"))
    report.say(f"Made a workspace in {workspace.root}.")
    report.say(f"The key of its pseudonyms lies outside it: {key}. Keep a copy where patients' names are kept.")
    if proposal is None:
        report.say(
            "Next: say in dmr.toml what your files call the structures and the patients, then `dmr import FOLDER`. "
            "In a new folder, `dmr init --from OUTLINES` finds it out from the files."
        )
    else:
        report.data["proposed"] = proposal.data
        for line in proposal.lines:
            report.say(line)
        report.say("Next: look it over in dmr.toml, then run `dmr import` in that folder on the same files.")
    return report


def _named_classes(text: str) -> list[ClassDef]:
    """Classes from `name=alias=alias,name,...`, the first the lowest in a mask."""
    from .classes import PALETTE, ClassDef, Classes, canonical_label, parse_names

    classes = []
    for number, (name, *aliases) in enumerate(parse_names(text), 1):
        if not all((name, *aliases)):
            raise ValueError("a name is empty")
        others = tuple(alias for alias in aliases if canonical_label(alias) != canonical_label(name))
        classes.append(ClassDef(number, name, others, PALETTE[(number - 1) % len(PALETTE)], 10 * number))
    return list(Classes(classes))


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
    from .checkout import labelled_sheets, write_checkout
    from .edits import sync_checkout
    from .errors import UsageError
    from .importing import import_labelled, rehearse_import
    from .left_out import left_out_of_import, noting_images, what_is_there
    from .masks import MASK_SUFFIXES
    from .sources import files_below, labelme_frames, mask_frames

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
    from .masks import MASK_SUFFIXES
    from .recognise import count_labels, recognise_labels, recognise_masks
    from .sources import files_below

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
    from .frames import IMAGE_SUFFIXES
    from .ingest import ingest_scans
    from .sources import files_below

    report = Report("ingest")
    with workspace.lock(), workspace.catalogue() as catalogue, progress() as tell:
        total = len(files_below(scans, IMAGE_SUFFIXES, without=workspace.own_folders))
        ingest_scans(workspace, catalogue, scans, report=report, on_progress=lambda n: tell("Reading scans", n, total))
    if not report.counts["frames added"]:
        report.say("Nothing new: nothing was changed.")
    return report


@click.command(name="open")
@click.option("--top", type=click.IntRange(min=1), help="How many frames [default: frames_per_round in dmr.toml].")
@click.option("--author", default="labelme", show_default=True, help="Who draws.")
@reporting
@pass_workspace
def open_(workspace: Workspace, top: int | None, author: str) -> Report:
    """Open the first frames of the ranking in Labelme.

    When Labelme is closed, what was drawn becomes revisions.
    """
    from .worklist import edit_worklist

    report = Report("open")
    edit_worklist(workspace, top=top or workspace.settings.select.frames_per_round, author=author, report=report)
    return report


@click.command()
@click.argument("folders", nargs=-1, required=True, type=_THERE)
@click.option("--images/--no-images", default=True, show_default=True, help="Look at the images too.")
@reporting
def check(folders: tuple[Path, ...], images: bool) -> Report:
    """Tell what is wrong or odd in Labelme files; change nothing.

    Within a workspace its aliases and its patient pattern hold; elsewhere labels count as they are spelt.
    """
    from .check import check_folder
    from .errors import WorkspaceError
    from .settings import Settings
    from .sources import files_below
    from .workspace import Workspace

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
