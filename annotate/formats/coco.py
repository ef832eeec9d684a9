"""Annotations as a COCO data set; `coco_reading` reads one. Pure.

Format: https://cocodataset.org/#format-data. COCO's polygons cannot have holes, so an instance with holes is written as
run lengths, and any other as outlines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..geometry.parts import instances
from ..geometry.raster import polygons_to_mask
from ..shapes import Annotation
from .coco_rle import mask_to_rle
from .lost import lost_entry


def to_coco(
    frames: Iterable[tuple[str, Annotation]],
    names: Mapping[int, str],
    *,
    rle: bool = False,
    lost: Mapping[str, frozenset[int | None]] | None = None,
) -> dict[str, Any]:
    """A COCO data set of annotated frames.

    Shapes of one class and group are one instance. Image and annotation ids count from 1.

    Args:
        frames: File names of the images, and their annotations.
        names: Category names by class id.
        rle: Write every instance as run lengths: exact, with the same pixels in any program.
        lost: By an image's name, the ids of classes of which something was left out, as in `Drawing.lost`; said in a
            key of ours.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, annotation) in enumerate(frames, 1):
        size = {"height": annotation.height, "width": annotation.width}
        left_out = lost_entry((lost or {}).get(name, ()), names)
        images.append({"id": image_id, "file_name": name, **size, **left_out})
        for class_id, parts in instances(annotation.shapes):
            mask = polygons_to_mask(parts, **size)
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1] if len(rows) else [0] * 4
            whole = rle or any(s.hole for s in parts)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": class_id,
                    "segmentation": mask_to_rle(mask) if whole else [[c for xy in s.points for c in xy] for s in parts],
                    "area": int(mask.sum()),
                    "bbox": [int(v) for v in box],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": name} for i, name in sorted(names.items())]
    return {"images": images, "annotations": annotations, "categories": categories}
