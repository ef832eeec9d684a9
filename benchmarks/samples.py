"""Sample files that other tools' packages carry, read by `dmr` and by those tools; every difference is counted.

The packages come from PyPI into `build/samples`. Label Studio's and datumaro's converters and labelformat carry no
samples; there they make files of labelme's. datumaro and labelformat have an environment of their own.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

from record import record
from samples_compare import Compared, labelme_against_labelme, masks_against, through_workspace
from samples_rings import coco_against_pycocotools, converted, rings_of_coco, studio_regions

from dmr.annotate.convert.options import Options
from dmr.annotate.convert.to_labelme import files_to_labelme

FOLDER = Path(__file__).resolve().parents[1] / "build" / "samples"
LABELME = "6.3.1"  # 5.8.1 and 6.0.0 carry the same samples, and older ones carry none
SAHI, STUDIO, DATUMARO, LABELFORMAT = "0.12.8", "1.23.2", "1.13.12", "0.1.17"
EXAMPLES = {  # folders of labelme's examples with Labelme files
    "polygons": "semantic_segmentation/data_annotated",
    "polygons in groups": "instance_segmentation/data_annotated",
    "rectangles": "bbox_detection/data_annotated",
    "frames of a video": "video_annotation/data_annotated",
    "all types of shapes": "primitives",
    "an image embedded": "tutorial",
    "flags of images": "classification/data_annotated",
}
MASKS = {
    "class masks": "semantic_segmentation/data_dataset_voc/SegmentationClass",
    "class masks, of instances": "instance_segmentation/data_dataset_voc/SegmentationClass",
    "instance masks": "instance_segmentation/data_dataset_voc/SegmentationObject",
    "class masks of a video": "video_annotation/data_dataset_voc/SegmentationClassPNG",
}
COCO = "instance_segmentation/data_dataset_coco/annotations.json"


Rows = list[dict[str, Any]]


def main() -> None:
    rows: Rows = []
    examples = fetched("labelme", LABELME) / "examples"
    for what, place in EXAMPLES.items():
        files = examples / place
        add(rows, "labelme", LABELME, f"Labelme: {what}", labelme_against_labelme(files))
        add(rows, "labelme", LABELME, f"imported, written again: {what}", through_workspace(files))
    for what, place in MASKS.items():
        add(rows, "labelme", LABELME, f"PNG: {what}", masks_against(examples / place))
    coco = examples / COCO
    add(rows, "labelme", LABELME, "COCO: polygons", coco_against_pycocotools(coco))
    sahi = fetched("sahi", SAHI) / "demo" / "demo_data" / "terrain2_coco.json"
    add(rows, "sahi", SAHI, "COCO: polygons", coco_against_pycocotools(sahi))
    tasks = fetched("label-studio", STUDIO) / "label_studio" / "tests" / "test_suites" / "samples"
    add(rows, "label-studio", STUDIO, "tasks of its tests", studio_regions(sorted(tasks.glob("*.json"))))
    add_studio_converter(coco, rows)
    add_others(coco, rows)
    headline = {
        "packages": len({(row["package"], row["version"]) for row in rows}),
        "files": sum(row["files"] for row in rows),
        "files_refused": sum(row["files_refused"] for row in rows),
        "outlines": sum(row["outlines"] for row in rows),
        "differences": sum(row["differences"] for row in rows),
    }
    print(headline)
    print(record("samples", headline=headline, rows=rows))


def add(rows: Rows, package: str, of: str, what: str, found: Compared) -> None:
    """Add a row, and print it."""
    rows.append({"package": package, "version": of, "what": what, **found.row()})
    print(rows[-1], flush=True)


def add_studio_converter(coco: Path, rows: Rows) -> None:
    """What the converter in Label Studio's SDK makes of a COCO data set: tasks, and COCO and YOLO of the tasks."""
    converter: Any = importlib.import_module("label_studio_sdk.converter")
    imports: Any = importlib.import_module("label_studio_sdk.converter.imports.coco")
    of, truth, images = version("label-studio-sdk"), rings_of_coco(coco), coco.parent / "JPEGImages"
    made = emptied(FOLDER / "studio")
    source = made / "tasks.json"
    with contextlib.redirect_stdout(io.StringIO()):  # it says what to do next in Label Studio
        imports.convert_coco_to_ls(str(coco), str(source), out_type="annotations")
    tasks = json.loads(source.read_text(encoding="utf-8"))
    for number, task in enumerate(tasks, 1):  # what the server adds
        own = {"id": number, "completed_by": 1, "updated_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01"}
        task["id"] = number
        task["annotations"][0] |= own
    source.write_text(json.dumps(tasks), encoding="utf-8")
    add(rows, "label-studio-sdk", of, "tasks of a COCO set", studio_regions([source], truth=truth))
    config = (made / "tasks.label_config.xml").read_text(encoding="utf-8")
    export = converter.Converter(config, str(made))
    export.convert_to_coco(str(source), str(made / "coco"), str(made / "coco" / "images"), is_dir=False)
    export.convert_to_yolo(str(source), str(made / "yolo"), str(made / "yolo" / "images"), is_dir=False)
    written = made / "coco" / "result.json"
    found = converted(lambda folder: files_to_labelme(Options(written, folder, images=images), form="coco"), truth)
    add(rows, "label-studio-sdk", of, "COCO of these tasks", found)
    found = converted(
        lambda folder: files_to_labelme(Options(made / "yolo", folder, images=images), form="yolo"), truth
    )
    add(rows, "label-studio-sdk", of, "YOLO of these tasks", found)


