"""Annotated frames on their way into files: what is written, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import BrokenInput
from ..geometry.raster import hidden_classes
from ..progress.tell import Tell
from ..shapes import Annotation
from ..system.store import write_many
from ..wording import counted, quoted
from .files import Job, Names, check_name, judge_target
from .ours import would_lose
from .outcome import CONVERTING, LACKS_MORE, MEND, MEND_OR_MOVE, SHOWN_AS_ABSENT, Outcome

Files = dict[str, bytes]
"""Contents by path below DST, POSIX."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A frame to write.

    Attributes:
        name: Of its files, without an ending, POSIX.
        annotation: What is drawn on it.
        lost: The classes that are not complete there, as in `Drawing.lost`.
        image: Its image, as a Labelme file or a COCO data set shall name it.
        called: What reports call it.
        spacing_mm: `(row, column)` millimetres a pixel, None where unknown.
        missing: What cannot be written, in words: the frame counts as failed. None where it is whole.
        picture: Its image, which nothing may replace, where it is a file.
    """

    name: str
    annotation: Annotation
    lost: frozenset[int | None]
    image: str
    called: str
    spacing_mm: tuple[float, float] | None = None
    missing: str | None = None
    picture: Path | None = None

    @property
    def size(self) -> dict[str, int]:
        """`height` and `width`, as arguments."""
        return {"height": self.annotation.height, "width": self.annotation.width}

    def lacks(self, class_id: int) -> bool:
        """Whether a class is not complete there."""
        return bool(self.lost & {class_id, None})


@dataclass(frozen=True, slots=True)
class Naming:
    """The classes to write.

    Attributes:
        names: The label of each class id.
        order: Their ids from the lowest layer to the highest.
        every: A class that is not drawn on a frame and complete there has an empty layer.
        incomplete: Write also what the format shows as absent though nobody knows that it is.
    """

    names: Mapping[int, str]
    order: Sequence[int]
    every: bool = True
    incomplete: bool = False

    @property
    def numbers(self) -> dict[int, int]:
        """The place of each class id among the names, from 0."""
        return {class_id: place for place, class_id in enumerate(sorted(self.names))}


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is written.

    Attributes:
        one: The files of a frame, and what is odd about them; None where a frame has none of its own.
        all: The files of all frames together.
        folder: Below an export's folder, for the files of the frames.
        can_say: Its files have a place for the classes that are not complete.
        folders: Each class has a folder, where a frame on which the class is not complete has no file.
        is_flat: A class may lie hidden under others.
        check: Raises UsageError where what lies in the folder does not go together with what is to come.
    """

    one: Callable[[Labelled, Naming], tuple[Files, list[str]]] | None = None
    all: Callable[[Sequence[Labelled], Naming], Files] | None = None
    folder: str = ""
    can_say: bool = True
    folders: bool = False
    is_flat: bool = False
    check: Callable[[Path, Naming], None] | None = None


def write_frames(
    frames: Iterable[Labelled], *, form: Format, naming: Naming, dst: Path, outcome: Outcome, tell: Tell
) -> None:
    """Write frames, each as soon as it comes; the files of all of them last.

    Nothing is written that shows a class as absent though it is only not complete, unless `naming` asks for it. A frame
    that lacks something counts as failed. What lacks more than what is there does not replace it.

    Args:
        frames: What to write; those that could not be read are in the outcome's report already.
        form: The format.
        naming: The classes.
        dst: The folder.
        outcome: Counts the files.
        tell: Told of each frame.

    Raises:
        UsageError: What lies in the folder does not go together with the new files.
    """
    _Writing(form, naming, dst, outcome, tell).write(frames)


