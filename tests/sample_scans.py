"""The ultrasound files that pydicom and pydicom-data carry, and what dmr makes of each, as the table in the docs.

Run as a program, it prints the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import data_store
import pydicom

from dmr.annotate.errors import BrokenInput
from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.decoding.values import Decoded

FOLDERS = {
    "pydicom": Path(pydicom.__file__).parent / "data" / "test_files",
    "pydicom-data": Path(data_store.__file__).parent / "data",
}
_HEAD = """| file | of | pixels, and how they are stored | outcome | regions | mm a pixel |
|---|---|---|---|---|---|
"""


def ultrasound_files() -> Iterator[tuple[str, Path]]:
    """The files of modality US, each with the package that carries it."""
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _modality(path) == "US":
                yield package, path


def _modality(path: Path) -> str:
    try:
        with warnings.catch_warnings(action="ignore"):
            return str(pydicom.dcmread(path, stop_before_pixels=True).get("Modality", ""))
    except Exception:
        return ""


def table(decoder: Decoder) -> str:
    """The table, as Markdown."""
    return _HEAD + "".join(_row(decoder, package, path) for package, path in ultrasound_files())


def _row(decoder: Decoder, package: str, path: Path) -> str:
    with warnings.catch_warnings(action="ignore"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
    stored = (
        f"{header.PhotometricInterpretation}, {header.BitsAllocated} bits, {header.file_meta.TransferSyntaxUID.name}"
    )
    found: list[Decoded] = []
    try:
        found = list(decoder.frames(path))
    except BrokenInput as error:
        return f"| {path.name} | {package} | {stored} | refused: {error.what} | | |\n"
    first = found[0].frame
    height, width = first.pixels.shape
    frames = f"{len(found)} frame{'' if len(found) == 1 else 's'} of {width} x {height}"
    notes = "".join(f"; {note}" for note in first.notes)
    spacing = "" if first.spacing_mm is None else f"{first.spacing_mm[0]:.3f}"
    return (
        f"| {path.name} | {package} | {stored} | {frames}{notes} | {len(found[0].source.regions) or ''} | {spacing} |\n"
    )


if __name__ == "__main__":
    with Decoder() as started:
        print(table(started), end="")
