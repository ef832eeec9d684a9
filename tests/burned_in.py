"""How much of the text that the phantom burns into its frames is left after cleaning, and how much of the sector."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from numpy.typing import NDArray

from dmr.annotate.intake.reading import read_scans
from dmr.annotate.phantom.dicom import invent_patient
from dmr.annotate.phantom.screen import painted_glyphs
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.report import Report
from dmr.annotate.scans.deidentify import plan_cleaning

LEAK: Final = 0.05  # share of a text's painted pixels that may be left


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in one scan.

    Attributes:
        scanner: Name of its virtual scanner.
        leaks: Whether a text is left after cleaning.
        leaks_uncleaned: Whether a text is left when nothing is cleaned.
        unsure: Whether the cleaning asks for a person, so that the frame does not leave.
        sector_blanked: Share of the true sector that is blanked.
        untagged_leaks: `leaks` without the file's ultrasound region: the sector is found in the pixels.
        untagged_unsure: `unsure` without it.
        untagged_blanked: `sector_blanked` without it.
    """

    scanner: str
    leaks: bool
    leaks_uncleaned: bool
    unsure: bool
    sector_blanked: float
    untagged_leaks: bool
    untagged_unsure: bool
    untagged_blanked: float


def look_at(number: int, *, seed: int = 9) -> Looked:
    """Write a phantom's scan as DICOM, read it as `dmr` does, and look for its texts.

    Args:
        number: Number of the patient, from 1.
        seed: Random seed.
    """
    wanted = PhantomSet(1, 2, seed=seed, first=number, format="dicom", labels=False)
    (own,) = wanted.numbers()
    view = wanted.clip(own).view
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in write_phantom(folder, wanted):
            pass
        path = folder / f"{own:04}.dcm"
        screens = np.asarray(pydicom.dcmread(path).pixel_array)
        items = list(read_scans([path], report=Report("")))
    texts = list(painted_glyphs(view, invent_patient(own).banner).values())
    inside = np.zeros(screens.shape[1:], np.bool_)
    inside.ravel()[view.sampling[0]] = True
    cleanings = [item.cleaning for item in items if item.cleaning is not None]
    assert len(cleanings) == len(items) == len(screens)
    untagged = plan_cleaning(list(screens))
    return Looked(
        scanner=view.scanner.name,
        leaks=any(_is_left(item.frame.pixels, texts) for item in items),
        leaks_uncleaned=any(_is_left(screen, texts) for screen in screens),
        unsure=any(c.unsure for c in cleanings),
        sector_blanked=max(1 - float(c.kept[inside].mean()) for c in cleanings),
        untagged_leaks=any(_is_left(untagged.clean(screen), texts) for screen in screens),
        untagged_unsure=bool(untagged.unsure),
        untagged_blanked=1 - float(untagged.kept[inside].mean()),
    )


def _is_left(pixels: NDArray[np.uint8], texts: list[NDArray[np.bool_]]) -> bool:
    return any(float(np.mean(pixels[text] > 0)) > LEAK for text in texts)
