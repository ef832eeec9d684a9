"""`dmr convert labelme-to-coco` and the other directions from Labelme files, without a workspace.

`masks` has the direction to class-index masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import BrokenInput, UsageError
from ..formats.labelme import LabelmeFile, image_name
from ..formats.nifti import ENDINGS
from ..report import Report
from ..scans.images import IMAGE_SUFFIXES
from .files import Images, Job, find_jobs, without_colliding
from .names import IndexNames, names_of_files
from .one import Drawn, read_drawn
from .options import Options
from .ours import MOST_BYTES, NOT_OURS, is_data_set
from .outcome import Outcome
from .preview import Preview
from .writers import FORMATS, coco_named, nifti_named
from .writing import Format, Labelled, Naming, write_frames
from .written import is_our_data_set


def labelme_to_files(o: Options, *, form: str, incomplete: bool = False, rle: bool = False) -> Report:
    """Write Labelme files in another format.

    Args:
        o: The options. The target is a folder, for NIfTI also the volume's name; for COCO it is the JSON to write.
            Without classes, all labels are taken in the order of the alphabet. A class that classes name and that is
            not drawn on a frame gets an empty layer.
        form: The format, of `FORMATS`.
        incomplete: Write also what the format shows as absent though nobody knows that it is.
        rle: Write every structure of a COCO data set as run lengths.

    Raises:
        UsageError: There is nothing to convert, the target is unfit, or `classes` names none of the labels.
    """
    report = Report(f"convert labelme-to-{form}")
    style, folder_to = _target(o.dst, form, rle=rle)
    outcome = Outcome(report, o.dry_run)
    found = find_jobs(o.src, folder_to, suffixes=frozenset({".json"}), target_suffix=".json", report=report)
    jobs = [job for job in found if form != "coco" or job.source != o.dst]
    names = names_of_files(jobs, o.classes)
    if form == "coco" and names.given is None:
        raise UsageError(o.src, "has nothing drawn in it", "Name the folder of Labelme files")
    labels = dict(enumerate(names.given or (), 1))
    naming = Naming(labels, sorted(labels), every=o.classes is not None, incomplete=incomplete)
    sheet = Preview(o.preview, len(jobs))
    folder = Images.around(o.src, o.images, target=None if form == "coco" else folder_to)
    frames = _Frames(without_colliding(jobs, report), names, folder, sheet, report, style)
    write_frames(frames.labelled(), form=style, naming=naming, dst=folder_to, outcome=outcome, tell=o.tell)
    outcome.end()
    sheet.write(names.label, report, dry_run=o.dry_run)
    return report


def _target(dst: Path, form: str, *, rle: bool) -> tuple[Format, Path]:
    """The format with its file's name, where it has one, and the folder to write to.

    Raises:
        UsageError: The target of a COCO data set is not a JSON name, or is another file.
    """
    if form == "coco":
        if dst.suffix.lower() != ".json" or dst.is_dir():
            raise UsageError(dst, "is not the name of a JSON file", "Give DST a name such as annotations.json")
        if dst.exists() and (why := _why_not_ours(dst)) is not None:
            raise UsageError(dst, f"exists and {why}", "Move it away, or name another DST")
        return coco_named(dst.name, rle=rle), dst.parent
    ending = next((e for e in ENDINGS if form == "nifti" and dst.name.lower().endswith(e)), None)
    return (FORMATS[form], dst) if ending is None else (nifti_named(dst.name[: -len(ending)]), dst.parent)


def _why_not_ours(path: Path) -> str | None:
    """Why a file cannot be replaced by a COCO data set; None if it can."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
    except OSError:
        data = b""
    if not is_data_set(data):
        return "is not a COCO data set"
    return None if is_our_data_set(data) else NOT_OURS


@dataclass(frozen=True, slots=True)
class _Frames:
    """Labelme files, and what is needed to read them."""

    jobs: list[Job]
    names: IndexNames
    folder: Images
    sheet: Preview
    report: Report
    style: Format

    def labelled(self) -> Iterator[Labelled]:
        """The frames that can be read."""
        for job in self.jobs:
            try:
                drawn = read_drawn(job, names=self.names, folder=self.folder)
            except BrokenInput as error:
                self.report.fail(error)
                continue
            for note in drawn.notes:
                self.report.note(note, job.name)
            if self.sheet.wants(job.number):
                self.sheet.add(job.name, drawn.annotation, drawn.picture)
            yield self._labelled(job, drawn)

    def _labelled(self, job: Job, drawn: Drawn) -> Labelled:
        can_say = self.style.can_say
        return Labelled(
            str(PurePosixPath(job.name).with_suffix("")),
            drawn.annotation,
            drawn.drawing.lost if can_say and not self.style.folders else drawn.hollow,
            _image_file(drawn.file, job.name),
            called=job.name,
            missing=drawn.unread(self.names, can_say=can_say),
            picture=drawn.picture if isinstance(drawn.picture, Path) else None,
        )


def _image_file(file: LabelmeFile, name: str) -> str:
    """The image's file name: the Labelme file's name with the image's ending. `imagePath` often names another image."""
    ending = PurePosixPath(image_name(file)).suffix
    base = name[: -len(".json")] if name.lower().endswith(".json") else name
    return base + (ending if ending.lower() in IMAGE_SUFFIXES else ".png")
