"""How a Labelme file finds its image: by imagePath, by its own name, or inside itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from .labelme_reading import LabelmeFile

_ABSOLUTE = re.compile(r"/|[A-Za-z]:")


def find_image(
    file: LabelmeFile, json_path: Path, *, roots: Sequence[Path], index: Mapping[str, Sequence[Path]]
) -> tuple[Path | bytes | None, tuple[str, ...]]:
    """Find the image that a Labelme file was drawn on.

    In turn: `imagePath` from the file's folder, if that stays within a root, symbolic links followed; its last part
    beside the file; an image of the file's own name; the embedded image; an image of the name in `imagePath`. One
    of the file's own name goes before an `imagePath` that names another: Labelme saves by the image's name, and
    annotations that were copied and renamed keep the path of the first.

    Args:
        file: As read.
        json_path: Where it was read.
        roots: Folders that images may be taken from.
        index: Images by their name without suffix, from all source folders.

    Returns:
        The image's path, or the embedded image file, or None; and what is odd about it, a short phrase each.
    """
    resolved = [root.resolve() for root in roots]
    own, several = _only(index.get(json_path.stem, ()), file.image_path, resolved)
    notes = ["several images of the file's name"] if several else []
    named = _by_path(file.image_path, json_path.parent, resolved)
    if named is not None and (own is None or named.stem == json_path.stem):
        return named, tuple(notes)
    if own is not None:
        stem = _last_part(file.image_path).rpartition(".")[0]
        if named is not None or stem != json_path.stem:
            notes.append("wrong imagePath (image found by the file's name)")
        return own, tuple(notes)
    if file.image_data is not None:
        return file.image_data, tuple(notes)
    stem = _last_part(file.image_path).rpartition(".")[0]
    other, _ = _only(index.get(stem, ()), file.image_path, resolved)
    return other, tuple(notes)


def image_name(file: LabelmeFile) -> str:
    """The last part of `imagePath`, by either kind of slash; empty where there is none."""
    return _last_part(file.image_path)


def _last_part(image_path: str | None) -> str:
    return PurePosixPath((image_path or "").replace("\\", "/")).name


def _by_path(image_path: str | None, folder: Path, roots: Sequence[Path]) -> Path | None:
    if image_path is None:
        return None
    posix = image_path.replace("\\", "/")
    candidates = [folder / _last_part(image_path)]
    if not _ABSOLUTE.match(posix):
        candidates.insert(0, folder / posix)
    for candidate in candidates:
        if _inside(candidate, roots):
            return candidate
    return None


def _inside(path: Path, roots: Sequence[Path]) -> bool:
    """Whether it is a file within a root, after all symbolic links."""
    try:
        real = path.resolve()
        return real.is_file() and any(real.is_relative_to(root) for root in roots)
    except (OSError, ValueError, RuntimeError):  # a NUL in the name, a name too long, a link to itself
        return False


def _only(paths: Sequence[Path], image_path: str | None, roots: Sequence[Path]) -> tuple[Path | None, bool]:
    """The one image among those of a name: the only one, or the one that ends as `imagePath` does; and if several."""
    inside = [path for path in paths if _inside(path, roots)]
    if len(inside) > 1:
        same = [path for path in inside if path.name == _last_part(image_path)]
        return (same[0] if len(same) == 1 else None), True
    return (inside[0] if inside else None), False
