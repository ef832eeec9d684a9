"""`dmr convert --classes` and `--preview`, the same in every direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from dmr.annotate.formats.index_mask import read_index_mask
from dmr.annotate.formats.labelme import annotation_to_labelme, labelme_to_annotation, read_labelme
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.cli import main

SIZE = {"height": 24, "width": 32}
FOREIGN = ("shenjing", "jirou")  # what the department calls them
OWN = ("nerve", "muscle")
RENAMED, BACK = "nerve=shenjing,muscle=jirou", "shenjing=nerve,jirou=muscle"
WAYS = ("mask", "layers", "coco")


def dmr(direction: str, *arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["convert", direction, *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def write(path: Path, shapes: tuple[Shape, ...], labels: tuple[str, ...] = FOREIGN) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    annotation = Annotation(shapes=shapes, covered=frozenset(), **SIZE)
    path.write_bytes(annotation_to_labelme(annotation, names=dict(enumerate(labels, 1)), image_path=f"{path.stem}.png"))


def box(class_id: int, x: float, y: float, w: float = 9, h: float = 7, **more: Any) -> Shape:
    return Shape(class_id, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)), **more)


LEGEND = 30  # px of a sheet
SHAPES = (box(1, 1, 1), box(1, 3, 3, 2, 2, hole=False), box(2, 6.5, 4, 12, 9))


def painted(path: Path, labels: tuple[str, ...]) -> NDArray[np.bool_]:
    """What is drawn in a Labelme file, a layer a label; nothing else is drawn in it."""
    file = read_labelme(path)
    assert {shape.label for shape in file.shapes} <= set(labels)
    ids = {label: k for k, label in enumerate(labels, 1)}
    annotation, _ = labelme_to_annotation(file, resolve=ids.get, height=SIZE["height"], width=SIZE["width"])
    return shapes_to_layers(annotation.shapes, class_ids=list(ids.values()), **SIZE)


def there(way: str, folder: Path) -> Path:
    return folder / ("coco.json" if way == "coco" else way)


def labels_in(way: str, folder: Path) -> set[str]:
    """What the classes are called in a conversion's output."""
    if way == "coco":
        return {c["name"] for c in json.loads(there(way, folder).read_text(encoding="utf-8"))["categories"]}
    return {path.name for path in there(way, folder).iterdir()}


# Each box reaches into the frame: one that does not is told as lost.
across, down = (st.integers(0, 2 * (SIZE[side] - 1)).map(lambda n: n / 2) for side in ("width", "height"))
DRAWN = st.lists(
    st.builds(
        box,
        st.sampled_from([1, 2]),
        across,
        down,
        st.integers(1, 20).map(float),
        st.integers(1, 20).map(float),
    ),
    min_size=1,
    max_size=5,
).map(tuple)


@pytest.mark.parametrize("way", WAYS)
@given(shapes=DRAWN)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_renaming_there_and_back_paints_what_no_renaming_paints(
    tmp_path_factory: pytest.TempPathFactory, way: str, shapes: tuple[Shape, ...]
) -> None:
    folder = tmp_path_factory.mktemp(way)
    write(folder / "in" / "a.json", shapes)
    flags = ["--rle"] if way == "coco" else []
    for name, forth, back in (
        ("plain", ",".join(FOREIGN), ",".join(FOREIGN)),
        ("renamed", RENAMED, BACK),
        ("home", RENAMED, ",".join(OWN)),
    ):
        (folder / name).mkdir()
        dmr(f"labelme-to-{way}", folder / "in", there(way, folder / name), "--classes", forth, *flags)
        dmr(f"{way}-to-labelme", there(way, folder / name), folder / name / "out", "--classes", back)
    plain = painted(folder / "plain" / "out" / "a.json", FOREIGN)
    np.testing.assert_array_equal(painted(folder / "renamed" / "out" / "a.json", FOREIGN), plain)
    np.testing.assert_array_equal(painted(folder / "home" / "out" / "a.json", OWN), plain)
    if way != "mask":  # where a higher index covers a lower one
        np.testing.assert_array_equal(plain, shapes_to_layers(shapes, class_ids=[1, 2], **SIZE))