@dataclass(frozen=True, slots=True)
class _Writing:
    """One conversion's frames on their way into files."""

    form: Format
    naming: Naming
    dst: Path
    outcome: Outcome
    tell: Tell

    def write(self, frames: Iterable[Labelled]) -> None:
        made: Mapping[Path, bytes] = {}
        if self.form.check is not None:
            self.form.check(self.dst, self.naming)
            made = self._names_first()
        kept: list[Labelled] = []
        write_many(self._each(frames, kept))
        if self.form.folders and self.dst.is_dir():
            self._make_folders()
        if self.form.all is None:
            return
        if not kept:
            self.outcome.report.say("No frame could be converted: nothing was written.")
            for path in made:
                path.unlink()
            return
        files = {self.dst / path: data for path, data in self.form.all(kept, self.naming).items()}
        report = self.outcome.report
        failed = bool(report.failures)
        become = {}
        for path, data in files.items():
            try:
                become[path] = "written" if path in made else judge_target(Job(0, path, path.name, path), data)
            except BrokenInput as error:
                report.fail(error)
        if "replaced" in become.values() and self._stays(files, failed=failed):
            return
        if len(become) == len(files):
            write_many({path: data for path, data in files.items() if self.outcome.counts(become[path])})

    def _names_first(self) -> Mapping[Path, bytes]:
        """Write what says that the files to come are ours, so that a killed conversion can go on; what was made."""
        assert self.form.all is not None
        if self.outcome.dry_run:
            return {}
        files = {self.dst / path: data for path, data in self.form.all([], self.naming).items()}
        made = {path: data for path, data in files.items() if not path.exists()}
        write_many(made)
        return made

    def _stays(self, files: Mapping[Path, bytes], *, failed: bool) -> bool:
        """Whether the files of all frames that are there have more than the new ones, so that they stay; told then.

        Args:
            files: Contents of the new files by path.
            failed: A frame could not be converted; only then does one count that the new files do not have.
        """
        if not self.form.can_say or (self.outcome.is_truth and not failed):
            return False
        worse = would_lose(files, missing_too=failed)
        there = next(path for path in files if path.is_file())
        if worse and failed:
            what = f"holds {counted(worse, 'frames')} that could not be converted now: it was left as it is."
            self.outcome.report.say(f"{there} {what}")
        elif worse:
            what = f"has something on {counted(worse, 'frames')} that what is new lacks: it was left as it is"
            self.outcome.report.fail(BrokenInput(there, what, MEND_OR_MOVE))
        return worse > 0

    def _make_folders(self) -> None:
        """Make each class's folder: without it, nobody knows that there is a class that is complete nowhere."""
        for name in self.naming.names.values():
            with suppress(BrokenInput):  # told with its frames
                (self.dst / class_folder(name, what=name)).mkdir(exist_ok=True)

    def _each(self, frames: Iterable[Labelled], kept: list[Labelled]) -> Iterator[tuple[Path, bytes]]:
        """The files of the frames that are to be written."""
        taken = Names()
        for number, frame in enumerate(map(self._flattened, frames) if self.form.is_flat else frames):
            try:
                taken.take(frame.name, called=frame.called)
                if self.form.all is not None:
                    kept.append(frame)
                yield from self._one(number, frame)
            except BrokenInput as error:
                self.outcome.report.fail(error)
            self.tell(CONVERTING, 1, None)

    def _flattened(self, frame: Labelled) -> Labelled:
        """A frame without the classes that lie wholly hidden under others: nothing shows that they are there."""
        gone = hidden_classes(frame.annotation.shapes, paint_order=self.naming.order, **frame.size)
        if not gone:
            return frame
        for class_id in sorted(gone):
            hidden = "{} is wholly hidden under other classes" if self.form.can_say else SHOWN_AS_ABSENT
            self.outcome.report.note(hidden.format(self.naming.names[class_id]), frame.called)
        return replace(frame, lost=frame.lost | gone) if self.form.can_say else frame

    def _one(self, number: int, frame: Labelled) -> Iterator[tuple[Path, bytes]]:
        """The files of a frame that are to be written."""
        report = self.outcome.report
        if frame.lost and not self.form.can_say and not self.naming.incomplete:
            what = f"{frame.missing or 'a class is not complete'}; its file would show it as absent: none was written"
            raise BrokenInput(frame.called, what, MEND)
        files, notes = self.form.one(frame, self.naming) if self.form.one else ({}, [])
        for note in notes:
            report.note(note, frame.called)
        jobs = {path: Job(number, self.dst, path, self.dst / path) for path in files}
        for path in files:
            check_name(Path(path), what=frame.called)
        if frame.picture is not None and frame.picture.resolve() in {job.target.resolve() for job in jobs.values()}:
            raise BrokenInput(frame.called, "what is written would replace its image", "Choose another folder for DST")
        become = {path: judge_target(jobs[path], data) for path, data in files.items()}  # of a frame all files or none
        if self._frame_stays(frame, files, become):
            what = f"{frame.missing or LACKS_MORE}; what is there was left as it is"
            raise BrokenInput(frame.called, what, MEND_OR_MOVE)
        if frame.missing is not None:
            report.fail(BrokenInput(frame.called, frame.missing, "Mend it and convert again: what is written lacks it"))
        for path in files:
            if self.outcome.counts(become[path]):
                yield jobs[path].target, files[path]

    def _frame_stays(self, frame: Labelled, files: Files, become: Mapping[str, str]) -> bool:
        """Whether the files of a frame that are there have something that the new ones lack."""
        if self.form.folders:
            lost = (layer_file(name, frame) for k, name in self.naming.names.items() if frame.lacks(k))
            stale = (become.get(path, "replaced") == "replaced" and (self.dst / path).is_file() for path in lost)
            return not self.outcome.is_truth and any(stale)
        new = {self.dst / path: data for path, data in files.items()}
        return "replaced" in become.values() and self.outcome.stays(new, lacking=bool(frame.lost))


def layer_file(name: str, frame: Labelled) -> str:
    """The file of a class's layer, below DST."""
    return f"{name}/{frame.name}.png"


def class_folder(name: str, *, what: str) -> str:
    """A class's name as that of its folder. Raises BrokenInput where it can be none."""
    if Path(name).name != name or name in (".", "..") or not name.isprintable():
        raise BrokenInput(what, f"its label {quoted(name)} cannot be the name of a folder", "Rename it with --classes")
    check_name(Path(name), what=what)
    return name
