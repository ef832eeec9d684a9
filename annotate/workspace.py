"""A workspace: the folder that every command works on, its parts, its key and its lock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from .catalogue.catalogue import Catalogue
from .catalogue.restored import CATALOGUE_NAME, has_lost_settings, refuse_lost_settings, restored_classes
from .classes import ClassDef
from .errors import WorkspaceError
from .progress.tell import Tell, silent
from .report import Report
from .scans.identity import Key, load_key, make_key
from .settings.model import SETTINGS_NAME, Settings, default_toml, load_settings, parse_settings
from .system.places import refuse_no_folder
from .system.platform import exclusive_lock, workspace_mode
from .system.store import BlobStore, sweep_temporaries, write_atomic

WORKSPACE_VARIABLE = "DMR_WORKSPACE"
WORKSPACE_FOLDERS: Final = ("frames", "store", "models", "annotations", "reports")
WAIT_S: Final = 10.0  # seconds that a command waits for another one that writes


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace on this computer. It may be moved to another: no path in it is absolute.

    Attributes:
        root: Its folder.
        settings: What its `dmr.toml` says.

    Example:
        >>> classes = [dmr.ClassDef(1, "nerve"), dmr.ClassDef(2, "muscle")]
        >>> made, is_new = dmr.Workspace.create(tmp / "department", classes=classes)
        >>> made.settings.classes.names
        ('nerve', 'muscle')
    """

    root: Path
    settings: Settings

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        classes: Sequence[ClassDef] | None = None,
        patient: str | None = None,
        coverage: str | None = None,
        ignore: Sequence[str] = (),
        split: Mapping[str, float] | None = None,
    ) -> tuple[Workspace, bool]:
        """Make a workspace, or complete one that was begun; an existing `dmr.toml` is kept.

        One that is lost comes back with the classes of the catalogue, under their ids.

        Args:
            folder: The workspace's folder; it is made if needed.
            classes: For a new `dmr.toml`; None for those of the Shamrock view.
            patient: The patient pattern for a new `dmr.toml`; None for PATIENT_FRAME, an empty text for no pattern.
            coverage: `drawn` or `all` for a new `dmr.toml`; None for `drawn`.
            ignore: Ignored labels for a new `dmr.toml`.
            split: The shares of train, validation and test for a new `dmr.toml`; None for the usual ones.

        Returns:
            The workspace, and whether anything had to be made.

        Raises:
            WorkspaceError: The folder lies in another workspace, or holds revisions but no catalogue.
        """
        folder = Path(folder)
        settings_path = folder / SETTINGS_NAME
        changed = not settings_path.exists()
        if changed:
            _refuse_nested(folder)
            classes = _classes_to_begin_with(folder, classes)
            text = default_toml(classes, patient=patient, coverage=coverage, ignore=ignore, split=split)
            parse_settings(text)  # refused before anything is made
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)  # a folder that is there keeps its rights: it may be shared
            write_atomic(settings_path, text.encode())
        workspace = cls.at(folder)
        with workspace.lock():
            for name in WORKSPACE_FOLDERS:
                if not (path := workspace.root / name).is_dir():
                    path.mkdir(mode=workspace_mode(workspace.root))
                    changed = True
            if not Catalogue.exists(workspace._catalogue_target):
                if next(workspace.store.hashes(), None) is not None:
                    what = "holds revisions, and its catalogue is missing"
                    raise WorkspaceError(workspace.root, what, "`dmr db rebuild` makes it anew from store/")
                # The key first: if this is killed in between, one key is unused, and none is missing.
                key = make_key()
                Catalogue.create(workspace._catalogue_target, store=workspace.store, key_id=key.id).close()
                if isinstance(workspace._catalogue_target, Path):  # its side files take over its rights
                    workspace._catalogue_target.chmod(0o666 & workspace_mode(workspace.root))
                changed = True
            workspace.catalogue(write=True).close()
        return workspace, changed

    @classmethod
    def at(cls, root: Path | str) -> Workspace:
        """The workspace in this very folder.

        Raises:
            WorkspaceError: There is none, or a file stands where one of its folders belongs.
            SettingsError: Its `dmr.toml` cannot be followed.
        """
        root = Path(root).resolve()
        refuse_lost_settings(root)
        if not (root / SETTINGS_NAME).exists():
            raise WorkspaceError(root, f"is no workspace: it has no {SETTINGS_NAME}", "`dmr init` makes one")
        for name in WORKSPACE_FOLDERS:
            refuse_no_folder(root / name)
        return cls(root, load_settings(root / SETTINGS_NAME))

    @classmethod
    def find(cls, start: Path | str | None = None) -> Workspace:
        """The workspace that a folder lies in, at any depth.

        Args:
            start: None for the folder that `DMR_WORKSPACE` names, else the working folder.

        Raises:
            WorkspaceError: There is none.
            SettingsError: Its `dmr.toml` cannot be followed.
        """
        named = os.environ.get(WORKSPACE_VARIABLE)
        if start is None and named:
            return cls.at(Path(named))
        start = Path(start or Path.cwd()).resolve()
        root = _root_above(start)
        for folder in (start, *start.parents):
            if folder == root:
                break
            refuse_lost_settings(folder)
        if root is None:
            raise WorkspaceError(start, f"no workspace here or above: no {SETTINGS_NAME}", "`dmr init` makes one")
        return cls.at(root)

    @property
    def frames_folder(self) -> Path:
        """The folder of the frames' pictures, PNG."""
        return self.root / "frames"

    @property
    def models_folder(self) -> Path:
        """The folder that has a folder for each version of a model."""
        return self.root / "models"

    @property
    def annotations_folder(self) -> Path:
        """The folder of the checkout: newest revisions and drafts as Labelme files."""
        return self.root / "annotations"

    @property
    def reports_folder(self) -> Path:
        """The folder of reports and contact sheets."""
        return self.root / "reports"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """The folders that dmr fills itself: they hold no scans or outlines from outside."""
        return tuple(self.root / name for name in (*WORKSPACE_FOLDERS, "worklist"))

    @property
    def store(self) -> BlobStore:
        """The store of revisions and of the raw files that they came from, by hash."""
        return BlobStore(self.root / "store")

    @property
    def key(self) -> Key:
        """The key that its pseudonyms are made with.

        Raises:
            WorkspaceError: The key is not on this computer.
        """
        with self.catalogue() as catalogue:
            return load_key(catalogue.meta("key_id"))

    @property
    def names_secret(self) -> bytes:
        """What keys the short names that stand for files under `--hide-names`.

        Raises:
            WorkspaceError: The workspace's key is not on this computer.
        """
        return bytes.fromhex(self.key.digest("hidden names"))

    @contextmanager
    def session(
        self,
        *,
        write: bool = False,
        report: Report | None = None,
        tell: Tell = silent,
        device: str = "auto",
        wait_s: float = WAIT_S,
    ) -> Iterator[Session]:
        """One command's work in this workspace; the catalogue is closed when it ends.

        Args:
            write: Hold the write lock from beginning to end. Without it, the session waits for nobody, and it writes
                within `Session.writing` only.
            report: The report to fill; None for a new one.
            tell: Gets the progress.
            device: What computes, as in `--device`: `auto`, `cpu`, `cuda` ...
            wait_s: Seconds to wait for another command that writes.

        Raises:
            CatalogueError: It is missing, damaged, newer than this program, or on a network share.
            SettingsError: An id in `dmr.toml` would come to mean another structure.
            WorkspaceError: Another command has been writing all the time.
        """
        report = Report("dmr") if report is None else report
        with self.lock(wait_s=wait_s) if write else nullcontext(), self.catalogue(write=write) as catalogue:
            yield Session(self, catalogue, report, tell, device, _writes=write)

    def catalogue(self, *, write: bool = False) -> Catalogue:
        """Open the catalogue; the caller closes it.

        Its classes follow `dmr.toml`: with `write`, they are changed in the database; without, only in what is read.

        Raises:
            CatalogueError: It is missing, damaged, newer than this program, or on a network share.
            SettingsError: An id in `dmr.toml` would come to mean another structure.
        """
        catalogue = Catalogue.open(self._catalogue_target, store=self.store)
        try:
            (catalogue.sync_classes if write else catalogue.follow_classes)(self.settings.classes)
            catalogue.follow_conflicts(self.settings.conflict)
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    @contextmanager
    def lock(self, *, wait_s: float = WAIT_S) -> Iterator[None]:
        """Hold the write lock, and first delete what killed runs left behind. Not re-entrant.

        Raises:
            WorkspaceError: Another command has been writing all the time.
        """
        with ExitStack() as held:
            try:
                held.enter_context(exclusive_lock(self.root / ".lock", wait_s=wait_s))
            except TimeoutError:
                what = f"another dmr command has been writing here for {wait_s:g} s"
                raise WorkspaceError(self.root, what, "Wait for it to finish and try again") from None
            for name in WORKSPACE_FOLDERS:
                sweep_temporaries(self.root / name)
            yield

    def relative(self, path: Path) -> str:
        """A path in the workspace as the catalogue keeps it: relative, POSIX."""
        try:
            return path.relative_to(self.root).as_posix()  # also where a folder in it is a link to elsewhere
        except ValueError:
            return path.resolve().relative_to(self.root).as_posix()

    def absolute(self, path: str) -> Path:
        """The place of a catalogue's path on this computer."""
        return self.root / PurePosixPath(path)

    @property
    def _catalogue_target(self) -> str | Path:
        return self.settings.catalogue.url or self.root / CATALOGUE_NAME


