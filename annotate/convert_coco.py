"""`dmr convert labelme-to-coco` and `coco-to-labelme`, without a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from .canonical import canonical_json
from .coco import from_coco, to_coco
from .convert_files import Images, Job, drawn_file, find_jobs, judge_target, relative_path
from .convert_names import IndexNames
from .errors import BrokenInput, UsageError
from .labelme import LabelmeFile, image_name, labelme_to_annotation, read_labelme
from .report import Report
from .shapes import Annotation
from .store import write_atomic, write_many

Progress = Callable[[], None]
_MOST_BYTES = 2**30


def labelme_to_coco(
    src: Path,
    dst: Path,
    *,
    classes: tuple[str, ...] | None,
    rle: bool = False,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> Report:
    """Write the Labelme files below `src` as one COCO data set.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: The JSON to write; a COCO data set that is there is replaced, anything else is not.
        classes: Labels in the order of their category ids, from 1; None takes all labels in the order of the alphabet.
        rle: Write run lengths everywhere.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: There is nothing to convert, or `dst` is unfit.
    """
    if dst.suffix.lower() != ".json" or dst.is_dir():
        raise UsageError(dst, "is no name of a JSON file", "Give DST a name such as annotations.json")
    if dst.exists() and not _is_data_set(dst):
        raise UsageError(dst, "is there, and is no COCO data set", "Move it away, or name another DST")
    report = Report("convert labelme-to-coco")
    jobs = [
        j for j in find_jobs(src, dst.parent, suffixes=frozenset({".json"}), target_suffix=".json") if j.source != dst
    ]
    files = {}
    for job in jobs:
        try:
            files[job.name] = read_labelme(job.source)
        except BrokenInput as error:
            report.fail(error)
        if on_progress is not None:
            on_progress()
    labels = classes or tuple(sorted({shape.label.strip() for file in files.values() for shape in file.shapes}))
    if not labels:
        raise UsageError(src, "has nothing drawn in it", "Name the folder of Labelme files")
    names = IndexNames(labels)
    frames: list[tuple[str, Annotation]] = []
    for name, file in files.items():
        if file.height is None or file.width is None:
            report.fail(BrokenInput(name, "says no size", "Save it again in Labelme"))
            continue
        annotation, notes = labelme_to_annotation(
            file, resolve=names.index_of, height=file.height, width=file.width, covered=None
        )
        for note in (*file.notes, *notes):
            report.note(note, name)
        frames.append((_image_file(file, name), annotation))
    categories = {names.index_of(label) or 0: label for label in labels}
    # A file name that is no Unicode has lone surrogates in Python; JSON's escape for them has the same spelling.
    data = canonical_json(to_coco(frames, categories, rle=rle)).encode("utf-8", errors="backslashreplace")
    report.count("frames converted", len(frames))
    if dst.is_file() and dst.read_bytes() == data:
        report.say("Nothing new: nothing was changed.")
    elif dry_run:
        report.say("Dry run: nothing was written.")
    else:
        write_atomic(dst, data)
    return report


def coco_to_labelme(
    src: Path, dst: Path, *, images: Path | None = None, dry_run: bool = False, on_progress: Progress | None = None
) -> Report:
    """Write each image of a COCO data set as a Labelme file of its name.

    Args:
        src: The JSON of the data set.
        dst: Folder for the Labelme files; one that was drawn or edited by hand is not replaced.
        images: Where the images lie, which the Labelme files shall point to.
        dry_run: Write nothing.
        on_progress: Called after each file.

    Raises:
        UsageError: `dst` is a file.
        BrokenInput: `src` is no COCO data set.
    """
    if dst.is_file():
        raise UsageError(dst, "is a file", "Name a folder to write to")
    report = Report("convert coco-to-labelme")
    names, found = from_coco(_parsed(src), where=src)
    folder = Images([images] if images else [])
    files: dict[Path, bytes] = {}
    for word in ("written", "replaced", "unchanged"):
        report.count(word, 0)
    for number, image in enumerate(found):
        place = _inside(image.name)
        base = place.as_posix()
        target = (dst / place).with_suffix(".json") if place.stem else dst
        for note in image.notes:
            report.note(note, base)
        try:
            if not place.stem or target in files or not base.isprintable():
                raise BrokenInput(f"image {number + 1}", "has no name of its own", "Give images different names")
            path = folder.named(dst / base)
            pointed = relative_path(path, target.parent) if path else place.name
            data = drawn_file(image.annotation, names=names, image_path=pointed)
            outcome = judge_target(Job(number, src, base, target), data)
            report.count(outcome)
            if outcome != "unchanged":
                files[target] = data
        except BrokenInput as error:
            report.fail(error)
        if on_progress is not None:
            on_progress()
    if dry_run:
        report.say("Dry run: nothing was written.")
    else:
        write_many(files)
    return report


def _is_data_set(path: Path) -> bool:
    try:
        content = _parsed(path)
    except BrokenInput:
        return False
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys()


def _image_file(file: LabelmeFile, name: str) -> str:
    """The image's file name: the Labelme file's own with the image's ending, for `imagePath` is often another's."""
    ending = PurePosixPath(image_name(file) or "").suffix or ".png"
    return PurePosixPath(name).with_suffix(ending).as_posix()


def _inside(name: str) -> Path:
    """A name as a path below a folder, by whichever slash; of one that would lead out, its last part."""
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
        raise BrokenInput(path, "is no JSON in UTF-8", "Give the file that holds images and annotations") from error
