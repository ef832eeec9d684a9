"""The truth about the frames of DICOM files as DICOM segmentations, one beside each file's place in DEST."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..catalogue.records import LabelledFrame
from ..convert.files import Job, Names, check_name
from ..convert.outcome import CONVERTING, Outcome
from ..convert.writing import Naming
from ..errors import BrokenInput, UsageError
from ..formats.dicom_header import NEEDED, READ
from ..formats.dicom_seg import Plane, Segment, pack, segmentation_bytes
from ..geometry.raster import polygons_to_mask
from ..scans.decoding.child import Decoder
from ..scans.given import ScanFile, has_scan_ending, scan_files
from ..scans.kinds import DICOM, kind_of_file
from ..scans.left_out import LeftOut
from ..system.quiet import quietly
from ..system.store import write_many
from ..wording import counted
from ..workspace import Session
from .dicom_codes import coded_terms
from .truths import name_of, truths

SEGMENTATION: Final = "dicom-seg"
ENDING: Final = ".seg.dcm"
_NO_DICOM: Final = "its scan is no DICOM file, so no segmentation can refer to it (left out)"
_NO_SCAN: Final = "its scan is not in --scans (left out)"
_NOTHING_COMPLETE: Final = "no class is complete (left out)"


def export_segmentations(
    s: Session,
    labelled: Sequence[LabelledFrame],
    dest: Path,
    *,
    scans: Sequence[Path],
    naming: Naming,
    outcome: Outcome,
) -> None:
    """Write a segmentation for each DICOM file that labelled frames come from.

    Args:
        s: Its report gets the counts, and what is odd.
        labelled: The frames with their truth.
        dest: The folder to write to. A file is called as its scan in `scans`.
        scans: The original files, and folders and archives of them; they are known by their SHA-256.
        naming: The classes.
        outcome: Counts the files.

    Raises:
        UsageError: None of the frames comes from `scans`.
    """
    with Decoder() as decoder:
        export = _Export(s, naming, dest, tuple(scans), outcome, decoder)
        write_many(export.files(labelled))
    if not export.found:
        what = f"holds the scan of none of the {counted(len(labelled), 'outlined frames')}"
        raise UsageError(scans[0], what, "Name the folder with the files that were ingested; a changed file is another")


@dataclass(slots=True)
class _Export:
    session: Session
    naming: Naming
    dest: Path
    scans: tuple[Path, ...]
    outcome: Outcome
    decoder: Decoder
    found: int = 0

    def files(self, labelled: Sequence[LabelledFrame]) -> Iterator[tuple[Path, bytes]]:
        """The files that are to be written."""
        report = self.session.report
        wanted: dict[str, list[LabelledFrame]] = defaultdict(list)
        for item in labelled:
            wanted[item.frame.source_sha256].append(item)
        taken = Names()
        own = self.session.workspace.own_folders
        for number, scan in enumerate(scan_files(self.scans, left_out=LeftOut(), report=report, without=own)):
            self.session.tell(CONVERTING, 1, None)
            try:
                items = wanted.pop(_sha256(scan), None)
                if items is None:
                    continue
                self.found += 1
                if kind_of_file(scan.path) is DICOM:
                    yield from self._file(number, scan, items, taken)
                else:
                    for item in items:
                        report.note(_NO_DICOM, name_of(item))
            except BrokenInput as error:
                report.fail(error)
        if self.found:
            for item in (item for items in wanted.values() for item in items):
                report.note(_NO_SCAN, name_of(item))

    def _file(
        self, number: int, scan: ScanFile, items: Sequence[LabelledFrame], taken: Names
    ) -> Iterator[tuple[Path, bytes]]:
        source = _tags(scan, self.decoder)
        for item in items:
            if (source.Rows, source.Columns) != (item.frame.height, item.frame.width):
                what = (
                    f"has frames of {source.Columns} x {source.Rows}, and its frame in the workspace has another size"
                )
                raise BrokenInput(scan.shown, what, "Ingest it again")
        place = self._place(scan)
        taken.take(place.as_posix(), called=str(scan.shown))
        check_name(place, what=str(scan.shown))
        used = []
        for item in items:
            if item.annotation.covered & self.naming.names.keys():
                used.append(item)
            else:
                self.session.report.note(_NOTHING_COMPLETE, name_of(item))
        if not used:
            return
        segments, planes = self._masks(used)
        drawn_at = max(self.session.catalogue.revision(item.revision).record.at for item in used)
        with quietly():  # pydicom warns of values in the hospital's own tags, which stay as they are
            data = segmentation_bytes(source, segments, planes, size=scan.path.stat().st_size, drawn_at=drawn_at)
        job = Job(number, scan.path, str(scan.shown), self.dest / place)
        if self.outcome.wants(job, data):
            yield job.target, data

    def _masks(self, items: Sequence[LabelledFrame]) -> tuple[list[Segment], list[Plane]]:
        """The classes that are complete on a frame at least, and their mask on each such frame, empty ones too."""
        frames = sorted(
            zip(items, truths(self.session, items, self.naming), strict=True), key=lambda f: f[0].frame.index
        )
        segments: list[Segment] = []
        planes: list[Plane] = []
        for class_id, name in self.naming.names.items():
            drafted = False
            before = len(planes)
            for item, truth in frames:
                if class_id in truth.annotation.covered:
                    own = [shape for shape in truth.annotation.shapes if shape.class_id == class_id]
                    drafted |= bool(own) and item.draft_model is not None
                    mask = polygons_to_mask(own, **truth.size)
                    planes.append(Plane(len(segments), item.frame.index, pack(mask)))
            if len(planes) > before:
                color = self.session.settings.classes.by_id(class_id).color
                segments.append(Segment(name, *coded_terms(name), color, drafted=drafted))
        return segments, planes

    def _place(self, scan: ScanFile) -> Path:
        """The path of a scan's segmentation below DEST: that of the scan below what the user named."""
        roots = [path if path.is_dir() else path.parent for path in self.scans]
        root = next((root for root in roots if scan.shown.is_relative_to(root)), scan.shown.parent)
        own = scan.shown.relative_to(root)
        return own.with_name(f"{own.stem if has_scan_ending(own) else own.name}{ENDING}")


def _sha256(scan: ScanFile) -> str:
    try:
        with scan.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        what = f"cannot be opened ({error.strerror})"
        raise BrokenInput(scan.shown, what, "Check the path and its permissions") from error


def _tags(scan: ScanFile, decoder: Decoder) -> Any:
    """A DICOM file's tags, read in the child process: the file may be made to do harm."""
    source = decoder.tags(scan.path, READ, where=scan.shown)
    if missing := [name for name in NEEDED if not source.get(name)]:
        what = f"lacks {', '.join(missing)}, so no segmentation can refer to it"
        raise BrokenInput(scan.shown, what, "Take the file as the scanner or the archive wrote it")
    return source
