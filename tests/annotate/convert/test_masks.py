from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dmr.annotate.convert import masks
from dmr.annotate.convert.options import Options
from dmr.annotate.errors import UsageError
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png


def labelme_to_mask(src: Path, dst: Path, **options: Any) -> Report:
    return masks.labelme_to_mask(Options(src, dst, **options))


def mask_to_labelme(src: Path, dst: Path, *, tolerance: float = 0.0, **options: Any) -> Report:
    return masks.mask_to_labelme(Options(src, dst, **options), tolerance=tolerance)


LEFT, RIGHT = [[0, 0], [4, 0], [4, 6], [0, 6]], [[3, 0], [8, 0], [8, 6], [3, 6]]


def write_labelme(path: Path, *shapes: tuple[str, Any], **more: Any) -> None:
    content = {
        "shapes": [{"label": label, "points": points, "shape_type": "polygon"} for label, points in shapes],
        "imagePath": path.with_suffix(".jpg").name,
        "imageHeight": 6,
        "imageWidth": 8,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def pixels_of(path: Path) -> NDArray[Any]:
    with Image.open(path) as image:
        assert image.mode == "L" and not image.info
        return np.asarray(image)


def write_mask(path: Path, index: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(index.astype(np.uint8)))


def stripes() -> NDArray[Any]:
    index = np.zeros((12, 16), dtype=np.uint8)
    index[2:10, 2:14] = 1
    index[4:8, 4:12] = 2
    index[5:7, 6:9] = 0
    index[0, 0] = 200
    return index


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}


def test_labelme_files_become_masks_under_their_names_and_hidden_pixels_are_told(tmp_path: Path) -> None:
    write_labelme(tmp_path / "in" / "a.json", ("nerve", RIGHT), ("Muscle", LEFT), ("bone", LEFT))
    write_labelme(tmp_path / "in" / "sub" / "b.json")
    report = labelme_to_mask(tmp_path / "in", tmp_path / "out", classes=("muscle", "nerve"))
    assert pixels_of(tmp_path / "out" / "a.png").tolist() == [[1, 1, 1, 2, 2, 2, 2, 2]] * 6
    assert pixels_of(tmp_path / "out" / "sub" / "b.png").tolist() == [[0] * 8] * 6
    assert report.lines() == [
        "note: label 'bone' is no class (left out): 1 (a.json)",
        "note: pixels hidden under a higher index: 1 (a.json)",
        "convert labelme-to-mask: 2 written, 0 replaced, 0 unchanged, 6 pixels hidden",
    ]


