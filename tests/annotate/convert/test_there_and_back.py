"""What a Labelme file lost is never called absent in any format, there, back and on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.formats.annotations import write_annotation
from dmr.annotate.intake.outside import labelme_frames
from dmr.annotate.intake.outside_masks import mask_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.cli import main

HEIGHT, WIDTH = 40, 90
NAMES: Final = {1: "nerve", 2: "muscle", 3: "artery"}
CLASSES: Final = Classes([ClassDef(i, name) for i, name in NAMES.items()])
ALL: Final = frozenset(NAMES)
FORMS: Final = ("mask", "layers", "coco", "yolo", "nifti", "instances")
GREY: Final = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
BOX: Final = [[0, 5], [20, 5], [20, 30], [0, 30]]

SPOILT: Final = st.sampled_from(
    [
        {"points": None},
        {"points": [[1, 1], [2, 2]]},
        {"points": [[1, "x"], [9, 1], [9, 9]]},
        {"shape_type": "helix"},
        {"shape_type": "mask", "mask": "no pixels"},
        {"label": ""},
        {"label": None},
        {"label": 7},
        {"flags": {"hole": True}, "group_id": 7},
        {"flags": {"hole": "yes"}},
    ]
)


def dmr(direction: str, *arguments: str | Path, code: int | None = 0) -> Result:
    result = CliRunner().invoke(main, ["convert", direction, *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert code is None or result.exit_code == code, result.output
    return result


def shape(class_id: int) -> dict[str, Any]:
    points = [[x + 30 * (class_id - 1), y] for x, y in BOX]
    return {"label": NAMES[class_id], "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}


def write(path: Path, shapes: list[dict[str, Any]], **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
    content = {"shapes": shapes, "imagePath": f"{path.stem}.png", "imageData": None, **size, **more}
    path.write_text(json.dumps(content), encoding="utf-8")
    path.with_suffix(".png").write_bytes(encode_png(GREY))


def there(form: str, folder: Path) -> Path:
    return folder / ("coco.json" if form == "coco" else form)


def imported(folder: Path) -> frozenset[int]:
    """What an import by the rule `all` covers of a folder's Labelme file; without one, nothing."""
    if not list(folder.glob("*.json")):
        return frozenset()
    (folder / "1_a.png").write_bytes(encode_png(GREY))
    report = Report("import")
    items = labelme_frames([folder], resolve=CLASSES.class_id, all_classes=ALL, coverage="all", report=report)
    return frozenset().union(*(item.annotation.covered for item in items))


def imported_masks(images: Path, masks: Path) -> frozenset[int]:
    if not list(masks.glob("*.png")):
        return frozenset()
    items = mask_frames(images, masks, classes=CLASSES, coverage="all", report=Report("import"))
    return frozenset().union(*(item.annotation.covered for item in items))


@pytest.mark.parametrize("given_classes", [True, False], ids=["classes named", "all labels"])
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12)
@given(class_id=st.sampled_from(sorted(ALL)), change=SPOILT, twice=st.booleans(), further=st.sampled_from(FORMS))
def test_what_a_labelme_file_lost_is_never_called_absent_through_any_format(
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    given_classes: bool,
    class_id: int,
    change: dict[str, Any],
    twice: bool,
    further: str,
) -> None:
    folder = tmp_path_factory.mktemp("chain")
    others = [shape(i) for i in NAMES if twice or i != class_id]
    write(folder / "in" / "1_a.json", [*others, shape(class_id) | change])
    lost = ALL if "label" in change else {class_id}
    place = folder / "in"
    for name, way in (("first", form), ("second", further)):
        out = folder / name
        out.mkdir()
        classes = ("--classes", ",".join(NAMES.values())) if given_classes or "mask" in (form, further) else ()
        dmr(f"labelme-to-{way}", place, there(way, out), *classes, code=None)
        if way == "mask":
            assert imported_masks(folder / "in", out / "mask") & lost == frozenset()
        if not there(way, out).exists():
            return
        back = dmr(f"{way}-to-labelme", there(way, out), out / "back", "--images", folder / "in", *classes, code=None)
        assert "Traceback" not in back.output
        assert imported(out / "back") & lost == frozenset()
        if not list((out / "back").glob("*.json")):
            return
        place = out / "back"


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_file_comes_back_whole(tmp_path: Path, form: str) -> None:
    write(tmp_path / "in" / "1_a.json", [shape(1), shape(2)])
    classes = ("--classes", ",".join(NAMES.values()))
    dmr(f"labelme-to-{form}", tmp_path / "in", there(form, tmp_path), *classes)
    dmr(f"{form}-to-labelme", there(form, tmp_path), tmp_path / "back", "--images", tmp_path / "in", *classes)
    assert imported(tmp_path / "back") == ALL
    if form == "mask":
        assert imported_masks(tmp_path / "in", tmp_path / "mask") == ALL


