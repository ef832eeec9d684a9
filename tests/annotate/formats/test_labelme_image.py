"""Which image a Labelme file belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmr.annotate.formats.labelme import LabelmeFile, find_image


def file_with(image_path: str | None, image_data: bytes | None = None) -> LabelmeFile:
    return LabelmeFile((), image_path, image_data, None, None)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("in/a.png", "in/b.png", "in/sub/c.png", "out/secret.png", "in/labels/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")
    return tmp_path / "in"


WRONG = ("wrong imagePath (image found by the file's name)",)


@pytest.mark.parametrize(
    ("json_name", "image_path", "found", "notes"),
    [
        ("labels/a.json", "../a.png", "a.png", ()),
        ("labels/a.json", "..\\a.png", "a.png", ()),
        ("labels/d.json", "C:\\Users\\x\\d.png", "labels/d.png", ()),
        ("labels/d.json", "/home/x/d.png", "labels/d.png", ()),
        ("labels/a.json", "a.png", "a.png", ()),
        ("labels/a.json", "img.png", "a.png", WRONG),
        ("labels/a.json", "../b.png", "a.png", WRONG),
        ("labels/reader2.json", "../b.png", "b.png", ()),
        ("labels/reader2.json", "c.png", "sub/c.png", ()),
        ("labels/reader2.json", "../../out/secret.png", None, ()),
        ("labels/reader2.json", "link.png", None, ()),
        ("labels/reader2.json", "a\x00b.png", None, ()),
        ("labels/reader2.json", None, None, ()),
    ],
    ids=[
        "relative", "backslashes", "beside, windows", "beside, posix", "own name", "wrong name", "another's name",
        "no own image", "by the index", "out of the root", "link out of the root", "nul", "none",
    ],
)  # fmt: skip
def test_an_image_is_found_and_never_outside_the_root(
    scans: Path, json_name: str, image_path: str | None, found: str | None, notes: tuple[str, ...]
) -> None:
    try:
        (scans / "labels" / "link.png").symlink_to(scans.parent / "out" / "secret.png")
    except OSError:
        if image_path == "link.png":
            pytest.skip("no symbolic links here")
    index = {name.rpartition("/")[2][:-4]: [scans / name] for name in ("a.png", "b.png", "sub/c.png")}
    image, said = find_image(file_with(image_path), scans / json_name, roots=[scans], index=index)
    assert (image if image is None else Path(str(image)).resolve()) == (found and (scans / found).resolve())
    assert said == notes


def test_an_embedded_image_is_used_where_no_file_has_the_name(scans: Path) -> None:
    assert find_image(file_with("x.png", b"png"), scans / "x.json", roots=[scans], index={})[0] == b"png"


def test_of_several_images_of_a_name_the_one_that_image_path_names_is_taken(scans: Path) -> None:
    (scans / "sub" / "a.jpg").write_bytes(b"image")
    index = {"a": [scans / "a.png", scans / "sub" / "a.jpg"]}
    place = scans / "labels" / "a.json"
    assert find_image(file_with("a.jpg"), place, roots=[scans], index=index)[0] == scans / "sub" / "a.jpg"
    image, notes = find_image(file_with("x.jpg"), place, roots=[scans], index=index)
    assert (image, notes) == (None, ("several images of the file's name",))