@given(
    hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.sampled_from([0, 1, 2, 255]),
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mask_comes_back_bit_for_bit(tmp_path: Path, index: NDArray[Any]) -> None:
    mask, drawn, again = tmp_path / "m.png", tmp_path / "m.json", tmp_path / "again.png"
    write_mask(mask, index)
    assert mask_to_labelme(mask, drawn, classes=None).exit_code == 0
    assert labelme_to_mask(drawn, again, classes=None).exit_code == 0
    np.testing.assert_array_equal(pixels_of(again), index)


def test_without_classes_an_index_is_its_number(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "a.png", stripes())
    mask_to_labelme(tmp_path / "masks", tmp_path / "out", classes=None)
    content = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    assert {s["label"] for s in content["shapes"]} == {"class_1", "class_2", "class_200"}
    assert (content["imageHeight"], content["imageWidth"], content["imagePath"]) == (12, 16, "../masks/a.png")


def test_repeating_changes_nothing_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    write_mask(folder / "a.png", stripes())
    write_mask(folder / "b.png", stripes() * 0)
    for _ in range(2):
        to_labelme = mask_to_labelme(folder, tmp_path / "j", classes=None)
        to_mask = labelme_to_mask(tmp_path / "j", tmp_path / "m", classes=None)
        before = snapshot(tmp_path)
    assert to_labelme.counts == {"written": 0, "replaced": 0, "unchanged": 2}
    assert to_mask.counts == {"written": 0, "replaced": 0, "unchanged": 2, "pixels hidden": 0}
    mask_to_labelme(folder / "a.png", tmp_path / "j", classes=None)
    labelme_to_mask(tmp_path / "j", tmp_path / "m", classes=None)
    assert snapshot(tmp_path) == before


def test_labels_that_are_no_numbers_need_classes_and_nothing_is_written(tmp_path: Path) -> None:
    write_labelme(tmp_path / "a.json", ("class_1", LEFT))
    write_labelme(tmp_path / "b.json", ("nerve", LEFT), ("class_300", LEFT))
    with pytest.raises(UsageError) as refused:
        labelme_to_mask(tmp_path, tmp_path / "out", classes=None)
    assert "class_300, nerve" in str(refused.value) and "--classes class_300,nerve" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_one_bad_file_never_stops_the_rest(tmp_path: Path) -> None:
    write_labelme(tmp_path / "in" / "a.json", ("nerve", LEFT))
    (tmp_path / "in" / "b.json").write_text("{", encoding="utf-8")
    write_labelme(tmp_path / "in" / "c.json", ("nerve", LEFT), imageHeight=10**6, imageWidth=10**6)
    write_labelme(tmp_path / "in" / "d.json", ("nerve", LEFT), imageHeight=None)
    write_labelme(tmp_path / "in" / "e.json", ("nerve", RIGHT))
    seen: list[int] = []

    def tell(what: str, more: int, of: int | None, note: str = "") -> None:
        seen.append(more)

    report = labelme_to_mask(tmp_path / "in", tmp_path / "out", classes=("nerve",), tell=tell)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "e.png"]
    assert report.exit_code == 1 and len(seen) == 5
    reasons = ["is no JSON", "more than 40 million", "says no size, and its image is not there"]
    assert all(reason in failure for reason, failure in zip(reasons, report.failures, strict=True))


def test_a_file_without_a_size_takes_that_of_its_image(tmp_path: Path) -> None:
    write_labelme(tmp_path / "labels" / "a.json", ("nerve", LEFT), imageHeight=None, imageWidth=None)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encode_png(np.zeros((7, 9), dtype=np.uint8)))
    report = labelme_to_mask(tmp_path / "labels", tmp_path / "out", classes=("nerve",), images=tmp_path / "images")
    assert report.exit_code == 0
    assert pixels_of(tmp_path / "out" / "a.png").shape == (7, 9)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_mask(tmp_path / "in" / "a.png", stripes())
    before = snapshot(tmp_path)
    sheet = tmp_path / "sheet.png"
    report = mask_to_labelme(tmp_path / "in", tmp_path / "out", classes=None, dry_run=True, preview=sheet)
    assert report.counts["written"] == 1 and "Dry run" in report.lines()[-1]
    assert snapshot(tmp_path) == before and not (tmp_path / "out").exists()


