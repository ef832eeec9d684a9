"""The files that `dmr convert` reads and writes, and which may be replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import BrokenInput, UsageError
from ..formats.labelme import annotation_to_labelme, drawing_of
from ..formats.labelme_image import images_by_stem, plain_name
from ..formats.lost import lost_entry
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES
from ..shapes import Annotation
from ..wording import quoted
from .ours import why_not_ours
from .untouched import DRAWING_KEY, WRITTEN_KEY, written_hash

_IMAGE_ENDINGS = IMAGE_SUFFIXES | {".dcm", ".gif", ".webp"}
_RENAME = "Give them different names"
_LONGEST_NAME = 255  # bytes that most file systems take


@dataclass(frozen=True, slots=True)
class Job:
    """One file to convert.

    Attributes:
        number: Its place, from 0.
        source: What to read.
        name: The source's path below the given folder; reports use it.
        target: What to write.
    """

    number: int
    source: Path
    name: str
    target: Path


def find_jobs(src: Path, dst: Path, *, suffixes: frozenset[str], target_suffix: str, report: Report) -> list[Job]:
    """The files to convert, in the order of their names. Each keeps its name below `dst`.

    The report gets the folders that cannot be opened.

    Raises:
        UsageError: `src` is missing or holds nothing to convert, or `dst` is a file or has a link that leads out of it.
    """
    if not src.exists():
        raise UsageError(src, "is not there", "Check the path")
    if src.is_file():
        target = dst if dst.suffix.lower() == target_suffix and not dst.is_dir() else dst / f"{src.stem}{target_suffix}"
        pairs, folder = [(src, target)], target.parent
    else:
        sources = files_below([src], suffixes, report=report)
        pairs = [(path, (dst / path.relative_to(src)).with_suffix(target_suffix)) for path in sources]
        folder = dst
    if not pairs:
        raise UsageError(src, f"holds no {' or '.join(sorted(suffixes))} file", "Name the folder that holds them")
    if folder.exists() and not folder.is_dir():
        raise UsageError(folder, "is a file", "Name a folder to write to")
    real = folder.resolve()
    for _, target in pairs:
        if not target.parent.resolve().is_relative_to(real):
            raise UsageError(
                target.parent, "is a link to a folder outside DST", "Remove the link, or choose another DST"
            )
    base = src.parent if src.is_file() else src
    return [
        Job(number, source, source.relative_to(base).as_posix(), target)
        for number, (source, target) in enumerate(pairs)
    ]


def with_ending(name: Path, ending: str) -> Path:
    """A file's name with another ending; only an image's ending is taken away, for `1.2.840.1` has none."""
    return name.with_name(f"{stem_of(name)}{ending}")


def stem_of(name: Path) -> str:
    """A file's name without an image's ending."""
    return name.stem if name.suffix.lower() in _IMAGE_ENDINGS else name.name


def colliding(jobs: Iterable[Job]) -> dict[Path, str]:
    """Sources that have the same target as another source, each with its name: which of them is right, nobody knows."""
    first: dict[str, Job] = {}
    found: dict[Path, str] = {}
    for job in jobs:
        other = first.setdefault(as_file(job.target), job)
        if other is not job:
            found[job.source] = other.name
            found.setdefault(other.source, job.name)
    return found


def without_colliding(jobs: Sequence[Job], report: Report) -> list[Job]:
    """The jobs without those that have one target, which fail."""
    found = colliding(jobs)
    for job in jobs:
        if job.source in found:
            report.fail(BrokenInput(job.name, f"would become the same file as {quoted(found[job.source])}", _RENAME))
    return [job for job in jobs if job.source not in found]


def as_file(name: Path | str) -> str:
    """A name as a file system compares it: accents may be written as one character or as two."""
    return os.path.normcase(plain_name(str(name)))


class Names:
    """The names of the frames of one run: two of one name would become the same file."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def take(self, name: str, *, called: str) -> None:
        """Keep a frame's name. Raises BrokenInput where an earlier frame has it."""
        key = as_file(name)
        if (first := self._first.get(key)) is not None:
            raise BrokenInput(called, f"would become the same file as {quoted(first)}", _RENAME)
        self._first[key] = called


