"""Find the image of a Labelme file: by imagePath, by the file's name, or inside the file."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ..scans.given import CLIP_SUFFIXES
from ..scans.images import IMAGE_SUFFIXES
from .labelme_reading import LabelmeFile

_ABSOLUTE = re.compile(r"/|[A-Za-z]:")


def plain_name(name: str) -> str:
    """A file's name as it is compared: accents in one form, for macOS and archives write them in another."""
    return unicodedata.normalize("NFC", name)


def images_by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Images by their names without ending, as `find_image` looks them up."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        found[plain_name(path.stem)].append(path)
    return dict(found)


def find_image(
    file: LabelmeFile, json_path: Path, *, roots: Sequence[Path], index: Mapping[str, Sequence[Path]]
) -> tuple[Path | bytes | None, tuple[str, ...]]:
    """Find the image that a Labelme file was drawn on.

    These are tried in turn: `imagePath` from the file's folder, if it stays within a root after symbolic links; its
    last part beside the file; an image of the file's name; the embedded image; an image of the name in `imagePath`. An
    image of the file's name goes before an `imagePath` with another name: Labelme names a file after its image, and
    copied and renamed files keep the path of the first image.

    Args:
        file: The file as read.
        json_path: The file's path.
        roots: Folders from which images may be taken.
        index: Images by name without suffix, from all source folders; see `images_by_stem`.

    Returns:
        The image's path, or the embedded image file, or None; and the oddities, a short phrase each.
    """
    resolved = [root.resolve() for root in roots]
    own, several = _only(index.get(plain_name(json_path.stem), ()), file.image_path, resolved)
    notes = ["several images of the file's name"] if several else []
    named = _by_path(file.image_path, json_path, resolved)
    if named is not None and (own is None or plain_name(named.stem) == plain_name(json_path.stem)):
        return named, tuple(notes)
    if own is not None:
        if named is not None or _stem(file.image_path) != plain_name(json_path.stem):
            notes.append("wrong imagePath (image found by the file's name)")
        return own, tuple(notes)
    if file.image_data is not None:
        return file.image_data, tuple(notes)
    other, _ = _only(index.get(_stem(file.image_path), ()), file.image_path, resolved)
    return other, tuple(notes)


def image_name(file: LabelmeFile) -> str:
    """The last part of `imagePath`, after either kind of slash; empty if there is none."""
    return _last_part(file.image_path)


def _last_part(image_path: str | None) -> str:
    return PurePosixPath((image_path or "").replace("\\", "/")).name


def _stem(image_path: str | None) -> str:
    """The name in `imagePath` without an image's ending; `1.2.840.1` has none."""
    name = plain_name(_last_part(image_path))
    stem, dot, ending = name.rpartition(".")
    return stem if f"{dot}{ending}".lower() in IMAGE_SUFFIXES | CLIP_SUFFIXES else name


def _by_path(image_path: str | None, json_path: Path, roots: Sequence[Path]) -> Path | None:
    if image_path is None:
        return None
    folder = json_path.parent
    posix = image_path.replace("\\", "/")
    candidates = [folder / _last_part(image_path)]
    if not _ABSOLUTE.match(posix):
        candidates.insert(0, folder / posix)
    for candidate in candidates:
        if _inside(candidate, roots) and candidate.suffix.lower() != ".json":  # least of all the file itself
            return candidate
    return None


def _inside(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path is a file within a root, after all symbolic links."""
    try:
        real = path.resolve()
        return real.is_file() and any(real.is_relative_to(root) for root in roots)
    except (OSError, ValueError, RuntimeError):  # a NUL in the name, a name too long, a link to itself
        return False


def _only(paths: Sequence[Path], image_path: str | None, roots: Sequence[Path]) -> tuple[Path | None, bool]:
    """The image with a name: the only one, or the one that ends like `imagePath`. Also whether there are several."""
    inside = [path for path in paths if _inside(path, roots)]
    if len(inside) > 1:
        same = [path for path in inside if plain_name(path.name) == plain_name(_last_part(image_path))]
        return (same[0] if len(same) == 1 else None), True
    return (inside[0] if inside else None), False
