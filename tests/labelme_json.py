"""Labelme files as bytes, for tests that read them."""

from __future__ import annotations

import json
from typing import Any

TRIANGLE = [[1, 1], [9.5, 1], [5, 8]]


def labelme(*shapes: Any, **more: Any) -> bytes:
    content: dict[str, Any] = {
        "version": "5.0.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
    }
    return json.dumps({**content, "imageHeight": 10, "imageWidth": 12, **more}).encode()


def shape(label: Any = "nerve", points: Any = TRIANGLE, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon", "flags": {}, "group_id": None, **more}