def judge_target(job: Job, data: bytes) -> str:
    """What happens to the target: `written`, `replaced` or `unchanged`.

    Raises:
        BrokenInput: A file is there that must not be replaced.
    """
    try:
        there = job.target.read_bytes()
    except FileNotFoundError:
        return "written"
    except OSError as error:
        raise BrokenInput(job.target, f"is in the way ({error.strerror})", "Move it away") from error
    if there == data:
        return "unchanged"
    if (why := why_not_ours(job.target, there, data)) is not None:
        raise BrokenInput(job.target, f"exists and {why}", "Move it away, or choose another DST")
    return "replaced"


def drawn_file(
    annotation: Annotation, *, names: Mapping[int, str], image_path: str, lost: Iterable[int | None] = ()
) -> bytes:
    """A conversion's Labelme file. It holds hashes that later show whether somebody edited it, and what it lacks."""
    drawing = drawing_of((names[s.class_id], s.points, s.group, s.hole) for s in annotation.shapes)
    size = {"imageHeight": annotation.height, "imageWidth": annotation.width}
    beside = {"imagePath": image_path, **size, **lost_entry(lost, names)}
    extra = {DRAWING_KEY: drawing, WRITTEN_KEY: written_hash(beside), **lost_entry(lost, names)}
    return annotation_to_labelme(annotation, names=names, image_path=image_path, extra=extra)


def check_name(place: Path, *, what: str) -> None:
    """Make sure that a name from outside can be a file's. Raises BrokenInput."""
    longest = max((len(part.encode(errors="surrogatepass")) for part in place.parts), default=0)
    if longest > _LONGEST_NAME:
        raise BrokenInput(what, f"has a name of {longest} bytes, which no file can have", "Shorten the name")


def relative_path(path: Path, folder: Path) -> str:
    """A path relative to a folder, POSIX; the whole path if they are on different drives."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _posix(path: Path, root: Path | None = None) -> str:
    """A path without its ending, from a folder that it lies in or as it is."""
    inner = path.relative_to(root) if root is not None and path.is_relative_to(root) else path
    return plain_name(inner.with_name(stem_of(inner)).as_posix())


class Images:
    """The images below some folders, searched when they are first needed.

    Args:
        roots: Folders to search.
        without: Jobs whose targets are not images.
        target: A folder whose files are not images, unless a root lies in it.
    """

    def __init__(self, roots: Sequence[Path], *, without: Iterable[Job] = (), target: Path | None = None) -> None:
        self.roots = tuple(roots)
        real = None if target is None else target.resolve()
        self._target = [] if real is None or any(r.resolve().is_relative_to(real) for r in roots) else [real]
        self._without = frozenset(job.target.resolve() for job in without)

    @classmethod
    def around(
        cls, src: Path, images: Path | None, *, without: Iterable[Job] = (), target: Path | None = None
    ) -> Images:
        """The images beside or below `src`, and in the folder given with `--images`."""
        roots = [src if src.is_dir() else src.parent, *([images] if images else [])]
        return cls(roots, without=without, target=target)

    @cached_property
    def index(self) -> Mapping[str, Sequence[Path]]:
        """Paths by name without suffix."""
        found = files_below(self.roots, IMAGE_SUFFIXES, without=self._target)
        return images_by_stem(path for path in found if path.resolve() not in self._without)

    def named(self, name: str, *, place: str | None = None, without: Path | None = None) -> Path | None:
        """The only image with a name.

        Args:
            name: Without an ending.
            place: Its place in its folder, without ending, POSIX; it tells images of one name in several folders apart.
            without: A mask, which is not its own image.
        """
        own = None if without is None else without.resolve()
        others = [path for path in self.index.get(plain_name(name), ()) if path.resolve() != own]
        if len(others) > 1 and place is not None:
            there = plain_name(place)
            alike = [path for path in others if f"/{_posix(path)}".endswith(f"/{there}")]
            same = [path for path in alike if any(_posix(path, root) == there for root in self.roots)]
            others = next((few for few in (same, alike) if len(few) == 1), others)
        if len(others) > 1:
            what = f"{len(others)} images have its name"
            raise BrokenInput(without or name, what, "Keep only one of them in --images")
        return others[0] if others else None
