"""`dmr deidentify`: de-identified frames of scans in a folder, without a workspace."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..catalogue.records import FrameRecord
from ..classes import Classes
from ..errors import UsageError
from ..intake.choice import KEY_FRAMES, Choice
from ..intake.ingest import frame_batches, frame_record
from ..intake.reading import read_scans
from ..progress.tell import Tell, silent
from ..report import Report
from ..scans.identity import Key, key_file, load_key, make_key
from ..scans.images import encode_png
from ..settings.model import ImportSettings, Settings
from ..settings.template import SHAMROCK_CLASSES
from ..system.pipeline import ahead, side_by_side
from ..system.store import write_atomic, write_many
from ..wording import counted

_ABOUT: Final = "deidentified.json"
_TABLE: Final = "frames.csv"
_HELD: Final = "quarantine"
_COLUMNS: Final = (
    "file", "patient", "clip", "index", "time_ms", "acquired_shifted", "row_mm", "column_mm", "blanked_by",
    "blanked_share", "removed_fields", "near_copy", "looks_like", "unsure",
)  # fmt: skip


def deidentify(
    scans: Sequence[Path],
    dest: Path,
    *,
    report: Report,
    patient: str | None = None,
    choice: Choice = KEY_FRAMES,
    tell: Tell = silent,
) -> None:
    """Write the frames of scans as new PNGs under keyed names, with all outside the ultrasound image blanked.

    A frame about which dmr is unsure goes into the folder `quarantine`. The same scans again add nothing.

    Args:
        scans: DICOM files, videos, images, ZIP archives, and folders of them.
        dest: A new folder, or one that an earlier run made.
        report: Gets counts, failures and oddities.
        patient: Regular expression that finds the patient in a file's name, as in `dmr.toml`; a tag goes before it.
        choice: Which frames of a clip are taken.
        tell: Gets the progress.

    Raises:
        UsageError: The folder holds other files, the pattern is wrong, or there is no scan.
    """
    try:
        imports = ImportSettings(patient=patient)
    except ValueError as error:
        raise UsageError("--patient", str(error), "Correct it") from None
    key, rows = _begun(dest)
    settings = Settings(Classes(SHAMROCK_CLASSES), imports=imports)  # the classes play no part
    report.count("frames written", 0)
    reading = read_scans(scans, report=report, without=[dest.resolve()], choice=choice)
    for batch in ahead(frame_batches(reading), depth=1):
        records = side_by_side(lambda item: frame_record(item, key=key, settings=settings), batch)
        names = [_name(record) for record in records]
        new = [i for i, name in enumerate(names) if name not in rows or not (dest / name).is_file()]
        encoded = side_by_side(lambda i: encode_png(batch[i].frame.pixels), new)  # noqa: B023  (used before the next)
        write_many({dest / names[i]: data for i, data in zip(new, encoded, strict=True)})
        rows |= {names[i]: _row(names[i], records[i], looks_like=batch[i].looks_like) for i in new}
        _write_table(dest, rows)
        report.count("frames written", len(new))
        report.count("frames already there", len(batch) - len(new))
        tell("Reading scans", len(batch), None)
    report.data["key_file"] = str(key_file(key.id))
    report.say(f"The pseudonym key is {key_file(key.id)}. Keep a copy of it, apart from {dest.name}/.")
    if held := sum(name.startswith(f"{_HELD}/") for name in rows):
        report.say(f"Look at the {counted(held, 'frames')} in {_HELD}/: dmr is unsure about them. {_TABLE} says why.")


def _begun(dest: Path) -> tuple[Key, dict[str, dict[str, Any]]]:
    """The key of a folder, and the rows of its table; a new folder gets a new key, kept in the user's data folder."""
    about = dest / _ABOUT
    if about.is_file():
        try:
            key_id = str(json.loads(about.read_text(encoding="utf-8"))["key_id"])
        except (ValueError, KeyError, TypeError):
            raise UsageError(about, "cannot be read", "Name a new folder") from None
        return load_key(key_id), _read_table(dest)
    if dest.exists() and any(dest.iterdir()):
        raise UsageError(dest, "holds other files", "Name a new folder")
    dest.mkdir(parents=True, exist_ok=True)
    key = make_key()
    write_atomic(about, json.dumps({"format": 1, "key_id": key.id}).encode())
    return key, {}


def _name(record: FrameRecord) -> str:
    folder = _HELD if record.state == "quarantined" else record.patient or "unknown"
    return f"{folder}/{record.clip_id}_{record.index:05}_{record.frame_id}.png"


def _row(name: str, record: FrameRecord, *, looks_like: str | None) -> dict[str, Any]:
    told = json.loads(record.deid or "{}")
    row_mm, column_mm = record.spacing_mm or ("", "")
    values = (
        name,
        record.patient or "",
        record.clip_id,
        record.index,
        "" if record.time_ms is None else record.time_ms,
        record.acquired or "",
        row_mm,
        column_mm,
        told.get("by", ""),
        told.get("blanked", ""),
        len(told.get("removed", ())),
        "" if record.eligible or looks_like else "yes",
        looks_like or "",
        told.get("unsure", ""),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _read_table(dest: Path) -> dict[str, dict[str, Any]]:
    path = dest / _TABLE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file) if set(_COLUMNS) <= row.keys()}


def _write_table(dest: Path, rows: dict[str, dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows[name] for name in sorted(rows))
    write_atomic(dest / _TABLE, text.getvalue().encode())
