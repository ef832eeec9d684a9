"""Whether the files of a workspace are those that its catalogue names: blobs, frames, models, the key."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ..catalogue import tables as t
from ..catalogue.catalogue import Catalogue
from ..catalogue.frames import newest_rendition
from ..catalogue.models import CARD_KEY
from ..errors import BrokenInput, DmrError, ModelError
from ..formats.card_json import read_card_json
from ..progress.tell import Tell
from ..report import Report
from ..scans.identity import load_key
from ..scans.images import read_frames
from ..system.places import is_no_file
from ..system.store import TEMPORARY, sha256_hex
from ..workspace import Workspace
from .check_catalogue import meta_values
from .check_folders import files_below
from .fault import RESTORE, Fault

DAMAGED: Final = "damaged"
"""The folder in `store/` for files that are none of its blobs any more."""

_BESIDE: Final = frozenset({"journal", DAMAGED})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def blobs_whole(workspace: Workspace, catalogue: Catalogue, *, report: Report, tell: Tell) -> Iterator[Fault]:
    """Every blob, read from end to end; those that a row names and that are missing; and what is no blob."""
    revisions, raw = named_blobs(catalogue)
    wanted = revisions | raw
    found: set[str] = set()
    strange: list[tuple[Path, str]] = []
    for path in files_below(workspace.store.root, without=_BESIDE):
        if TEMPORARY.fullmatch(path.name):
            continue
        tell("Checking blobs", 1, None)
        report.count("blobs checked")
        try:
            own = file_hash(path)
        except OSError as error:
            yield Fault(workspace.relative(path), f"cannot be read ({error.strerror})", RESTORE)
            found.add(path.name)  # told once
            continue
        if own == path.name and path == workspace.store.path(own):
            found.add(own)
        else:
            strange.append((path, own))
    report.count("blobs that nobody names", len(found - wanted))
    names = {path.name for path, _ in strange}
    for path, own in strange:
        where, given = workspace.relative(path), {"path": path, "sha256": own}
        if own in wanted - found:
            yield Fault(where, f"is the blob {own} under another name", mend="misnamed", given=given)
        elif _SHA256.fullmatch(path.name) and path.name not in wanted:
            yield Fault(where, "is damaged: its content has another hash; nobody names it", mend="aside", given=given)
        elif path.name not in wanted:
            yield Fault(where, "is no blob", mend="aside", given=given)
    misplaced = {own for _, own in strange}
    for sha256 in sorted(wanted - found):
        what = "is damaged: its content has another hash" if sha256 in names else "is missing"
        where = workspace.relative(workspace.store.path(sha256))
        if sha256 in revisions:
            yield Fault(where, what, mend="blob", given={"sha256": sha256})
        elif sha256 not in misplaced:
            yield Fault(where, f"{what}: what somebody drew, as it came in", RESTORE)


def named_blobs(catalogue: Catalogue) -> tuple[set[str], set[str]]:
    """The hashes of the blobs that rows name: revisions, and what came in."""
    with catalogue.reading() as connection:
        revisions = set(connection.scalars(sa.select(t.revision.c.sha256)))
        raw = {
            sha256
            for column in (t.revision.c.raw_sha256, t.remote_annotation.c.raw_sha256)
            for sha256 in connection.scalars(sa.select(column).distinct())
            if sha256 is not None
        }
    return {s for s in revisions if _SHA256.fullmatch(s)}, {s for s in raw if _SHA256.fullmatch(s)}


def frames_whole(workspace: Workspace, catalogue: Catalogue, *, report: Report, tell: Tell) -> Iterator[Fault]:
    """The picture of every frame's newest rendition: there, readable, and of the pixels that the catalogue names."""
    c = t.rendition.c
    newest = sa.and_(newest_rendition.c.frame == c.frame, newest_rendition.c.version == c.version)
    query = sa.select(c.frame, c.pixel_sha256, c.path).select_from(t.rendition.join(newest_rendition, newest))
    with catalogue.reading() as connection:
        rows = connection.execute(query.where(c.path.is_not(None), c.state != "erased").order_by(c.frame)).all()
    for row in rows:
        tell("Checking frames", 1, len(rows))
        report.count("frames checked")
        if (what := frame_fault(workspace.absolute(row.path), row.pixel_sha256)) is not None:
            yield Fault(row.path, what, mend="frame", given={"frame": row.frame})


