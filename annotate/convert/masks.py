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
from ..report import Report
from ..scans.images import MOST_PIXELS
from ..system.store import write_many
from .files import Images, Job, find_jobs, without_colliding
from .left_out import tell_pictures
from .names import IndexNames, check_numbered, check_some_known
from .one import Converted, Paint, Trace
from .options import Options
from .outcome import CONVERTING, Outcome
from .preview import Preview

_WORTH_PROCESSES = 400  # files; with fewer, starting processes costs more time than it saves
_WINDOW = 512  # files


def labelme_to_mask(o: Options, *, incomplete: bool = False) -> Report:
    """Paint Labelme files as class-index PNGs of the same names, higher indices over lower.

    An existing mask that differs is replaced; any other picture is not.

    Args:
        o: The options. The target may be a PNG's path if the source is a file. Without classes, `class_n` is n. Only
            old files need the images, because they do not say their size.
        incomplete: Write also what a mask shows as absent though nobody knows that it is.

    Raises:
        UsageError: There is nothing to convert, the target cannot be used, or labels are not `class_n` without classes.
    """
    report = Report("convert labelme-to-mask")
    jobs = find_jobs(o.src, o.dst, suffixes=frozenset({".json"}), target_suffix=".png", report=report)
    names = IndexNames(o.classes)
    if o.classes is None:
        check_numbered(jobs)
    else:
        check_some_known(jobs, names)
    folder = Images.around(o.src, o.images, without=jobs)
    sheet = Preview(o.preview, len(jobs))
    _run(report, jobs, Paint(names, folder, sheet, incomplete), o)
    return report


def mask_to_labelme(
    o: Options, *, tolerance: float = 0.0, most_points: int | None = None, colors: NamedColors | None = None
) -> Report:
    """Trace class-index masks as Labelme files of the same names.

    Args:
        o: The options. The source is a mask (PNG, BMP, TIFF) or a folder of them; the target may be a JSON's path if
            the source is a file. Without classes, n is `class_n`. The Labelme files point to the images.
        tolerance: Pixels. With 0 the trace is exact: painting the outlines gives the same mask.
        most_points: Most points of each outline, with a tolerance above 0; None for no limit.
        colors: The colours of the classes, by name, in masks that hold colours; None for those of Pascal VOC.

    Raises:
        UsageError: There is nothing to convert, or the target or `tolerance` cannot be used.
    """
    if not 0 <= tolerance < MOST_PIXELS:
        raise UsageError("--tolerance", f"is {tolerance}", "Give a number of pixels, 0 or more")
    if most_points is not None and tolerance == 0:
        raise UsageError("--max-points", "needs a tolerance above 0", "Add --tolerance 4, for example")
    report = Report("convert mask-to-labelme")
    jobs = find_jobs(o.src, o.dst, suffixes=MASK_SUFFIXES, target_suffix=".json", report=report)
    tell_pictures(o.src, [job.source for job in jobs], report)
    names = IndexNames(o.classes if colors is None or o.classes is not None else tuple(colors))
    sheet = Preview(o.preview, len(jobs), masks=o.src)
    meant = None if colors is None else indices_of_colors(colors, names.index_of)
    trace = Trace(names, Images([o.images]) if o.images else None, sheet, tolerance, most_points, meant)
    _run(report, jobs, trace, o)
    return report


def _run(report: Report, jobs: list[Job], convert: Paint | Trace, o: Options) -> None:
    """Convert all jobs, write new files and the contact sheet, and count."""
    outcome = Outcome(report, o.dry_run)
    wanted = without_colliding(jobs, report)

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
                if outcome.wants(job, done.data, unread=done.unread):
                    yield job.target, done.data
            except BrokenInput as error:
                report.fail(error)
            o.tell(CONVERTING, 1, None)

    write_many(outputs())
    outcome.end()
    convert.sheet.write(convert.names.label, report, dry_run=o.dry_run)


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