def test_an_own_mask_is_replaced_and_a_picture_in_the_way_is_not(tmp_path: Path) -> None:
    source, out = tmp_path / "a.json", tmp_path / "out"
    write_labelme(source, ("nerve", LEFT))
    labelme_to_mask(source, out, classes=("nerve",))
    write_labelme(source, ("nerve", RIGHT))
    assert labelme_to_mask(source, out, classes=("nerve",)).counts["replaced"] == 1
    assert pixels_of(out / "a.png")[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    scan = encode_png(np.arange(100, dtype=np.uint8).reshape(10, 10))
    (out / "a.png").write_bytes(scan)
    report = labelme_to_mask(source, out, classes=("nerve",))
    assert "is not a mask" in report.failures[0]
    assert (out / "a.png").read_bytes() == scan


def test_a_mask_never_replaces_the_image_that_it_was_drawn_on(tmp_path: Path) -> None:
    write_labelme(tmp_path / "a.json", ("nerve", LEFT), imagePath="a.png")
    black = encode_png(np.zeros((6, 8), dtype=np.uint8))
    (tmp_path / "a.png").write_bytes(black)
    report = labelme_to_mask(tmp_path, tmp_path, classes=("nerve",))
    assert "would replace its image" in report.failures[0]
    assert (tmp_path / "a.png").read_bytes() == black


def test_an_own_outline_is_replaced_and_one_edited_by_hand_is_not(tmp_path: Path) -> None:
    mask, out = tmp_path / "a.png", tmp_path / "a.json"
    write_mask(mask, stripes())
    mask_to_labelme(mask, out, classes=None)
    # Saving it again in Labelme changes its bytes and not what is drawn.
    out.write_text(json.dumps(json.loads(out.read_text(encoding="utf-8")), indent=1), encoding="utf-8")
    assert mask_to_labelme(mask, out, classes=None, tolerance=1.0).counts["replaced"] == 1
    content = json.loads(out.read_text(encoding="utf-8"))
    content["shapes"][0]["points"][0][0] += 0.5
    out.write_text(json.dumps(content), encoding="utf-8")
    edited = out.read_bytes()
    report = mask_to_labelme(mask, out, classes=None)
    assert "drawn or edited by hand" in report.failures[0]
    assert out.read_bytes() == edited


def test_outlines_point_to_the_images_of_their_names(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_mask(tmp_path / "masks" / f"{name}.png", stripes())
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encode_png(np.zeros((12, 16), dtype=np.uint8)))
    (tmp_path / "images" / "b.png").write_bytes(encode_png(np.zeros((16, 12), dtype=np.uint8)))
    report = mask_to_labelme(tmp_path / "masks", tmp_path / "out", classes=None, images=tmp_path / "images")
    image_path = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))["imagePath"]
    assert image_path == "../images/a.png"
    assert report.failures == ["b.png: has 16 x 12 pixels, and its image 12 x 16. Use the image that it was made for."]
    assert report.oddities == {"no image of that name (imagePath names the mask)": ["c.png"]}


def test_values_outside_the_classes_are_left_out_and_told(tmp_path: Path) -> None:
    write_mask(tmp_path / "a.png", stripes())
    write_mask(tmp_path / "b.png", (stripes() == 1) * 255)
    report = mask_to_labelme(tmp_path, tmp_path / "out", classes=("nerve", "muscle"))
    labels = {s["label"] for s in json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))["shapes"]}
    assert labels == {"nerve", "muscle"}
    assert report.oddities == {"index 200 is no class (left out)": ["a.png"]}
    assert report.failures[0].startswith("a.png: something of a class that nobody can tell was left out")
    assert report.failures[1].startswith("b.png: is black and white (0 and 255), and there are 2 classes")


def test_a_picture_is_not_taken_for_a_mask(tmp_path: Path) -> None:
    write_mask(tmp_path / "a.png", np.arange(256).reshape(16, 16))
    assert "a picture and not a mask" in mask_to_labelme(tmp_path, tmp_path / "out", classes=None).failures[0]


def test_two_sources_of_one_target_are_told(tmp_path: Path) -> None:
    write_mask(tmp_path / "a.png", stripes())
    Image.fromarray(stripes()).save(tmp_path / "a.tif")
    report = mask_to_labelme(tmp_path, tmp_path / "out", classes=None)
    assert report.counts["written"] == 0, "nobody knows which is right"
    assert report.failures == [
        "a.png: would become the same file as 'a.tif'. Give them different names.",
        "a.tif: would become the same file as 'a.png'. Give them different names.",
    ]


