"""`dmr convert coco-to-labelme` and the other directions from frames of another format, without a workspace.

`masks` has the direction from class-index masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ..errors import BrokenInput, UsageError
from ..formats.image_agreement import agreed_size
from ..formats.lost import unread_words
from ..report import Report
from ..system.store import write_many
from .files import Images, Job, Names, as_file, check_name, drawn_file, relative_path
from .foreign import Foreign, Reading
from .names import IndexNames
from .options import Options
from .outcome import CONVERTING, Outcome
from .preview import Preview
from .read_coco import read_coco
from .read_layers import read_layers
from .readers import read_instances, read_nifti_volumes, read_yolo

READERS: Final[Mapping[str, Callable[[Reading], tuple[IndexNames, Iterator[Foreign]]]]] = {
    "coco": read_coco,
    "layers": read_layers,
    "yolo": read_yolo,
    "nifti": read_nifti_volumes,
    "instances": read_instances,
}
"""What can be read, by name."""


def files_to_labelme(o: Options, *, form: str) -> Report:
    """Write the frames of another format as Labelme files.

    Args:
        o: The options; YOLO needs the images, for it does not say their size.
        form: The format, of `READERS`.

    Raises:
        UsageError: There is nothing to convert, the target is a file, or `classes` names none of the labels.
        BrokenInput: The source is no data set.
    """
    if o.dst.is_file():
        raise UsageError(o.dst, "is a file", "Name a folder to write to")
    report = Report(f"convert {form}-to-labelme")
    outcome = Outcome(report, o.dry_run)
    own = [o.src if o.src.is_dir() else o.src.parent] if form == "yolo" else []
    folder = Images([*own, *([o.images] if o.images else [])])
    reading = Reading(o.src, o.classes, folder, report)
    names, frames = READERS[form](reading)
    found = _one_of_a_name(list(frames), reading)
    sheet = Preview(o.preview, len(found), masks=None if form == "coco" else o.src)
    write_many(_files(found, names, folder=folder, sheet=sheet, outcome=outcome, o=o))
    outcome.end()
    sheet.write(names.label, report, dry_run=o.dry_run)
    return report


def _one_of_a_name(frames: list[Foreign], reading: Reading) -> list[Foreign]:
    """The first frame of each name; further ones fail, and it lacks all in which they differ from it."""
    source = reading.src if reading.src.is_dir() else reading.src.parent
    taken = Names()
    first: dict[str, Foreign] = {}
    for frame in frames:
        key = as_file(frame.name)
        try:
            taken.take(frame.name, called=frame.called or f"{frame.name} of {relative_path(frame.source, source)}")
            first[key] = frame.beside(None) if key in reading.refused else frame
        except BrokenInput as error:
            reading.report.fail(error)
            first[key] = first[key].beside(frame)
    return list(first.values())


def _files(
    found: list[Foreign], names: IndexNames, *, folder: Images, sheet: Preview, outcome: Outcome, o: Options
) -> Iterator[tuple[Path, bytes]]:
    """The Labelme files that are to be written."""
    labels = dict(enumerate(names.given or (), 1))
    for number, frame in enumerate(found):
        drawing = frame.drawing.on(height=frame.height, width=frame.width)
        for note in drawing.notes:
            outcome.report.note(note, frame.name)
        try:
            place = Path(frame.name)
            check_name(place, what=frame.name)
            target = (o.dst / place).with_name(f"{place.name}.json")
            image = folder.named(place.name, place=frame.name, without=frame.source)
            if image is not None:
                agreed_size((frame.height, frame.width), image, where=frame.name)
            pointed = relative_path(image, target.parent) if image else f"{place.name}.png"
            annotation = drawing.annotation(height=frame.height, width=frame.width)
            data = drawn_file(annotation, names=labels, image_path=pointed, lost=drawing.lost)
            unread = unread_words(drawing.unread, names.label)
            if outcome.wants(Job(number, frame.source, frame.name, target), data, unread=unread):
                yield target, data
            if sheet.wants(number):
                sheet.add(frame.name, annotation, image)
        except BrokenInput as error:
            outcome.report.fail(error)
        o.tell(CONVERTING, 1, None)