@pytest.mark.parametrize("form", FORMS)
def test_what_a_file_says_itself_is_passed_on_without_a_failure_or_not_written(tmp_path: Path, form: str) -> None:
    for number, more in enumerate(({"dmr_lost": ["nerve"]}, {"dmr_covered": ["muscle", "artery"]})):
        place = tmp_path / str(number)
        write(place / "in" / "1_a.json", [shape(2)], **more)
        code = 1 if form in ("mask", "yolo") else 0
        told = dmr(
            f"labelme-to-{form}", place / "in", there(form, place), "--classes", "nerve,muscle,artery", code=code
        )
        if code:
            assert "1_a.json: nerve is not complete in it; " in told.output
            assert not list(place.rglob("1_a.txt")) and len(list(place.rglob("*.png"))) == 1, "the image"
            continue
        dmr(f"{form}-to-labelme", there(form, place), place / "back", "--images", place / "in")
        assert imported(place / "back") == {2, 3}


def test_a_label_that_only_the_list_of_lost_classes_names_is_a_class(tmp_path: Path) -> None:
    write(tmp_path / "in" / "1_a.json", [shape(2)], dmr_lost=["nerve"])
    dmr("labelme-to-coco", tmp_path / "in", tmp_path / "coco.json")
    dmr("coco-to-labelme", tmp_path / "coco.json", tmp_path / "back", "--images", tmp_path / "in")
    assert 1 not in imported(tmp_path / "back")


def test_an_import_follows_what_write_annotation_says_is_complete(tmp_path: Path) -> None:
    write(tmp_path / "in" / "1_a.json", [])
    drawn = Annotation(HEIGHT, WIDTH, (Shape(2, ((1, 1), (9, 1), (9, 9))),), frozenset({2}))
    write_annotation(tmp_path / "in" / "1_a.json", drawn, CLASSES, image="1_a.png")
    assert imported(tmp_path / "in") == {2}


@pytest.mark.parametrize("form", ["mask", "layers", "coco", "yolo"])
def test_no_good_labelme_file_is_replaced_by_one_that_lacks_something(tmp_path: Path, form: str) -> None:
    write(tmp_path / "in" / "1_a.json", [shape(1), shape(2)])
    source = there(form, tmp_path)
    classes = ("--classes", "nerve,muscle")
    dmr(f"labelme-to-{form}", tmp_path / "in", source, *classes)
    arguments = (f"{form}-to-labelme", source, tmp_path / "back", "--images", tmp_path / "in", *classes)
    dmr(*arguments)
    good = (tmp_path / "back" / "1_a.json").read_bytes()
    spoil(form, source)
    why = "is no PNG, BMP or TIFF" if form == "layers" else "1_a.json was left as it is"
    assert why in dmr(*arguments, code=1).output
    assert (tmp_path / "back" / "1_a.json").read_bytes() == good
    (tmp_path / "back" / "1_a.json").unlink()
    dmr(*arguments, code=1)
    if form != "layers":
        dmr(*arguments, code=1)
        assert "dmr_lost" in json.loads((tmp_path / "back" / "1_a.json").read_text(encoding="utf-8"))


def spoil(form: str, source: Path) -> None:
    """Make one outline of nerve unreadable."""
    if form == "coco":
        content = json.loads(source.read_text(encoding="utf-8"))
        next(a for a in content["annotations"] if a["category_id"] == 1)["segmentation"] = [[1, 2, 3]]
        source.write_text(json.dumps(content), encoding="utf-8")
    elif form == "yolo":
        path = source / "labels" / "1_a.txt"
        path.write_text(path.read_text(encoding="ascii").replace("0 0.0", "0 120", 1), encoding="ascii")
    elif form == "layers":
        (source / "nerve" / "1_a.png").write_bytes(b"no picture")
    else:
        index = np.zeros((HEIGHT, WIDTH), np.uint8)
        index[5:30, 0:20], index[5:30, 30:50] = 77, 2
        (source / "1_a.png").write_bytes(encode_png(index))


def test_a_class_that_lies_wholly_under_another_is_named_and_said_where_a_format_can(tmp_path: Path) -> None:
    small = shape(1) | {"points": [[32, 8], [40, 8], [40, 20], [32, 20]]}
    write(tmp_path / "in" / "1_a.json", [small, shape(2)])
    classes = ("--classes", "nerve,muscle")
    output = dmr("labelme-to-mask", tmp_path / "in", tmp_path / "mask", *classes).output
    assert "nerve is wholly hidden under other classes, and the mask shows it as absent: 1 (1_a.json)" in output
    for form in ("nifti", "instances"):
        output = dmr(f"labelme-to-{form}", tmp_path / "in", tmp_path / form, *classes).output
        assert "note: nerve is wholly hidden under other classes: 1 (1_a.json)" in output
        dmr(f"{form}-to-labelme", tmp_path / form, tmp_path / f"back-{form}", "--images", tmp_path / "in")
        assert imported(tmp_path / f"back-{form}") == {2, 3}