def test_nothing_is_written_outside_the_folder_named(tmp_path: Path) -> None:
    write_mask(tmp_path / "in" / "sub" / "a.png", stripes())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    try:
        (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(UsageError, match="link to a folder outside DST"):
        mask_to_labelme(tmp_path / "in", tmp_path / "out", classes=None)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_preview_shows_some_of_the_frames(tmp_path: Path) -> None:
    for n in range(30):
        write_mask(tmp_path / "in" / f"{n:02}.png", stripes())
    sheet = tmp_path / "sheet.png"
    report = mask_to_labelme(tmp_path / "in", tmp_path / "out", classes=None, preview=sheet)
    with Image.open(sheet) as image:
        assert image.width > 1000
    assert report.words == [f"Contact sheet of 10 frames: {sheet}"]
    mask_to_labelme(tmp_path / "in", tmp_path / "out", classes=None, preview=sheet)
    scan = tmp_path / "in" / "00.png"
    before = scan.read_bytes()
    with pytest.raises(UsageError, match="is not a contact sheet"):
        mask_to_labelme(tmp_path / "in", tmp_path / "out", classes=None, preview=scan)
    assert scan.read_bytes() == before


def test_classes_that_no_file_knows_are_refused(tmp_path: Path) -> None:
    write_labelme(tmp_path / "a.json", ("nerve", [[1, 1], [5, 1], [5, 5]]))
    with pytest.raises(UsageError, match="names none of the labels in SRC: nerve"):
        labelme_to_mask(tmp_path / "a.json", tmp_path / "out", classes=("nerv", "musle"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("classes", "words"),
    [(("nerve", ""), "empty"), ((), "empty"), (("nerve", "Nerve "), "twice"), (tuple(map(str, range(300))), "300")],
    ids=["empty name", "none", "twice", "too many"],
)
def test_classes_that_cannot_be_are_refused(tmp_path: Path, classes: tuple[str, ...], words: str) -> None:
    write_mask(tmp_path / "a.png", stripes())
    with pytest.raises(UsageError, match=words):
        mask_to_labelme(tmp_path, tmp_path / "out", classes=classes)


def test_a_wrong_use_is_refused_in_one_line(tmp_path: Path) -> None:
    write_mask(tmp_path / "a.png", stripes())
    (tmp_path / "file").write_bytes(b"")
    calls: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: labelme_to_mask(tmp_path / "none", tmp_path, classes=None), "is not there"),
        (lambda: labelme_to_mask(tmp_path, tmp_path, classes=None), "holds no .json file"),
        (lambda: mask_to_labelme(tmp_path, tmp_path / "file", classes=None), "is a file"),
        (lambda: mask_to_labelme(tmp_path, tmp_path, classes=None, tolerance=-1), "--tolerance"),
        (lambda: mask_to_labelme(tmp_path, tmp_path, classes=None, tolerance=float("nan")), "--tolerance"),
        (lambda: mask_to_labelme(tmp_path, tmp_path, classes=None, preview=tmp_path / "x.jpg"), "name of a PNG"),
    )
    for call, words in calls:
        with pytest.raises(UsageError, match=words):
            call()


def test_many_files_go_through_several_processes_and_come_out_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(40):
        write_labelme(tmp_path / "in" / f"p{k}.json", ("a", LEFT), ("b", RIGHT if k % 3 else LEFT))
    (tmp_path / "in" / "p7.json").write_text("{", encoding="utf-8")
    reports = []
    for name, worth in (("alone", 1000), ("together", 8)):
        monkeypatch.setattr("dmr.annotate.convert.masks._WORTH_PROCESSES", worth)
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        painted = labelme_to_mask(tmp_path / "in", tmp_path / name / "m", classes=("a", "b"))
        drawn = mask_to_labelme(tmp_path / name / "m", tmp_path / name / "l", classes=("a", "b"), tolerance=1.0)
        reports.append((painted.as_dict(), drawn.as_dict()))
    assert reports[0] == reports[1]
    assert len(reports[0][0]["failures"]) == 1
    alone, together = (
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*") if p.is_file()}
        for name in ("alone", "together")
    )
    assert alone == together
    assert len(alone) == 78
