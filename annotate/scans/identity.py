"""Names of ours for patients, clips and frames: keyed hashes, under a key that never lies in the workspace."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import WorkspaceError
from ..system.platform import user_data_folder
from ..system.store import write_atomic

KEY_FILE_VARIABLE = "DMR_KEY_FILE"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """The secret under which a workspace's names are made.

    Attributes:
        secret: 32 random bytes; not shown when the key is printed.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY_BYTES:
            raise ValueError(f"a key has {_KEY_BYTES} bytes, not {len(self.secret)}")

    @property
    def id(self) -> str:
        """16 hex digits that tell keys apart and give nothing away of 256 random bits."""
        return hashlib.sha256(b"dmr key id\0" + self.secret).hexdigest()[:16]

    def digest(self, kind: str, *parts: str) -> str:
        """HMAC-SHA256 as 64 hex digits; kinds never meet, and neither do parts cut elsewhere."""
        message = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
        # A file's name may be no valid text, and tell a patient all the same.
        return hmac.new(self.secret, message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def pseudonym(key: Key, patient: str) -> str:
    """A patient's name of ours: `p` and 16 hex digits.

    The text is normalised first (NFKC, outer blanks and padding zero bytes off, case folded), so that an identifier
    reads the same from a DICOM tag, a folder or a file name. Leading zeros are kept: they count in DICOM's PatientID,
    and to take two people for one would erase the wrong one's frames.

    Raises:
        ValueError: Nothing is left of the text: the patient is unknown.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", patient).casefold()).strip("\0 \t\r\n")
    if not text:
        raise ValueError("an empty text names no patient")
    return "p" + key.digest("patient", text)[:16]


def clip_id(key: Key, *, patient: str | None, clip: str | None, source_sha256: str) -> str:
    """A clip's name: `c` and 16 hex digits.

    Args:
        key: The workspace's key.
        patient: The pseudonym, None where unknown.
        clip: What tells this patient's clips apart; None makes the patient one clip.
        source_sha256: Of the scan file, which is a clip of its own when neither patient nor clip is known.
    """
    own = "" if patient or clip else source_sha256
    return "c" + key.digest("clip", patient or "", clip or "", own)[:16]


def frame_id(key: Key, *, source_sha256: str, index: int) -> str:
    """A frame's name: `f` and 20 hex digits, the same whenever the same scan file comes in.

    Args:
        key: The workspace's key.
        source_sha256: SHA-256 of the scan file, 64 hex digits.
        index: The frame's place in its file, from 0.
    """
    return "f" + key.digest("frame", source_sha256, str(index))[:20]


def key_path(key_id: str) -> Path:
    """Where this user's copy of a key lies."""
    return user_data_folder() / "keys" / f"{key_id}.key"


def make_key() -> Key:
    """Make a new key and keep it in the user's data folder, readable by its owner only."""
    key = Key(secrets.token_bytes(_KEY_BYTES))
    write_atomic(key_path(key.id), f"{key.secret.hex()}\n".encode(), private=True)
    return key


def load_key(key_id: str) -> Key:
    """The key of this id, from the file that `DMR_KEY_FILE` names, else from the user's data folder.

    Raises:
        WorkspaceError: It is not there, or is another one.
    """
    named = os.environ.get(KEY_FILE_VARIABLE)
    path = Path(named) if named else key_path(key_id)
    remedy = f"Copy {key_id}.key from the computer where the workspace was made, or set {KEY_FILE_VARIABLE} to it"
    try:
        key = Key(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except OSError as error:
        raise WorkspaceError(path, f"the workspace's pseudonym key cannot be read: {error.strerror}", remedy) from None
    except ValueError:  # the value stays unsaid, for it may be most of a key
        raise WorkspaceError(path, "is not a pseudonym key of 64 hex digits", remedy) from None
    if key.id != key_id:
        raise WorkspaceError(path, f"is the key {key.id}, and the workspace was made with {key_id}", remedy)
    return key
