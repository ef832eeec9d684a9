"""`dmr convert labelme-to-layers` and `layers-to-labelme`: one folder of black and white masks for each class.

Layers may overlap, so unlike a class-index mask they hide nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import BrokenInput, UsageError
from ..formats.image_agreement import agreed_size
from ..formats.index_mask import MASK_SUFFIXES, read_index_mask
from ..formats.labelme_image import plain_name
from ..geometry.raster import polygons_to_mask
from ..geometry.trace import mask_to_shapes
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import encode_png
from ..shapes import Annotation, Shape
from ..system.store import write_many
from .files import Images, Job, check_name, drawn_file, find_jobs, judge_target, relative_path
from .names import Given, IndexNames, check_known, names_of_files
from .one import Drawn, read_drawn
from .outcome import CONVERTING, Outcome
from .preview import Preview


def labelme_to_layers(
    src: Path,
    dst: Path,
    *,
    classes: Given | None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Paint each class of Labelme files as a mask with values 0 and 255, `DST/CLASS/NAME.png`.

    A class that is not drawn on a frame gets an empty mask if `classes` names it, and no mask if not.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: Folder for the classes' folders.
        classes: The classes to paint, each under its first name; None for all labels.
        images: Folder of images that are neither beside the file nor below `src`.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: There is nothing to convert, `dst` cannot be used, or `classes` names none of the labels.
    """
    report = Report("convert labelme-to-layers")
    outcome = Outcome(report, dry_run)
    jobs = find_jobs(src, dst, suffixes=frozenset({".json"}), target_suffix=".png", report=report)
    names = names_of_files(jobs, classes)
    folder = Images.around(src, images, target=dst)
    sheet = Preview(preview, len(jobs))
    for job in jobs:
        files: dict[Path, bytes] = {}
        try:
            drawn = read_drawn(job, names=names, folder=folder)
            for note in drawn.notes:
                report.note(note, job.name)
            base = dst if src.is_dir() else job.target.parent
            files = _layer_files(drawn, names, job, base, dst, every=classes is not None, outcome=outcome)
            if sheet.wants(job.number):
                sheet.add(job.name, drawn.annotation, drawn.image(job, folder))
        except BrokenInput as error:
            report.fail(error)
        write_many(files)
        tell(CONVERTING, 1, None)
    outcome.end()
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def _layer_files(
    drawn: Drawn, names: IndexNames, job: Job, base: Path, dst: Path, *, every: bool, outcome: Outcome
) -> dict[Path, bytes]:
    """The masks of a frame that are to be written. Of a class that lost something, none is empty and none replaced."""
    lost = drawn.drawing.lost - drawn.drawing.slips
    painted = {s.class_id for s in drawn.drawing.shapes}
    if every and None not in lost:
        painted |= {k for k in range(1, len(names.given or ()) + 1) if k not in lost}
    files: dict[Path, bytes] = {}
    kept = ""
    for k, label, data in _painted(drawn, painted, names, job):
        target = dst / label / job.target.relative_to(base)
        layer = Job(job.number, job.source, f"{label}/{job.name}", target)
        if (k in lost or None in lost) and judge_target(layer, data) == "replaced":
            kept = "; the masks that are there were left as they are"
        elif outcome.wants(layer, data):
            files[target] = data
    if (words := drawn.lost(names)) is not None:
        outcome.report.fail(BrokenInput(job.name, words + kept, "Mend it and convert again: its masks lack it"))
    return files


def _painted(drawn: Drawn, class_ids: Iterable[int], names: IndexNames, job: Job) -> Iterator[tuple[int, str, bytes]]:
    """Each class's id, folder name and PNG. Raises BrokenInput if a class's name cannot be a folder's."""
    for k in sorted(class_ids):
        label = names.label(k)
        if Path(label).name != label or label in (".", "..") or not label.isprintable():
            what = f"its label {label!r} cannot be the name of a folder"
            raise BrokenInput(job.name, what, "Rename it with --classes")
        check_name(Path(label), what=job.name)
        mask = polygons_to_mask([s for s in drawn.annotation.shapes if s.class_id == k], **drawn.size)
        yield k, label, encode_png(mask.view(np.uint8) * np.uint8(255))


