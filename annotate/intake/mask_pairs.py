"""Which image a mask belongs to, by the usual layouts of folders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import BrokenInput, UsageError
from ..formats.labelme_image import plain_name
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES
from ..wording import counted

# What programs put behind a mask's name, and nnU-Net behind an image's.
_MASK_ENDS: Final = re.compile(r"[_\-. ]?(?:mask|masks|label|labels|seg|segmentation|gt)$", re.IGNORECASE)
# Several masks of one image are numbered.
_NUMBERED: Final = re.compile(_MASK_ENDS.pattern.removesuffix("$") + r"[_\-. ]?\(?\d{1,3}\)?$", re.IGNORECASE)
_NOTHING: Final = re.compile(r"(?!)")
_IMAGE_ENDS: Final = re.compile(r"(?:_0000|[_\-. ]?(?:image|img))$", re.IGNORECASE)


_JPEG: Final = frozenset({".jpg", ".jpeg"})
_ONE_MASK: Final = "Keep one mask of all classes and move the rest away, or convert LAYERS/CLASS/NAME.png"
_EDGE: Final = re.compile(r"(?<=[^\W_])(?=[\W_])")
_ANYTHING: Final = re.compile(r"")
_OTHER_WORD: Final = re.compile(r"[^\W\d_]")


def pair_masks(images: Path, masks: Path, *, report: Report) -> Iterator[tuple[Path, Path]]:
    """Masks with their images; a mask without one, or with several, is in the report.

    A mask's image has the same place and name in the folder of images, or is the only one of that name. Where both lie
    in one folder, the usual endings tell them apart: `p01.png` and `p01_mask.png`, `img.png` and `label.png` in a
    folder of their own, `p01_0000.png` and `p01.png`. No file is its own mask. An image has several masks too where a
    further picture may be one by its name, as `p01_mask_left.png`, or is a JPEG.

    Args:
        images: Folder of images.
        masks: Folder of masks.
        report: Gets the masks that have no image, or several.

    Raises:
        UsageError: No mask in the folder has an image.
    """
    together = images.resolve() == masks.resolve()
    others: list[Path] = []
    inner = images.resolve()
    found = files_below([masks], IMAGE_SUFFIXES, without=[] if masks.resolve().is_relative_to(inner) else [inner])
    candidates = files_below([images], IMAGE_SUFFIXES)
    if together:
        found = [path for path in found if _is_mask_name(path, candidates)]
        candidates = others = sorted(set(candidates) - set(found))
    index = _Names.of(candidates, images)
    pairs = [(mask, [i for i in index.of_mask(mask, masks) if i.resolve() != mask.resolve()]) for mask in found]
    masks_of: dict[Path, list[Path]] = defaultdict(list)
    for mask, same in pairs:
        for image in same:
            masks_of[image].append(mask)
    if not any(same and mask.suffix.lower() not in _JPEG for mask, same in pairs):
        if jpegs := files_below([masks], _JPEG):
            what = f"holds {counted(len(jpegs), 'JPEG files')}, and JPEG does not keep a mask's values"
            raise UsageError(masks, what, "Export the masks as PNG")
        what = "holds no mask with the name of an image"
        raise UsageError(masks, what, "Give both the same name, p01.png and p01.jpg, or p01.png and p01_mask.png")
    further = _further([mask for mask, same in pairs if not same], masks_of)
    further |= _further([path for path in others if path not in masks_of], masks_of, needs=_OTHER_WORD)
    for mask, same in pairs:
        if mask in further:
            continue  # told with its image
        if len(same) == 1 and len(own := masks_of[same[0]]) > 1:
            if mask == own[0]:  # told once
                report.fail(BrokenInput(same[0], f"has several masks: {_named(own, masks)}", _ONE_MASK))
        elif len(same) == 1:
            yield mask, same[0]
        elif same:
            what = f"several images have its name: {_named(same, images)}"
            report.fail(BrokenInput(mask, what, "Use the same subfolders for images and masks, or the same names"))
        else:
            report.fail(
                BrokenInput(mask, "its image is not there", "Put an image of the same name in the image folder")
            )


def _further(
    files: Sequence[Path], masks_of: dict[Path, list[Path]], *, needs: re.Pattern[str] = _ANYTHING
) -> set[Path]:
    """The files whose names begin with that of an image that has a mask; each is added to the masks of its image.

    Args:
        files: Those that have no image, or are none that has a mask.
        masks_of: The masks of each image.
        needs: What the rest of the name must hold.
    """
    images: dict[str, list[Path]] = defaultdict(list)
    for image in masks_of:
        for name in {plain_name(image.stem), _bare(image.stem, _IMAGE_ENDS)}:
            images[name.casefold()].append(image)
    found: set[Path] = set()
    for path in files:
        name = plain_name(path.stem).casefold()
        ends = [edge.start() for edge in _EDGE.finditer(name) if needs.search(name[edge.start() :])]
        for own in next((few for end in reversed(ends) if (few := images.get(name[:end]))), []):
            if masks_of[own]:
                masks_of[own].append(path)
                found.add(path)
    return found


@dataclass(frozen=True, slots=True)
class _Names:
    """Images by place and by name, first as they are called and then without their endings."""

    found: tuple[dict[str, list[Path]], ...]

    @classmethod
    def of(cls, candidates: Iterable[Path], root: Path) -> _Names:
        found = tuple(defaultdict[str, list[Path]](list) for _ in range(4))
        for image in candidates:
            for place, ends in enumerate((_NOTHING, _IMAGE_ENDS)):
                found[2 * place][_place(image, root, ends)].append(image)
                found[2 * place + 1][_bare(image.stem, ends)].append(image)
        return cls(found)

    def of_mask(self, mask: Path, root: Path) -> list[Path]:
        """The images that may be a mask's, by the closest name that any has."""
        exact_place, exact_name, place, name = self.found
        tries = [(exact_place, exact_name, _NOTHING), (exact_place, exact_name, _MASK_ENDS), (place, name, _MASK_ENDS)]
        # Only where nothing else fits is a number one of several masks.
        tries += [(exact_place, exact_name, _NUMBERED), (place, name, _NUMBERED)]
        for by_place, by_name, ends in tries:
            key, bare = _place(mask, root, ends), _bare(mask.stem, ends)
            if ends is _NUMBERED and not bare:
                continue
            if same := by_place.get(key) or by_name.get(bare):
                return same
        return []


def _named(paths: Sequence[Path], root: Path) -> str:
    """A few paths below a folder, for an error."""
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _bare(stem: str, ends: re.Pattern[str]) -> str:
    """A name without what tells images from masks; `label` and `img` alone are one name."""
    return ends.sub("", plain_name(stem))


def _place(path: Path, root: Path, ends: re.Pattern[str]) -> str:
    own = path.relative_to(root)
    return f"{own.parent.as_posix()}/{_bare(own.stem, ends)}"


def _is_mask_name(path: Path, others: list[Path]) -> bool:
    """Whether a file in a folder of both is a mask: by its own ending, or by that of its image, as nnU-Net has them."""
    if _MASK_ENDS.search(path.stem):
        return True
    if (bare := _bare(path.stem, _NUMBERED)) and bare != plain_name(path.stem):
        # One of several masks, if its image is there.
        return any(other.parent == path.parent and _bare(other.stem, _IMAGE_ENDS) == bare for other in others)
    twin = f"{path.stem}_0000"
    return any(other.stem == twin and other.parent == path.parent for other in others)
