"""Which image a mask belongs to, by the usual layouts of folders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import BrokenInput, UsageError
from ..formats.index_mask import MASK_SUFFIXES
from ..formats.labelme_image import plain_name
from ..report import Report
from ..scans.discover import files_below
from ..scans.images import IMAGE_SUFFIXES

# What programs put behind a mask's name, and nnU-Net behind an image's.
_MASK_ENDS: Final = re.compile(r"[_\-. ]?(?:mask|masks|label|labels|seg|segmentation|gt)$", re.IGNORECASE)
_IMAGE_ENDS: Final = re.compile(r"(?:_0000|[_\-. ]?(?:image|img))$", re.IGNORECASE)


def pair_masks(images: Path, masks: Path, *, report: Report) -> Iterator[tuple[Path, Path]]:
    """Masks with their images; a mask without one, or with several, is in the report.

    A mask's image has the same place and name in the folder of images, or is the only one of that name. Where both lie
    in one folder, the usual endings tell them apart: `p01.png` and `p01_mask.png`, `img.png` and `label.png` in a
    folder of their own, `p01_0000.png` and `p01.png`. No file is its own mask.

    Args:
        images: Folder of images.
        masks: Folder of masks.
        report: Gets the masks that have no image, or several.

    Raises:
        UsageError: No mask in the folder has an image.
    """
    together = images.resolve() == masks.resolve()
    found = files_below([masks], MASK_SUFFIXES)
    candidates = files_below([images], IMAGE_SUFFIXES)
    if together:
        found = [path for path in found if _is_mask_name(path, candidates)]
        candidates = [path for path in candidates if path not in set(found)]
    by_place: dict[str, list[Path]] = defaultdict(list)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for image in candidates:
        by_place[_place(image, images, _IMAGE_ENDS)].append(image)
        by_name[_bare(image.stem, _IMAGE_ENDS)].append(image)
    pairs: list[tuple[Path, list[Path]]] = []
    for mask in found:
        same = by_place.get(_place(mask, masks, _MASK_ENDS)) or by_name.get(_bare(mask.stem, _MASK_ENDS), [])
        pairs.append((mask, [image for image in same if image.resolve() != mask.resolve()]))
    if not any(same for _, same in pairs):
        what = "holds no mask with the name of an image"
        raise UsageError(masks, what, "Give both the same name, p01.png and p01.jpg, or p01.png and p01_mask.png")
    for mask, same in pairs:
        if len(same) == 1:
            yield mask, same[0]
        elif same:
            names = ", ".join(sorted(image.name for image in same)[:3])
            report.fail(
                BrokenInput(
                    mask, f"several images have its name: {names}", "Use the same subfolders for images and masks"
                )
            )
        else:
            report.fail(
                BrokenInput(mask, "its image is not there", "Put an image of the same name in the image folder")
            )


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
    twin = f"{path.stem}_0000"
    return any(other.stem == twin and other.parent == path.parent for other in others)