@dataclass(slots=True, eq=False)
class Session:
    """One command's work in a workspace: what each of its functions needs. Made by `Workspace.session`.

    Attributes:
        workspace: The workspace.
        catalogue: The workspace's catalogue, open.
        report: Collects what was done, and what failed.
        tell: Gets the progress.
        device: What computes, as in `--device`.

    Example:
        >>> with workspace.session() as s:
        ...     isinstance(s, dmr.Session), s.catalogue.counts()["models"]
        (True, 1)
    """

    workspace: Workspace
    catalogue: Catalogue
    report: Report
    tell: Tell = silent
    device: str = "auto"
    _writes: bool = False
    _read: tuple[Settings, Settings] | None = None  # as in the file, and as given out

    @property
    def settings(self) -> Settings:
        """What the workspace's `dmr.toml` says; the former names of its classes are aliases."""
        if self._read is None or self._read[0] is not self.workspace.settings:
            self._read = self.workspace.settings, self.catalogue.with_former_names(self.workspace.settings)
        return self._read[1]

    @contextmanager
    def writing(self, *, wait_s: float = WAIT_S) -> Iterator[None]:
        """Hold the write lock; within a session that holds it already, nothing changes.

        Raises:
            WorkspaceError: Another command has been writing all the time.
        """
        if self._writes:
            yield
            return
        with self.workspace.lock(wait_s=wait_s):
            self._writes = True
            try:
                self.catalogue.sync_classes(self.workspace.settings.classes)
                yield
            finally:
                self._writes = False


def _root_above(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if (folder / SETTINGS_NAME).exists()), None)


def _classes_to_begin_with(folder: Path, classes: Sequence[ClassDef] | None) -> Sequence[ClassDef] | None:
    """The classes of a new `dmr.toml`: those of the catalogue, where there is one."""
    store = BlobStore(folder / "store")
    if not has_lost_settings(folder):
        if next(store.hashes(), None) is not None:
            what = f"holds revisions, and its {SETTINGS_NAME} and catalogue are missing"
            raise WorkspaceError(folder, what, "Restore the workspace from a backup")
        return classes
    restored = restored_classes(folder, store=store)
    if restored is not None and classes is not None:
        what = "holds a catalogue, which has its classes already"
        raise WorkspaceError(folder, what, "`dmr init` without --classes and --from restores them")
    return restored or classes


def _refuse_nested(folder: Path) -> None:
    outer = _root_above(folder.resolve())
    if outer is not None:
        raise WorkspaceError(folder, f"lies in the workspace {outer}", "Choose a folder outside it")
