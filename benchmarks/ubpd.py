"""The development set: real brachial plexus frames, beside the repository or in the folder that DMR_UBPD names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from dmr.annotate.classes import PALETTE, ClassDef, Classes
from dmr.annotate.intake.outside import labelme_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.sector import find_sector
from dmr.model.data.dataset import Sample

FOLDER = Path(os.environ.get("DMR_UBPD", Path(__file__).parents[2] / "shared" / "data" / "ubpd"))
CLASSES = Classes(
    [
        ClassDef(1, "nerve", ("shenjing",), PALETTE[1], z=40),
        ClassDef(2, "muscle", ("jirouzuzhi",), PALETTE[0], z=10),
        ClassDef(3, "artery", ("dongmai",), PALETTE[3], z=30),
        ClassDef(4, "vein", ("jingmai",), PALETTE[5], z=20),
    ]
)


def is_test_patient(patient: str) -> bool:
    """Whether a patient is a test patient; these are the same for every benchmark on this set."""
    return int(sha256(f"dmr-test-{patient}".encode()).hexdigest(), 16) % 5 == 0


def is_validation_patient(patient: str) -> bool:
    """Whether a patient is a validation patient."""
    return not is_test_patient(patient) and int(sha256(f"dmr-val-{patient}".encode()).hexdigest(), 16) % 8 == 0


def samples(*, sectors: bool = True) -> Iterator[Sample]:
    """All frames with their outlines; the patient is the first part of the file's name."""
    ids = frozenset(c.id for c in CLASSES)
    report = Report("benchmark")
    frames = labelme_frames(
        [FOLDER],
        resolve=lambda text: c.id if (c := CLASSES.find(text)) else None,
        all_classes=ids,
        coverage="drawn",
        report=report,
    )
    for item in frames:
        patient = item.name.split("_")[0]
        sector = find_sector(item.frame.pixels) if sectors else None
        yield Sample(item.name, patient, item.frame.pixels, item.annotation, sector)
