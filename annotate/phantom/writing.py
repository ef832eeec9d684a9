"""Write phantom clips as PNGs with Labelme files beside them, or as multi-frame DICOM with a burned-in banner."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..errors import UsageError
from ..formats.labelme import annotation_to_labelme
from ..scans.images import encode_png
from ..settings.template import SHAMROCK_CLASSES
from ..shapes import Annotation
from ..system.store import write_many
from .clip import Clip, draw_clip
from .dicom import InventedPatient, clip_to_dicom, invent_patient
from .scanner import SCANNERS, Scanner
from .screen import NOTICE, write_screen

PATIENTS_A_SEED: Final = 1000
_NAMES: Final = {c.id: c.name for c in SHAMROCK_CLASSES}
_EXTRA: Final = {"synthetic": True}
_README: Final = f"""{NOTICE} frames of virtual subjects, made by `dmr phantom`. They show no human being.
They are meant to try dmr, not to judge how well it does on real frames. Outlines are exact by construction.
"""


@dataclass(frozen=True, slots=True)
class PhantomSet:
    """A set of phantom clips to make.

    Attributes:
        patients: Number of patients; each has one clip.
        frames: Frames in each clip.
        seed: Random seed. Patients of a seed are numbered from 1000 * seed.
        first: Number of the first patient, within the seed's numbers.
        scanners: Names of the scanners to choose from; all by default.
        format: `png` or `dicom`.
        labels: Whether Labelme files are written.
    """

    patients: int
    frames: int
    seed: int = 0
    first: int = 1
    scanners: tuple[str, ...] = tuple(sorted(SCANNERS))
    format: str = "png"
    labels: bool = True

    def __post_init__(self) -> None:
        last = self.first + self.patients - 1
        if self.seed < 0:
            raise ValueError(f"seed {self.seed}: expected 0 or more")
        if not 1 <= self.first <= last < PATIENTS_A_SEED:
            raise ValueError(f"patients {self.first} to {last}: expected at least one, from 1 to {PATIENTS_A_SEED - 1}")

    def numbers(self) -> range:
        """The patients' numbers; file names begin with them."""
        first = self.seed * PATIENTS_A_SEED + self.first
        return range(first, first + self.patients)

    def clip(self, number: int) -> Clip:
        """The clip of one patient."""
        rng = np.random.default_rng([number, 0x5A])
        scanner: Scanner = SCANNERS[self.scanners[int(rng.integers(len(self.scanners)))]]
        return draw_clip(rng, frames=self.frames, scanner=scanner)


def write_phantom(folder: Path, wanted: PhantomSet, *, workers: int = 2) -> Iterator[int]:
    """Write a set of clips. The same set gives the same bytes.

    Args:
        folder: The folder; it is made if needed.
        wanted: The set to make.
        workers: Number of clips made at the same time.

    Yields:
        After each clip, its number of frames.

    Raises:
        UsageError: The folder holds other files than synthetic frames.
    """
    readme = folder / "README.txt"
    ours = readme.is_file() and readme.read_bytes() == _README.encode()
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise UsageError(folder, "holds other files", "Name a new folder: real and synthetic frames are kept apart")
    folder.mkdir(parents=True, exist_ok=True)
    write_many({readme: _README.encode()})
    if wanted.format == "dicom":
        importlib.import_module("pydicom")  # two threads that import it at once find it half made
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda number: _write_clip(folder, wanted, number), wanted.numbers()):
            yield wanted.frames


def draw_phantom(folder: Path | str, *, patients: int = 2, frames: int = 4, seed: int = 0) -> list[Path]:
    """Draw synthetic Shamrock clips as PNGs with Labelme files beside them.

    Args:
        folder: A new folder, or one with synthetic frames.
        patients: Number of virtual subjects; each has one clip.
        frames: Frames in each clip.
        seed: Random seed. Another seed gives other subjects.

    Returns:
        The Labelme files.

    Raises:
        UsageError: The folder holds other files than synthetic frames.

    Example:
        >>> [path.name for path in dmr.draw_phantom(tmp / "phantom", patients=1, frames=2)]
        ['0001_000.json', '0001_001.json']
    """
    wanted = PhantomSet(patients, frames, seed=seed)
    for _ in write_phantom(Path(folder), wanted):
        pass
    return [Path(folder) / f"{n:04}_{k:03}.json" for n in wanted.numbers() for k in range(frames)]


def _write_clip(folder: Path, wanted: PhantomSet, number: int) -> None:
    clip = wanted.clip(number)
    patient = invent_patient(number) if wanted.format == "dicom" else None
    lines = patient.banner if patient else ()
    files: dict[Path, bytes] = {}
    screens = []
    name = f"{number:04}"
    for k, frame in enumerate(clip.frames()):
        stem = folder / f"{name}_{k:03}"
        screen = write_screen(frame.pixels, clip.view, lines=lines)
        if patient is None:
            files[stem.with_suffix(".png")] = encode_png(screen)
        else:
            screens.append(screen)
        if wanted.labels:
            image = f"{stem.name}.png" if patient is None else f"{name}.dcm"
            files[stem.with_suffix(".json")] = _labels(frame.annotation, image, k, patient)
    if patient is not None:
        files[folder / f"{name}.dcm"] = clip_to_dicom(np.stack(screens), clip.view, patient)
    write_many(files)


def _labels(annotation: Annotation, image: str, index: int, patient: InventedPatient | None) -> bytes:
    extra: dict[str, object] = dict(_EXTRA) if patient is None else {**_EXTRA, "frame_index": index}
    return annotation_to_labelme(annotation, names=_NAMES, image_path=image, extra=extra)