@pytest.mark.parametrize("way", WAYS)
def test_labels_are_found_by_any_spelling_and_the_first_name_is_written(tmp_path: Path, way: str) -> None:
    write(tmp_path / "in" / "a.json", SHAPES, (" ShenJing", "MUSCLE"))
    write(tmp_path / "in" / "b.json", SHAPES, ("n.", "bone"))
    result = dmr(f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path), "--classes", "nerve=shenjing=N.,muscle")

    assert "note: label 'bone' is no class (left out): 1 (b.json)" in result.output
    if way == "mask":
        index = read_index_mask((tmp_path / "mask" / "b.png").read_bytes(), where="b")
        assert set(np.unique(index)) == {0, 1}
    else:
        assert labels_in(way, tmp_path) == {"nerve", "muscle"}


@pytest.mark.parametrize("way", ["layers", "coco"])
def test_what_is_named_on_the_way_back_is_renamed_and_the_rest_left_out_and_told(tmp_path: Path, way: str) -> None:
    write(tmp_path / "in" / "a.json", SHAPES)
    dmr(f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path))
    assert labels_in(way, tmp_path) == set(FOREIGN)
    result = dmr(f"{way}-to-labelme", there(way, tmp_path), tmp_path / "out", "--classes", "nerve=ShenJing")

    assert "note: label 'jirou' is no class (left out): 1 (a" in result.output
    np.testing.assert_array_equal(
        painted(tmp_path / "out" / "a.json", ("nerve",)), shapes_to_layers(SHAPES, class_ids=[1], **SIZE)
    )


@pytest.mark.parametrize("way", ["layers", "coco"])
def test_labels_that_differ_by_case_alone_are_one_class(tmp_path: Path, way: str) -> None:
    write(tmp_path / "in" / "a.json", SHAPES[:1], ("Nerve", ""))
    write(tmp_path / "in" / "b.json", SHAPES[:1], (" nerve", ""))
    dmr(f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path))

    assert labels_in(way, tmp_path) == {"Nerve"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("nerve=,muscle", "a name is empty in 'nerve=,muscle'"),
        ("", "a name is empty in ''"),
        ("nerve=shenjing,muscle=ShenJing", "'ShenJing' is given twice"),
        ("nerv,musle", "names none of the labels in SRC: jirou, shenjing"),
    ],
    ids=["empty", "nothing", "twice", "unknown"],
)
def test_classes_that_cannot_be_are_refused_in_each_direction(
    tmp_path: Path, way: str, classes: str, words: str
) -> None:
    write(tmp_path / "in" / "a.json", SHAPES)
    assert words in dmr(f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path), "--classes", classes, code=2).output
    assert not there(way, tmp_path).exists()
    dmr(f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path), "--classes", ",".join(sorted(FOREIGN)))
    if way == "mask" and "none" in words:
        return  # a mask has no labels
    back = dmr(f"{way}-to-labelme", there(way, tmp_path), tmp_path / "out", "--classes", classes, code=2)
    assert words in back.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("way", WAYS)
def test_each_direction_makes_a_contact_sheet_with_the_images_and_the_names_that_are_written(
    tmp_path: Path, way: str
) -> None:
    for name in ("a", "b"):
        write(tmp_path / "in" / f"{name}.json", SHAPES)
        grey = np.full((24, 32), 120, np.uint8)
        (tmp_path / "in" / f"{name}.png").write_bytes(encode_png(grey))
    sheets = {}
    for name, source, target, direction, classes in (
        ("forth", tmp_path / "in", there(way, tmp_path), f"labelme-to-{way}", RENAMED),
        ("back", there(way, tmp_path), tmp_path / "out", f"{way}-to-labelme", BACK),
    ):
        sheet = tmp_path / f"{name}.png"
        options = ("--classes", classes, "--images", tmp_path / "in", "--preview", sheet)
        rehearsed = dmr(direction, source, target, *options, "--dry-run")
        assert "Dry run: nothing was written." in rehearsed.output
        assert not sheet.exists() and not target.exists()
        without = target.with_name(f"without-{target.name}")
        dmr(direction, source, without, "--classes", classes, "--images", tmp_path / "in")
        assert f"Contact sheet of 2 frames: {sheet}" in dmr(direction, source, target, *options).output
        assert contents(target) == contents(without), "a sheet changes nothing else"
        first = sheet.read_bytes()
        dmr(direction, source, target, *options)
        assert sheet.read_bytes() == first
        sheets[name] = np.asarray(Image.open(sheet))
    for shown in sheets.values():
        assert (shown == 120).all(axis=2).sum() > 10_000, "the images"
        for color in ("#0072B2", "#E69F00"):
            far = np.abs(shown[LEGEND:].astype(int) - ImageColor.getrgb(color)).max(axis=2)
            assert (far < 30).sum() > 300, "the outlines"
    assert (sheets["forth"][:LEGEND] != sheets["back"][:LEGEND]).any(), "the names"


