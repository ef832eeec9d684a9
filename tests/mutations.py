"""Damaged copies of small scan files: bytes flipped, cut out, put in, and lengths changed, by a seed."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from dicom_files import JPEG, RLE, region, speckle, write_compressed, write_dicom
from PIL import Image
from video_files import write_video

from dmr.annotate.errors import BrokenInput
from dmr.annotate.report import Report
from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.deidentify import plan_cleaning
from dmr.annotate.scans.given import scan_files
from dmr.annotate.scans.left_out import LeftOut

HANG_S: Final = 10.0
_GROWN: Final = (0, 1, 0x7F, 0x80, 0xFF)


def seeds() -> dict[str, bytes]:
    """Small whole files by their name: DICOM of four kinds, PNG, JPEG, TIFF and MP4."""
    grey = speckle(3)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tags: dict[str, Any] = {
            "PatientID": "4711",
            "FrameTime": "50",
            "SequenceOfUltrasoundRegions": [region(4, 5, 59, 43)],
        }
        write_dicom(folder / "plain.dcm", grey, **tags)
        write_compressed(folder / "rle.dcm", grey, syntax=RLE, **tags)
        write_compressed(folder / "jpeg.dcm", grey, syntax=JPEG, **tags)
        Image.fromarray(grey[0]).save(folder / "a.png")
        Image.fromarray(grey[0]).save(folder / "a.jpg")
        pages = [Image.fromarray(page) for page in grey]
        pages[0].save(folder / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
        write_video(folder / "mpeg4.mp4", grey)
        write_video(folder / "h264.mp4", grey, codec="libx264")
        for path in sorted(folder.iterdir()):
            found[path.name] = path.read_bytes()
    return found


def mutated(data: bytes, random: Random) -> bytes:
    """A damaged copy: one to three changes of any kind."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        # Half of the changes hit the beginning, where the headers are.
        end = len(changed) if random.random() < 0.5 else min(len(changed), 600)
        at = random.randrange(max(1, end))
        kind = random.choice(("flip", "flip", "flip", "cut", "insert", "length", "length", "end"))
        if kind == "flip" and changed:
            changed[min(at, len(changed) - 1)] ^= 1 << random.randrange(8)
        elif kind == "cut":
            del changed[at : at + random.randint(1, 64)]
        elif kind == "insert":
            changed[at:at] = random.randbytes(random.randint(1, 64))
        elif kind == "length":
            size = random.choice((2, 4))
            changed[at : at + size] = bytes(random.choice(_GROWN) for _ in range(size))
        else:
            del changed[at:]
    return bytes(changed)


@dataclass(slots=True)
class Outcome:
    """What came of the damaged files.

    Attributes:
        counts: Files by what happened: `read`, `refused`, `counted` as another kind, or `traceback`.
        slowest_s: Seconds of the slowest file.
        hangs: Files that took more than `HANG_S`.
        told: The first tracebacks.
    """

    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    hangs: int = 0
    told: list[str] = field(default_factory=list)


def try_mutations(count: int, *, seed: int, folder: Path, outcome: Outcome) -> None:
    """Read so many damaged files as `dmr` does, in one decoder."""
    whole, random = seeds(), Random(seed)
    with Decoder() as decoder:
        for number in range(count):
            name = sorted(whole)[number % len(whole)]
            path = folder / name
            path.write_bytes(mutated(whole[name], random))
            began = time.perf_counter()
            outcome.counts[_tried(path, decoder, outcome)] += 1
            took = time.perf_counter() - began
            outcome.slowest_s = max(outcome.slowest_s, took)
            outcome.hangs += took > HANG_S
            if took > HANG_S:
                outcome.told.append(f"{number} {name}: {took:.1f} s")


def _tried(path: Path, decoder: Decoder, outcome: Outcome) -> str:
    report, given = Report(""), False
    try:
        for file in scan_files([path], left_out=LeftOut(), report=report):
            given = True
            for decoded in decoder.frames(file.path, where=file.shown):
                plan_cleaning([decoded.frame.pixels], regions=decoded.source.regions)
    except BrokenInput as error:
        return "refused" if "\n" not in str(error) else "traceback"
    except Exception as error:
        outcome.told.append(f"{path.name}: {type(error).__name__}: {error}")
        return "traceback"
    return "read" if given else "counted"
