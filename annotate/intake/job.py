"""`dmr import`: outlines from outside, or edits in `annotations/`, become revisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..editing.checkout import labelled_sheets, write_checkout
from ..editing.edits import AUTHOR, sync_checkout
from ..errors import UsageError
from ..formats.index_mask import MASK_SUFFIXES
from ..recognition.recognise import count_labels, recognise_labels, recognise_masks
from ..report import Report
from ..scans.discover import Places, as_paths, files_below
from ..scans.left_out import what_is_there
from ..workspace import Session
from .doubts import Doubts
from .importing import import_labelled, rehearse_import
from .keeping import Keeping
from .not_taken import left_out_of_import, noting_images
from .outside import labelme_frames
from .outside_frame import OutsideFrame
from .outside_masks import mask_frames
from .shrinking import Shrinking


@dataclass(frozen=True, slots=True)
class _Given:
    """The files to import: `sources` with Labelme files, or a folder of `masks` and one of their `images`."""

    sources: Sequence[Path]
    images: Path | None
    masks: Path | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """All files and folders that the user named."""
        return tuple(self.sources) or tuple(p for p in (self.images, self.masks) if p is not None)

    def files(self, without: Sequence[Path]) -> list[Path]:
        """The files that hold the outlines."""
        if self.masks is not None:
            return files_below([self.masks], MASK_SUFFIXES, without=without)
        return files_below(self.sources, frozenset({".json"}), without=without)


def import_outlines(
    s: Session,
    sources: Places = (),
    *,
    images: Path | str | None = None,
    masks: Path | str | None = None,
    author: str = AUTHOR,
    yes: bool = False,
    dry_run: bool = False,
) -> None:
    """Import outlines. Edits in `annotations/` become revisions first; without sources or masks, only they do.

    Nothing is imported if fewer than half of the outlines belong to a class, or if many frames would lose outlines.

    Args:
        s: A session. It begins to write only when the outlines are found fit to import.
        sources: Labelme files, and folders of them.
        images: Folder of the masks' images, instead of `sources`.
        masks: Folder of class-index masks with the same names as the images.
        author: Who made the edits in `annotations/`.
        yes: Import what belongs to a class even if it is less than half, or if many frames lose outlines.
        dry_run: Read everything and report what is odd; change nothing.

    Raises:
        UsageError: The arguments do not fit together, or there are no outlines.
        WorkspaceError: Another command has been writing all the time.

    Example:
        >>> dmr.draw_phantom(tmp / "outlines", patients=1, frames=2, seed=9)[0].name
        '9001_000.json'
        >>> with workspace.session() as s:
        ...     dmr.import_outlines(s, [tmp / "outlines"])
        ...     s.report.counts["frames added"]
        2
    """
    images, masks = (None if folder is None else Path(folder) for folder in (images, masks))
    given, own = _Given(as_paths(sources), images, masks), s.workspace.own_folders
    _check(given, dry_run=dry_run, without=own)
    if not _is_recognised(s, given, yes=yes) and not dry_run:
        return
    total, used = len(given.files(own)), set[Path]()
    doubts = Doubts()
    items = noting_images(_read(s, given, report=s.report, doubts=doubts), used)
    shrinking = Shrinking()
    if dry_run:
        rehearse_import(s, shrinking.watch(s, Keeping(s, s.report).watch(items)), total=total)
        if (refusal := shrinking.refusal(s)) is not None:
            s.report.say(f"The import would refuse: {refusal}")
        left_out_of_import(given.folders, used=used, report=s.report, masks=masks, without=own).tell(s.report)
        return
    with s.writing():
        if given.folders and not yes and s.catalogue.has_truths():
            unheard = Report("")  # the import itself tells
            kept = Keeping(s, unheard).watch(_read(s, given, report=unheard))
            for _ in shrinking.watch(s, kept):
                s.tell("Comparing with what is there", 1, total)
            if (refusal := shrinking.refusal(s)) is not None:
                s.report.fail(refusal)
                return
        sync_checkout(s, author=author)
        if given.folders:
            import_labelled(s, items, total=total, doubts=doubts)
            left_out_of_import(given.folders, used=used, report=s.report, masks=masks, without=own).tell(s.report)
        s.tell("Writing annotations/", 0, None)
        write_checkout(s.workspace, labelled_sheets(s.catalogue), report=s.report)
    if not any(s.report.counts[what] for what in ("frames added", "revisions added", "edits taken up")):
        s.report.say_unchanged()


def _check(given: _Given, *, dry_run: bool, without: Sequence[Path]) -> None:
    """Raises UsageError if the arguments do not fit together, or hold no Labelme file."""
    if (given.images is None) != (given.masks is None):
        raise UsageError("--images and --masks", "belong together, and only one was given", "Give both")
    if given.sources and given.masks is not None:
        what = "cannot be imported together with --images and --masks"
        raise UsageError(given.sources[0], what, "Import Labelme files and masks one after the other")
    if dry_run and not given.folders:
        raise UsageError("--dry-run", "needs SOURCES, or --images and --masks", "Name the files to read")
    if given.sources and not given.files(without):
        there = what_is_there(given.sources, without=without)
        what = f"holds no Labelme file, only {there}" if there else "holds no Labelme file"
        raise UsageError(given.sources[0], what, "Name the folder of the Labelme files; add scans with `dmr prelabel`")


def _is_recognised(s: Session, given: _Given, *, yes: bool) -> bool:
    """Whether enough outlines belong to a class. If not, the report gets the reason and the lines to paste."""
    files = given.files(s.workspace.own_folders)
    if given.masks is not None:
        found = recognise_masks(files, s.settings.classes, tell=s.tell)
    else:
        found = recognise_labels(count_labels(files, tell=s.tell), s.settings)
    s.report.data["recognised"] = found.as_dict()
    refusal = found.refusal(forced=yes)
    if refusal is not None:
        s.report.fail(refusal)
    for line in found.advice:
        s.report.say(line)
    return refusal is None


def _read(s: Session, given: _Given, *, report: Report, doubts: Doubts | None = None) -> Iterator[OutsideFrame]:
    """The frames with their outlines, one at a time; what is odd goes into the report, files refused into `doubts`."""
    classes, imports = s.settings.classes, s.settings.imports
    active = frozenset(c.id for c in classes.active)
    if given.images is not None and given.masks is not None:
        return mask_frames(given.images, given.masks, classes=classes, coverage=imports.coverage, report=report)
    return labelme_frames(
        given.sources,
        resolve=classes.class_id,
        all_classes=active,
        coverage=imports.coverage,
        report=report,
        ignored=imports.ignores,
        without=s.workspace.own_folders,
        refused=(doubts or Doubts()).refuse,
    )