def contents(path: Path) -> dict[str, bytes]:
    """What a conversion wrote."""
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in [path, *path.rglob("*")] if p.is_file()}


@pytest.mark.parametrize(
    ("direction", "layout"), [("mask-to-labelme", "a.png"), ("layers-to-labelme", "nerve/a.png")], ids=WAYS[:2]
)
def test_a_contact_sheet_among_masks_would_be_taken_for_one_and_is_refused(
    tmp_path: Path, direction: str, layout: str
) -> None:
    mask = tmp_path / "in" / layout
    mask.parent.mkdir(parents=True)
    mask.write_bytes(encode_png(np.eye(9, dtype=np.uint8)))
    sheet = mask.with_name("sheet.png")

    assert "lies among the masks" in dmr(direction, tmp_path / "in", tmp_path / "o", "--preview", sheet, code=2).output
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("direction", "name"), [("labelme-to-mask", "a.png"), ("labelme-to-layers", "shenjing/a.png")], ids=WAYS[:2]
)
def test_a_contact_sheet_never_replaces_what_was_just_converted(tmp_path: Path, direction: str, name: str) -> None:
    write(tmp_path / "in" / "a.json", SHAPES)
    options = ("--classes", ",".join(FOREIGN), "--preview", tmp_path / "o" / name)

    assert "is not a contact sheet" in dmr(direction, tmp_path / "in", tmp_path / "o", *options, code=2).output
    assert read_index_mask((tmp_path / "o" / name).read_bytes(), where="a").shape == (24, 32)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_without_a_size_takes_that_of_its_image_in_each_direction(tmp_path: Path, way: str) -> None:
    write(tmp_path / "in" / "a.json", SHAPES)
    content = json.loads((tmp_path / "in" / "a.json").read_text(encoding="utf-8"))
    content["imageHeight"] = content["imageWidth"] = None
    (tmp_path / "in" / "a.json").write_text(json.dumps(content), encoding="utf-8")
    arguments = (f"labelme-to-{way}", tmp_path / "in", there(way, tmp_path), "--classes", RENAMED)
    assert "says no size, and its image is not there" in dmr(*arguments, code=1).output
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encode_png(np.zeros((24, 32), np.uint8)))

    dmr(*arguments, "--images", tmp_path / "images")


def test_a_data_set_that_is_there_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.json", SHAPES)
    out = tmp_path / "coco.json"
    dmr("labelme-to-coco", tmp_path / "in", out)
    before = out.read_bytes()
    (tmp_path / "in" / "a.json").write_text("{", encoding="utf-8")
    result = dmr("labelme-to-coco", tmp_path / "in", out, "--classes", "nerve", code=1)

    assert "No frame could be converted: nothing was written." in result.output
    assert out.read_bytes() == before


def test_all_directions_have_the_same_options() -> None:
    shared = {"src", "dst", "classes", "images", "preview", "dry_run", "as_json"}
    convert = main.commands["convert"]
    assert isinstance(convert, click.Group)
    for way in WAYS:
        for name in (f"labelme-to-{way}", f"{way}-to-labelme"):
            assert {option.name for option in convert.commands[name].params} >= shared
