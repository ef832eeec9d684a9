"""The text of a model's `card.json`: JSON that holds its own hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import ModelError
from ..system.places import NO_FILE, is_no_file
from ..system.store import sha256_hex

HASH: Final = "card_sha256"
REMEDY: Final = "Restore the folder from a backup, or use another model: `dmr models list`"
_MOST: Final = 16 << 20  # bytes; cards have some thousands


def card_text(content: Mapping[str, Any]) -> str:
    """A card with its hash as its last value."""
    return json.dumps({**content, HASH: card_hash(content)}, indent=2, ensure_ascii=False) + "\n"


def card_hash(content: Mapping[str, Any]) -> str:
    """The SHA-256 of what a card says, whatever its layout; its hash itself is left out."""
    said = {name: value for name, value in json.loads(json.dumps(content)).items() if name != HASH}
    return sha256_hex(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def read_card_json(path: Path) -> dict[str, Any]:
    """Read a card's values; those of cards without a hash, which an older dmr wrote, are taken as they are.

    Raises:
        ModelError: It is missing, is not JSON, or was changed.
    """
    try:
        if is_no_file(path):
            raise ModelError(path, NO_FILE, REMEDY)
        if path.stat().st_size > _MOST:
            raise ModelError(path, f"is no card of a model: it has {path.stat().st_size:,} bytes", REMEDY)
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(path, f"cannot be read ({error.strerror})", REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(path, "is no card of a model: it is not JSON", REMEDY) from error
    if not isinstance(content, dict):
        raise ModelError(path, "is no card of a model: it is not an object", REMEDY)
    if HASH in content and content[HASH] != card_hash(content):
        raise ModelError(path, f"does not match the {HASH} in it: it was changed or damaged", REMEDY)
    return content
