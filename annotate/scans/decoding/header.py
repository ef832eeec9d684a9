"""Some tags of a DICOM file, read in the child process and handed over as a small DICOM file of their own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from ...errors import BrokenInput
from ...system.quiet import quietly

MOST_BYTES: Final = 1 << 20  # of the tags that are handed over: those of a real file take some hundred
_WHOLE: Final = "Take a copy that is whole"


def written_tags(path: Path, names: Sequence[str]) -> tuple[str, bytes]:
    """In the child: a file's transfer syntax, and its elements of these names as a DICOM file.

    Raises:
        BrokenInput: They cannot be read, or are too long.
    """
    try:
        with quietly():  # pydicom warns of values in the hospital's own tags, which stay as they are
            source = dcmread(path, stop_before_pixels=True, force=True)
            kept = Dataset()
            for name in names:
                if name in source:
                    kept.add(source[name])
            kept.file_meta = FileMetaDataset()
            kept.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            out = io.BytesIO()
            kept.save_as(out, enforce_file_format=False)
            syntax = str(source.file_meta.get("TransferSyntaxUID") or "")
    except (MemoryError, OSError):
        raise
    except Exception as error:  # pydicom raises anything where tags are damaged
        raise BrokenInput(path, "has damaged tags", _WHOLE) from error
    if out.tell() > MOST_BYTES:
        raise BrokenInput(path, "has tags that are far too long", _WHOLE)
    return syntax, out.getvalue()


def read_tags(syntax: str, data: bytes) -> Any:
    """The elements that `written_tags` wrote, with the transfer syntax of the file that they are from."""
    source: Any = dcmread(io.BytesIO(data), force=True)
    source.file_meta.TransferSyntaxUID = UID(syntax)
    return source