def frame_fault(path: Path, pixel_sha256: str) -> str | None:
    """What is wrong with a frame's picture; None where nothing is."""
    if not path.is_file():
        return "is missing"
    try:
        frame = next(read_frames(path))
        if not _chunks_whole(path.read_bytes()):
            return "is damaged: a part of the file has another checksum than it says"
    except BrokenInput as error:
        return error.what
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if sha256_hex(frame.pixels.tobytes()) == pixel_sha256 else "is not the picture that was drawn on"


def _chunks_whole(png: bytes) -> bool:
    """Whether each chunk of a PNG has its checksum: Pillow looks at some of them only."""
    place = len(_PNG)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png.ljust(place + 4, b"\0"), place)
        end = place + 8 + length
        if int.from_bytes(png[end : end + 4], "big") != zlib.crc32(png[place + 4 : end]) or len(png) < end + 4:
            return False
        place = end + 4
    return png.startswith(_PNG) and png[-8:-4] == b"IEND"


def models_whole(workspace: Workspace, catalogue: Catalogue, *, report: Report, tell: Tell) -> Iterator[Fault]:
    """Each model's card and weights: there, of the hash that card and catalogue name, and readable."""
    with catalogue.reading() as connection:
        known = meta_values(connection)
        models = connection.execute(sa.select(t.model.c.id, t.model.c.sha256, t.model.c.class_ids)).all()
    for model in models:
        tell("Checking models", 1, len(models))
        report.count("models checked")
        folder = workspace.models_folder / model.id
        card, weights = folder / "card.json", folder / "weights.safetensors"
        if (what := card_fault(card, model.id, model.sha256, model.class_ids)) is not None:
            yield Fault(workspace.relative(card), what, RESTORE)
        elif known.get(CARD_KEY + model.id, own := file_hash(card)) != own:
            yield Fault(workspace.relative(card), "was changed after the model was made", RESTORE)
        if (what := weights_fault(weights, model.sha256)) is not None:
            yield Fault(workspace.relative(weights), what, RESTORE)


def card_fault(path: Path, model: str, sha256: str, class_ids: str) -> str | None:
    """What is wrong with a model's card; None where nothing is."""
    try:
        card = read_card_json(path)
        ids = [card["class_ids"][name] for name in sorted(card["channels"], key=card["channels"].__getitem__)]
        says = (card["format"], card["id"], card["weights_sha256"], ids)
    except ModelError as error:
        return error.what
    except (ValueError, KeyError, TypeError, AttributeError):
        return "is no card of a model"
    return (
        None if says == (1, model, sha256, json.loads(class_ids)) else "is not the card of the model in the catalogue"
    )


def weights_fault(path: Path, sha256: str) -> str | None:
    """What is wrong with a model's weights; None where nothing is."""
    try:
        if file_hash(path) != sha256:
            return "is not the file that the catalogue names: it was changed or damaged"
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, path.stat().st_size)))
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "is no safetensors file"
    return None if 8 + length + end == path.stat().st_size else "is not as long as its header says"


def key_there(catalogue: Catalogue) -> Iterator[Fault]:
    """The key of the pseudonyms, which lies outside the workspace."""
    try:
        load_key(catalogue.meta("key_id"))
    except DmrError as error:
        yield Fault(error.where, error.what, error.remedy)


def file_hash(path: Path) -> str:
    """A file's SHA-256, read piece by piece."""
    if is_no_file(path):  # opening it could take for ever
        raise OSError(errno.EINVAL, "it is no file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