def add_others(coco: Path, rows: Rows) -> None:
    """What datumaro and labelformat write of a COCO data set, and how datumaro's own loader reads it."""
    home, made, images = FOLDER / "others", emptied(FOLDER / "others_made"), coco.parent / "JPEGImages"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (home / "installed").is_file():
        venv.create(home, clear=True, with_pip=True)
        packages = [f"datumaro=={DATUMARO}", f"labelformat=={LABELFORMAT}"]
        subprocess.run([python, "-m", "pip", "install", "-qq", *packages], check=True)
        (home / "installed").touch()
    script = Path(__file__).with_name("samples_others.py")
    subprocess.run([python, script, coco, images, made], check=True)
    loaded = json.loads((made / "rings.json").read_text(encoding="utf-8"))
    polygons = made / "coco" / "annotations" / "instances_default.json"
    found = converted(
        lambda folder: files_to_labelme(Options(polygons, folder), form="coco"), [tuple(ring) for ring in loaded]
    )
    add(rows, "datumaro", DATUMARO, "COCO: polygons", found)
    lengths = made / "rle" / "annotations" / "instances_train.json"
    add(rows, "datumaro", DATUMARO, "COCO: run lengths", coco_against_pycocotools(lengths))
    found = masks_against(made / "voc" / "SegmentationClass", truths=made / "index")
    add(rows, "datumaro", DATUMARO, "PNG: VOC's colours", found)
    yolo = made / "yolo"
    found = converted(lambda f: files_to_labelme(Options(yolo, f, images=images), form="yolo"), rings_of_coco(coco))
    add(rows, "labelformat", LABELFORMAT, "YOLO: parts joined in a line", found)


def fetched(package: str, of: str) -> Path:
    """The unpacked sources of a package."""
    root = FOLDER / f"{package.replace('-', '_')}-{of}"
    if not root.is_dir():
        FOLDER.mkdir(parents=True, exist_ok=True)
        what = ["--no-deps", "--no-binary", package, f"{package}=={of}"]
        subprocess.run([sys.executable, "-m", "pip", "download", "-qq", *what, "--dest", FOLDER], check=True)
        with tarfile.open(root.with_name(f"{root.name}.tar.gz")) as archive:
            archive.extractall(FOLDER, filter="data")
    return root


def emptied(folder: Path) -> Path:
    """A folder that is empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    main()
