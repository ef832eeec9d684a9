"""`dmr convert labelme-to-coco` and `coco-to-labelme`, without a workspace."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..errors import BrokenInput, UsageError
from ..formats.coco import to_coco
from ..formats.coco_reading import CocoImage, from_coco
from ..formats.drawing import Drawing
from ..formats.image_agreement import agreed_size
from ..formats.labelme import LabelmeFile, image_name
from ..formats.lost import LOST_KEY
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.images import IMAGE_SUFFIXES
from ..shapes import Annotation
from ..system.canonical import canonical_json
from ..system.store import write_atomic, write_many
from ..wording import counted
from .files import Images, Job, check_name, drawn_file, find_jobs, relative_path, with_ending
from .names import Given, IndexNames, check_known, names_of_files
from .one import read_drawn
from .ours import is_data_set
from .outcome import CONVERTING, DRY_RUN, Outcome
from .preview import Preview

_MOST_BYTES = 2**30


def labelme_to_coco(
    src: Path,
    dst: Path,
    *,
    classes: Given | None,
    images: Path | None = None,
    preview: Path | None = None,
    rle: bool = False,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Write the Labelme files below `src` as one COCO data set.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: The JSON to write. An existing COCO data set is replaced; any other file is not.
        classes: The classes in the order of their category ids, from 1, each with its spellings. None takes all labels
            in alphabetical order.
        images: Folder of images that are neither beside the file nor below `src`.
        preview: Path of a contact sheet of some of the frames.
        rle: Write every structure as run lengths.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: There is nothing to convert, `dst` cannot be used, or `classes` names none of the labels.
    """
    _check_target(dst)
    report = Report("convert labelme-to-coco")
    found = find_jobs(src, dst.parent, suffixes=frozenset({".json"}), target_suffix=".json", report=report)
    jobs = [job for job in found if job.source != dst]
    names = names_of_files(jobs, classes)
    if names.given is None:
        raise UsageError(src, "has nothing drawn in it", "Name the folder of Labelme files")
    folder = Images.around(src, images)
    sheet = Preview(preview, len(jobs))
    frames: list[tuple[str, Annotation]] = []
    lost: dict[str, frozenset[int | None]] = {}
    for place, job in enumerate(jobs):
        try:
            drawn = read_drawn(job, names=names, folder=folder)
            for note in drawn.notes:
                report.note(note, job.name)
            image_file = _image_file(drawn.file, job.name)
            frames.append((image_file, drawn.annotation))
            lost[image_file] = drawn.drawing.lost
            if (words := drawn.lost(names)) is not None:
                report.fail(BrokenInput(job.name, words, f"Mend it and convert again: {dst.name} lacks it"))
            if sheet.wants(place):
                sheet.add(job.name, drawn.annotation, drawn.image(job, folder))
        except BrokenInput as error:
            report.fail(error)
        tell(CONVERTING, 1, None)
    content = to_coco(frames, dict(enumerate(names.given, 1)), rle=rle, lost=lost)
    report.count("frames converted", len(frames))
    if not frames:
        report.say("No frame could be converted: nothing was written.")
    elif report.failures and (worse := _would_lose(dst, content)):
        report.say(f"{dst} holds {counted(worse, 'images')} that could not be converted now: it was left as it is.")
    elif (why_not := _write(dst, content, dry_run=dry_run)) is not None:
        report.say(why_not)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def coco_to_labelme(
    src: Path,
    dst: Path,
    *,
    classes: Given | None = None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Write each image of a COCO data set as a Labelme file of the same name.

    Args:
        src: The JSON of the data set.
        dst: Folder for the Labelme files. A file that was drawn or edited by hand is not replaced.
        classes: The categories wanted, each written under its first name; None for all under their own names.
        images: Folder of the images that the Labelme files point to.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: `dst` is a file, or `classes` names none of the categories.
        BrokenInput: `src` is no COCO data set.
    """
    if dst.is_file():
        raise UsageError(dst, "is a file", "Name a folder to write to")
    report = Report("convert coco-to-labelme")
    data = from_coco(_parsed(src), where=src)
    for failure in data.failures:
        report.fail(failure)
    for note in data.notes:
        report.note(note, src.name)
    names, found = data.names, data.images
    if classes is not None:
        names, found = _renamed(names, found, IndexNames(classes))
    folder = Images([images] if images else [])
    sheet = Preview(preview, len(found))
    files: dict[Path, bytes] = {}
    outcome = Outcome(report, dry_run)
    for number, image in enumerate(found):
        place = _inside(image.name)
        base = place.as_posix()
        for note in image.notes:
            report.note(note, base)
        try:
            target = _target(dst, place, files, number=number)
            path = folder.named(dst / base, place=with_ending(place, "").as_posix())
            if path is not None:
                agreed_size((image.height, image.width), path, where=base)
            pointed = relative_path(path, target.parent) if path else place.name
            written = drawn_file(image.annotation, names=names, image_path=pointed, lost=image.drawing.lost)
            if outcome.wants(Job(number, src, base, target), written):
                files[target] = written
            if sheet.wants(number):
                sheet.add(base, image.annotation, path)
        except BrokenInput as error:
            report.fail(error)
        tell(CONVERTING, 1, None)
    write_many(files)
    outcome.end()
    sheet.write(names.__getitem__, report, dry_run=dry_run)
    return report


def _target(dst: Path, place: Path, taken: Container[Path], *, number: int) -> Path:
    """The Labelme file of an image. Raises BrokenInput where its name can be none, or another image has it."""
    what = f"image {number + 1}"
    check_name(place, what=what)
    if place.stem and place.as_posix().isprintable():
        target = dst / with_ending(place, ".json")
        if target not in taken:
            return target
    raise BrokenInput(what, "has no name, or one that another image has", "Give each image a name of its own")


def _renamed(
    categories: Mapping[int, str], found: Sequence[CocoImage], names: IndexNames
) -> tuple[dict[int, str], list[CocoImage]]:
    """The images with the classes of `names` instead of categories. Other categories are left out, with a note."""
    check_known(categories.values(), names)
    index = {k: names.index_of(category) for k, category in categories.items()}
    renamed = []
    for image in found:
        drawing = image.drawing
        ids = [(index[shape.class_id], shape) for shape in drawing.shapes]
        left_out = {categories[shape.class_id]: None for k, shape in ids if k is None}
        shapes = tuple(replace(shape, class_id=k) for k, shape in ids if k is not None)
        notes = (*drawing.notes, *(f"label {category!r} is no class (left out)" for category in left_out))
        # A category that is not wanted takes nothing away.
        lost = frozenset(k if k is None else index[k] for k in drawing.lost if k is None or index[k] is not None)
        renamed.append(replace(image, drawing=Drawing(shapes, lost, notes)))
    return dict(enumerate(names.given or (), 1)), renamed


def _write(dst: Path, content: object, *, dry_run: bool) -> str | None:
    """Write a data set. Returns why nothing was written, or None."""
    # A file name that is not Unicode has lone surrogates in Python. JSON escapes them in the same spelling.
    data = canonical_json(content).encode("utf-8", errors="backslashreplace")
    if dst.is_file() and dst.read_bytes() == data:
        return "Nothing new: nothing was changed."
    if dry_run:
        return DRY_RUN
    write_atomic(dst, data)
    return None


def _would_lose(dst: Path, content: dict[str, Any]) -> int:
    """How many images of a data set that is there would be missing, or lack something, in the one that replaces it."""
    if not dst.is_file():
        return 0
    whole = {image["file_name"] for image in content["images"] if LOST_KEY not in image}
    there = {image.name for image in from_coco(_parsed(dst), where=dst).images}
    return len(there - whole)


def _check_target(dst: Path) -> None:
    """Raises UsageError if `dst` is not a JSON name, or is an existing file that is no COCO data set."""
    if dst.suffix.lower() != ".json" or dst.is_dir():
        raise UsageError(dst, "is not the name of a JSON file", "Give DST a name such as annotations.json")
    if dst.exists() and not _is_data_set(dst):
        raise UsageError(dst, "exists and is not a COCO data set", "Move it away, or name another DST")


def _is_data_set(path: Path) -> bool:
    try:
        return path.stat().st_size <= _MOST_BYTES and is_data_set(path.read_bytes())
    except OSError:
        return False


def _image_file(file: LabelmeFile, name: str) -> str:
    """The image's file name: the Labelme file's name with the image's ending. `imagePath` often names another image."""
    ending = PurePosixPath(image_name(file)).suffix
    base = name[: -len(".json")] if name.lower().endswith(".json") else name
    return base + (ending if ending.lower() in IMAGE_SUFFIXES else ".png")


def _inside(name: str) -> Path:
    """A name as a path below a folder, with either slash. Of a name that would lead out, only the last part."""
    path = PureWindowsPath(name)
    leads_out = bool(path.anchor) or ".." in path.parts
    return Path(path.name) if leads_out else Path(*path.parts)


def _parsed(path: Path) -> object:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BrokenInput(path, "is larger than a GiB", "Check that it is a COCO data set")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BrokenInput(path, f"cannot be opened ({error.strerror})", "Check the path and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise BrokenInput(path, "is not JSON in UTF-8", "Give the file that holds images and annotations") from error