def layers_to_labelme(
    src: Path,
    dst: Path,
    *,
    classes: Given | None = None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Trace masks `SRC/CLASS/NAME.png` exactly, as Labelme files `DST/NAME.json`. Any value above 0 is the class.

    Args:
        src: A folder with one folder for each class.
        dst: Folder for the Labelme files. A file that was drawn or edited by hand is not replaced.
        classes: The folders wanted, each written under its first name; None for all under their own names.
        images: Folder of the images of the same names, to which the Labelme files point.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: There is nothing to convert, `dst` cannot be used, or `classes` names none of the folders.
    """
    if dst.is_file():
        raise UsageError(dst, "is a file", "Name a folder to write to")
    report = Report("convert layers-to-labelme")
    folders, frames = _masks_below(src, report)
    outcome = Outcome(report, dry_run)
    names, ids = _numbered(folders, classes)
    pictures = Images([images] if images else [])
    sheet = Preview(preview, len(frames), masks=src)
    for number, (place, masks) in enumerate(sorted(frames.items())):
        try:
            target = (dst / place).with_name(f"{place.name}.json")
            annotation = _traced(masks, ids)
            for name, _ in masks:
                if ids[name] is None:
                    report.note(f"label {name!r} is no class (left out)", place.as_posix())
            image = pictures.named(masks[0][1], place=place.as_posix())
            if image is not None:
                agreed_size((annotation.height, annotation.width), image, where=place.as_posix())
            data = drawn_file(
                annotation,
                names=names,
                image_path=relative_path(image, target.parent) if image else f"{place.name}.png",
                lost=names.keys() - annotation.covered,  # without its mask, nobody knows whether a class is absent
            )
            if outcome.wants(Job(number, masks[0][1], place.as_posix(), target), data):
                write_many({target: data})
            if sheet.wants(number):
                sheet.add(place.as_posix(), annotation, image)
        except BrokenInput as error:
            report.fail(error)
        tell(CONVERTING, 1, None)
    outcome.end()
    sheet.write(names.__getitem__, report, dry_run=dry_run)
    return report


def _masks_below(src: Path, report: Report) -> tuple[list[str], dict[Path, list[tuple[str, Path]]]]:
    """The folders' names in order, and each frame's masks with their folders.

    Raises:
        UsageError: There are none.
    """
    folders = sorted(p for p in src.iterdir() if p.is_dir() and not p.name.startswith(".")) if src.is_dir() else []
    frames: dict[Path, list[tuple[str, Path]]] = defaultdict(list)
    for folder in folders:
        for path in files_below([folder], MASK_SUFFIXES, report=report):
            place = Path(plain_name(path.relative_to(folder).with_suffix("").as_posix()))
            frames[place].append((folder.name, path))
    if not frames:
        raise UsageError(src, "holds no folders with masks", "Arrange the masks as SRC/CLASS/NAME.png")
    return [folder.name for folder in folders], frames


def _numbered(folders: Sequence[str], classes: Given | None) -> tuple[dict[int, str], dict[str, int | None]]:
    """Class names by number, and the number of each folder; None for a folder that is not wanted."""
    if classes is None:
        return dict(enumerate(folders, 1)), {name: k for k, name in enumerate(folders, 1)}
    wanted = IndexNames(classes)
    check_known(folders, wanted)
    return dict(enumerate(wanted.given or (), 1)), {name: wanted.index_of(name) for name in folders}


def _traced(masks: list[tuple[str, Path]], ids: Mapping[str, int | None]) -> Annotation:
    """The outlines of a frame's masks. A mask in a folder that is no class only gives the size."""
    shapes: list[Shape] = []
    size: tuple[int, ...] | None = None
    for label, path in masks:
        try:
            mask = read_index_mask(path.read_bytes(), where=path) > 0
        except OSError as error:
            raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check its permissions") from error
        if size is not None and mask.shape != size:
            what = f"has {mask.shape[1]} x {mask.shape[0]} pixels, and the masks before it {size[1]} x {size[0]}"
            raise BrokenInput(path, what, "Export all masks of a frame in the frame's size")
        size = mask.shape
        group = max((s.group or 0 for s in shapes), default=0) + 1
        if (class_id := ids[label]) is not None:
            shapes += mask_to_shapes(mask, class_id=class_id, first_group=group)
    assert size is not None  # every frame has a mask
    return Annotation(size[0], size[1], tuple(shapes), frozenset(k for label, _ in masks if (k := ids[label])))
