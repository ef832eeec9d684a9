"""`dmr convert labelme-to-mask` and `mask-to-labelme`, for a file or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from ..errors import BrokenInput, UsageError
from ..formats.color_mask import NamedColors, indices_of_colors
from ..formats.index_mask import MASK_SUFFIXES
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.images import MOST_PIXELS
from ..system.store import write_many
from .files import Images, Job, colliding, find_jobs
from .names import Given, IndexNames, check_numbered, check_some_known
from .one import Converted, Paint, Trace
from .outcome import CONVERTING, Outcome
from .preview import Preview

_WORTH_PROCESSES = 400  # files; with fewer, starting processes costs more time than it saves
_WINDOW = 512  # files


def labelme_to_mask(
    src: Path,
    dst: Path,
    *,
    classes: Given | None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Paint Labelme files as class-index PNGs of the same names, higher indices over lower.

    An existing mask that differs is replaced; any other picture is not.

    Args:
        src: A Labelme file, or a folder of them at any depth.
        dst: Folder for the masks, or a PNG's path if `src` is a file.
        classes: The classes in the order of their indices, from 1, each with its spellings; None reads `class_n` as n.
        images: Folder of images that are neither beside the file nor below `src`. Only old files need them, because
            they do not say their size.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: There is nothing to convert, `dst` cannot be used, or labels are not `class_n` without `classes`.
    """
    report = Report("convert labelme-to-mask")
    jobs = find_jobs(src, dst, suffixes=frozenset({".json"}), target_suffix=".png", report=report)
    names = IndexNames(classes)
    if classes is None:
        check_numbered(jobs)
    else:
        check_some_known(jobs, names)
    folder = Images.around(src, images, without=jobs)
    sheet = Preview(preview, len(jobs))
    _run(report, jobs, Paint(names, folder, sheet), dry_run=dry_run, tell=tell)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def mask_to_labelme(
    src: Path,
    dst: Path,
    *,
    classes: Given | None,
    tolerance: float = 0.0,
    most_points: int | None = None,
    colors: NamedColors | None = None,
    images: Path | None = None,
    preview: Path | None = None,
    dry_run: bool = False,
    tell: Tell = silent,
) -> Report:
    """Trace class-index masks as Labelme files of the same names.

    An existing file that dmr wrote is replaced if it differs; a file that was drawn or edited by hand is not.

    Args:
        src: A mask (PNG, BMP, TIFF), or a folder of them at any depth.
        dst: Folder for the Labelme files, or a JSON's path if `src` is a file.
        classes: The classes in the order of their indices, from 1; first names are written. None writes `class_n`.
        tolerance: Pixels. With 0 the trace is exact: painting the outlines gives the same mask.
        most_points: Most points of each outline, with a tolerance above 0; None for no limit.
        colors: The colours of the classes, by name, in masks that hold colours; None for those of Pascal VOC.
        images: Folder of the images of the same names, to which the Labelme files point.
        preview: Path of a contact sheet of some of the frames.
        dry_run: Write nothing.
        tell: Gets the progress.

    Raises:
        UsageError: There is nothing to convert, or `dst` or `tolerance` cannot be used.
    """
    if not 0 <= tolerance < MOST_PIXELS:
        raise UsageError("--tolerance", f"is {tolerance}", "Give a number of pixels, 0 or more")
    if most_points is not None and tolerance == 0:
        raise UsageError("--max-points", "needs a tolerance above 0", "Add --tolerance 4, for example")
    report = Report("convert mask-to-labelme")
    jobs = find_jobs(src, dst, suffixes=MASK_SUFFIXES, target_suffix=".json", report=report)
    if colors is not None and classes is None:
        classes = tuple(colors)
    names = IndexNames(classes)
    sheet = Preview(preview, len(jobs), masks=src)
    meant = None if colors is None else indices_of_colors(colors, names.index_of)
    trace = Trace(names, Images([images]) if images else None, sheet, tolerance, most_points, meant)
    _run(report, jobs, trace, dry_run=dry_run, tell=tell)
    sheet.write(names.label, report, dry_run=dry_run)
    return report


def _run(report: Report, jobs: list[Job], convert: Paint | Trace, *, dry_run: bool, tell: Tell) -> None:
    """Convert all jobs, write new files, and count."""
    outcome = Outcome(report, dry_run)
    later = colliding(jobs)
    for job in jobs:
        if job.source in later:
            what = f"would become the same {job.target.suffix} as {later[job.source]}"
            report.fail(BrokenInput(job.name, what, "Give them different names"))
    wanted = [job for job in jobs if job.source not in later]

    def outputs() -> Iterator[tuple[Path, bytes]]:
        for job, done in zip(wanted, _each(convert, wanted), strict=True):
            for note in done.notes:
                report.note(note, job.name)
            if done.hidden is not None:
                report.count("pixels hidden", done.hidden)
            if done.shown is not None:
                convert.sheet.add(job.name, *done.shown)
            try:
                if done.error is not None:
                    raise done.error
                assert done.data is not None
                if done.lost is None:
                    wanted_now = outcome.wants(job, done.data)
                else:
                    wanted_now = outcome.wants_part(job, done.data, lost=done.lost)
                if wanted_now:
                    yield job.target, done.data
            except BrokenInput as error:
                report.fail(error)
            tell(CONVERTING, 1, None)

    write_many(outputs())
    outcome.end()


def _each(convert: Paint | Trace, jobs: list[Job]) -> Iterator[Converted]:
    """Convert jobs in order, with all cores if there are many. Only some results are in memory at a time."""
    workers = os.cpu_count() or 1
    if len(jobs) < _WORTH_PROCESSES or workers < 2:
        yield from map(convert, jobs)
        return
    # Processes are spawned on every system: Windows needs it, and a fork would copy locks of this process's threads.
    if convert.folder is not None:
        _ = convert.folder.index  # looked for once, and not by each process
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start in range(0, len(jobs), _WINDOW):
            yield from pool.map(convert, jobs[start : start + _WINDOW], chunksize=_WINDOW // 32)
