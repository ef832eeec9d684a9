"""Pseudonyms and ids of patients, clips and frames: hashes with a key that never lies in the workspace."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..errors import WorkspaceError
from ..system.clock import utc_text
from ..system.platform import private_folder, user_data_folder
from ..system.store import write_atomic

KEY_FILE_VARIABLE = "DMR_KEY_FILE"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """The secret with which a workspace's pseudonyms and ids are made.

    Attributes:
        secret: 32 random bytes; not shown when the key is printed.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY_BYTES:
            raise ValueError(f"a key has {_KEY_BYTES} bytes, not {len(self.secret)}")

    @property
    def id(self) -> str:
        """16 hex digits that identify a key without revealing its 256 random bits."""
        return hashlib.sha256(b"dmr key id\0" + self.secret).hexdigest()[:16]

    def digest(self, kind: str, *parts: str) -> str:
        """HMAC-SHA256 as 64 hex digits. Other kinds, or the same text in other parts, give other digests."""
        message = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
        # A file's name may be invalid text and still name a patient.
        return hmac.new(self.secret, message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def pseudonym(key: Key, patient: str) -> str:
    """A patient's pseudonym: `p` and 16 hex digits.

    The text is normalised first (NFKC, case folded, no outer blanks or zero bytes), so that an identifier is the same
    from a DICOM tag, a folder or a file name. Leading zeros are kept, because they count in DICOM's PatientID: if two
    people were taken for one, the wrong person's frames could be erased.

    Raises:
        ValueError: The normalised text is empty: the patient is unknown.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", patient).casefold()).strip("\0 \t\r\n")
    if not text:
        raise ValueError("an empty text names no patient")
    return "p" + key.digest("patient", text)[:16]


def clip_id(key: Key, *, patient: str | None, clip: str | None, source_sha256: str) -> str:
    """A clip's id: `c` and 16 hex digits.

    Args:
        key: The workspace's key.
        patient: The pseudonym, None if unknown.
        clip: The clip's name, which differs between the patient's clips. None makes all frames of the patient one clip.
        source_sha256: Hash of the scan file. If neither patient nor clip is known, the file is a clip of its own.
    """
    own = "" if patient or clip else source_sha256
    return "c" + key.digest("clip", patient or "", clip or "", own)[:16]


def keyed_name(key: Key, kind: str, text: str) -> str | None:
    """A short keyed name for a device or a place: the kind and 8 hex digits; None for an empty text."""
    return f"{kind}-{key.digest(kind, text)[:8]}" if text else None


def shifted_date(key: Key, *, patient: str | None, acquired: str) -> str | None:
    """A time of recording, earlier by 1 to 365 days: as many for all frames of a patient, so their order stays.

    Args:
        key: The workspace's key.
        patient: The pseudonym. Without one nothing tells how far to shift, and the time is dropped.
        acquired: `YYYYMMDDHHMMSS`, or a part of it from the left that holds the date.

    Returns:
        The time as `clock.utc_text` writes it; None if there is none.
    """
    if patient is None or not acquired:
        return None
    try:
        there = datetime.strptime(acquired[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return utc_text(there - timedelta(days=1 + int(key.digest("date", patient)[:8], 16) % 365))
    except (ValueError, OverflowError):
        return None


def frame_id(key: Key, *, source_sha256: str, index: int) -> str:
    """A frame's id: `f` and 20 hex digits, always the same for the same scan file.

    Args:
        key: The workspace's key.
        source_sha256: SHA-256 of the scan file, 64 hex digits.
        index: The frame's place in its file, from 0.
    """
    return "f" + key.digest("frame", source_sha256, str(index))[:20]


def key_path(key_id: str) -> Path:
    """The path of this user's copy of a key."""
    return user_data_folder() / "keys" / f"{key_id}.key"


def key_file(key_id: str) -> Path:
    """The file from which a key is read: the one that `DMR_KEY_FILE` names, or else this user's copy."""
    named = os.environ.get(KEY_FILE_VARIABLE)
    return Path(named) if named else key_path(key_id)


def make_key() -> Key:
    """Make a new key, and keep it in the user's data folder for its owner alone."""
    key = Key(secrets.token_bytes(_KEY_BYTES))
    private_folder(key_path(key.id).parent)
    write_atomic(key_path(key.id), f"{key.secret.hex()}\n".encode(), private=True)
    return key


def load_key(key_id: str) -> Key:
    """The key with this id, from the file that `DMR_KEY_FILE` names, or else from the user's data folder.

    Raises:
        WorkspaceError: The key is missing, or the file holds another key.
    """
    path = key_file(key_id)
    remedy = f"Copy {key_id}.key from the computer where the workspace was made, or set {KEY_FILE_VARIABLE} to it"
    try:
        key = Key(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except OSError as error:
        raise WorkspaceError(path, f"the workspace's pseudonym key cannot be read: {error.strerror}", remedy) from None
    except ValueError:  # the error does not show the value, because it may be most of a key
        raise WorkspaceError(path, "is not a pseudonym key of 64 hex digits", remedy) from None
    if key.id != key_id:
        raise WorkspaceError(path, f"is the key {key.id}, and the workspace was made with {key_id}", remedy)
    return key
