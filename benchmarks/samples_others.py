"""Run by an environment of its own: a COCO data set as datumaro and labelformat write it."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from datumaro.components.annotation import Mask, Polygon  # type: ignore[import-not-found]
from datumaro.components.dataset import Dataset  # type: ignore[import-not-found]


def main(coco: Path, images: Path, made: Path) -> None:
    logging.disable(logging.CRITICAL)
    source = made / "source"
    (source / "annotations").mkdir(parents=True)
    shutil.copy(coco, source / "annotations" / "instances_default.json")
    shutil.copytree(images, source / "images" / "default" / "JPEGImages")
    data = Dataset.import_from(str(source), "coco_instances")
    names = [item.name for item in next(iter(data.categories().values())).items]
    rings = []
    for item in data:
        for drawn in item.annotations:
            if isinstance(drawn, Polygon):
                points = list(zip(drawn.points[0::2], drawn.points[1::2], strict=True))
                rings.append([Path(item.id).name, names[drawn.label], points])
    (made / "rings.json").write_text(json.dumps(rings), encoding="utf-8")
    data.export(str(made / "coco"), "coco_instances")
    masks = Dataset.import_from(str(source), "coco_instances")
    masks = masks.transform("polygons_to_masks").transform("map_subsets", mapping={"default": "train"})
    masks.export(str(made / "rle"), "coco_instances", segmentation_mode="mask")
    masks.export(str(made / "voc"), "voc_segmentation", save_media=True)
    (made / "index").mkdir()
    for item in Dataset.import_from(str(made / "voc"), "voc_segmentation"):
        index = np.zeros(item.media.size, np.uint8)
        for drawn in item.annotations:
            if isinstance(drawn, Mask):
                index[drawn.image > 0] = drawn.label
        np.save(made / "index" / f"{Path(item.id).name}.npy", index)
    source_of_yolo = ["--input-format", "coco", "--input-file", str(coco)]
    target = ["--output-format", "yolov8", "--output-file", str(made / "yolo" / "data.yaml"), "--output-split", "train"]
    labelformat = Path(sys.executable).with_name("labelformat")
    command = [str(labelformat), "convert", "--task", "instance-segmentation", *source_of_yolo, *target]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
