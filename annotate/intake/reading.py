"""Read scans: decode each file, blank what is outside its ultrasound image, and find the key frames of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import BrokenInput, UsageError
from ..report import Report
from ..scans.decoding.child import Decoder
from ..scans.decoding.values import Decoded, Source, Span
from ..scans.deidentify import Cleaning, plan_cleaning
from ..scans.given import ScanFile, scan_files
from ..scans.left_out import LeftOut
from ..scans.similarity import NEAR_COPY_IN_CLIP, perceptual_hash
from ..scans.text_alarm import INSIDE, TextAlarm
from ..scans.views import WRITTEN, View, no_view
from ..shapes import Frame
from ..system.pipeline import batched_by_weight
from .choice import KEY_FRAMES, Choice

_TOGETHER: Final = 16  # frames of a file whose sector is looked for together
_PIXELS: Final = 8_000_000  # of these frames
_NAME_A_FOLDER: Final = "Name a folder with DICOM files, videos or images"


@dataclass(frozen=True, slots=True, eq=False)
class NamedFrame:
    """A frame, and the name of its file without the ending, in which patient and clip are found.

    The workspace keeps neither name nor file; the file's path goes into the private index.

    Attributes:
        name: The file's name without its ending.
        frame: The frame; its pixels are blanked already where a cleaning is given.
        source: The file, for the private index; None for none.
        about: What the file says of itself; None if nothing.
        cleaning: How the pixels were blanked; None if that is still to do.
        eligible: Whether it may be chosen for annotation: a near-copy within its clip may not.
        looks_like: What it shows instead of a view of the anatomy, such as a page of text; None if nothing.
    """

    name: str
    frame: Frame
    source: Path | None = None
    about: Source | None = None
    cleaning: Cleaning | None = None
    eligible: bool = True
    looks_like: View | None = None


def read_scans(
    scans: Sequence[Path],
    *,
    report: Report,
    without: Sequence[Path] = (),
    choice: Choice = KEY_FRAMES,
    find_text: bool = False,
) -> Iterator[NamedFrame]:
    """Read every scan among files, folders and archives. Files that fail, or are none, are reported and passed over.

    Args:
        scans: Files, archives and folders.
        report: Gets failures, oddities, and what is left out.
        without: Folders that are not searched.
        choice: Which frames of a clip are taken.
        find_text: Whether text is looked for inside the ultrasound image.

    Raises:
        UsageError: There is no scan, or the reader of text is not installed.
    """
    left_out, failed, some = LeftOut(), len(report.failures), False
    alarm = TextAlarm() if find_text else None
    with Decoder() as decoder:
        for file in scan_files(scans, left_out=left_out, report=report, without=without):
            some = True
            try:
                yield from _frames_of(file, decoder, report=report, choice=choice, alarm=alarm)
            except BrokenInput as error:
                report.fail(error)
    if not some and len(report.failures) == failed:
        only = f", only {there}" if (there := left_out.line()) else ""
        raise UsageError(scans[0], f"holds no scans{only}", _NAME_A_FOLDER)
    left_out.tell(report)


def _frames_of(
    file: ScanFile, decoder: Decoder, *, report: Report, choice: Choice, alarm: TextAlarm | None
) -> Iterator[NamedFrame]:
    keys = KeyFrames()
    decoded = decoder.frames(file.path, span=Span(every=choice.every), where=file.shown)
    for batch in batched_by_weight(decoded, _TOGETHER, weight=lambda d: d.frame.pixels.size, most=_PIXELS):
        for _, same_size in groupby(batch, key=lambda d: d.frame.pixels.shape):
            for item in _cleaned(list(same_size), file, alarm):
                for note in item.frame.notes:
                    report.note(note, file.shown.name)
                is_clip = item.about is not None and item.about.is_clip
                if choice.all:
                    yield item
                elif view := item.looks_like:
                    report.note(f"looks like {view} (not ranked or trained on; --all takes it in)", file.shown.name)
                    yield replace(item, eligible=False)
                elif is_clip and not keys.is_key(item.frame):
                    report.count("near-copies within their clip")
                    yield replace(item, eligible=False)
                else:
                    yield item


def _cleaned(decoded: Sequence[Decoded], file: ScanFile, alarm: TextAlarm | None) -> Iterator[NamedFrame]:
    source = decoded[0].source
    cleaning = plan_cleaning([d.frame.pixels for d in decoded], regions=source.regions)
    # Text stands still in a clip, so one frame of these tells.
    if alarm is not None and not cleaning.unsure and alarm.finds_text(cleaning.clean(decoded[0].frame.pixels)):
        cleaning = replace(cleaning, unsure=INSIDE)
    for d in decoded:
        frame = replace(d.frame, pixels=cleaning.clean(d.frame.pixels), sector=cleaning.sector)
        view = no_view(d.frame.pixels, kept=cleaning.kept, coloured=d.coloured)
        own = replace(cleaning, unsure=f"looks like {view}") if view in WRITTEN and not cleaning.unsure else cleaning
        yield NamedFrame(file.shown.stem, frame, file.shown, source, own, looks_like=view)


@dataclass(slots=True)
class KeyFrames:
    """The frames of one clip that show something new, by their perceptual hashes."""

    _kept: list[int] = field(default_factory=list)

    def is_key(self, frame: Frame) -> bool:
        """Whether a frame differs from all key frames before it; if so, it is one from now on."""
        own = int(perceptual_hash(frame.pixels), 16)
        bits = np.bitwise_count(np.array(self._kept, np.uint64) ^ np.uint64(own))
        if bits.min(initial=64) <= NEAR_COPY_IN_CLIP:
            return False
        self._kept.append(own)
        return True
