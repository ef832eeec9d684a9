"""Scans of virtual subjects, for tests that need frames: six a clip."""

from __future__ import annotations

from pathlib import Path

from dmr.annotate.phantom.writing import PhantomSet, write_phantom

FRAMES = 6
FIRST = "0001_000"  # the first frame's name


def write_scans(folder: Path, *, patients: range, labelled: bool) -> None:
    """Write the clips of some patients, with outlines beside them where `labelled`."""
    wanted = PhantomSet(len(patients), FRAMES, first=1 + patients.start, labels=labelled)
    for _ in write_phantom(folder, wanted):
        pass
