"""A hole is cut out in every format, or its class is lost and the exit code is 1; it never vanishes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.convert.from_labelme import labelme_to_files
from dmr.annotate.convert.masks import labelme_to_mask, mask_to_labelme
from dmr.annotate.convert.options import Options
from dmr.annotate.convert.to_labelme import files_to_labelme
from dmr.annotate.formats.annotations import read_annotation
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png

HEIGHT, WIDTH = 24, 32
CLASSES: Final = Classes([ClassDef(1, "nerve"), ClassDef(2, "muscle")])
GIVEN: Final = (("nerve",), ("muscle",))
FORMS: Final = ("mask", "layers", "coco", "coco --rle", "yolo", "nifti", "instances")
Grid = NDArray[np.bool_]
Entry = tuple[str, tuple[int, int, int, int], int | None]
"""An outline, a hole or a drawn mask; its box; its group."""

BOX: Final = st.tuples(st.integers(0, 24), st.integers(0, 16), st.integers(2, 8), st.integers(2, 8))
GROUP: Final = st.sampled_from([None, None, 1, 2])
ENTRY: Final = st.tuples(st.sampled_from(["outline", "hole", "hole", "mask"]), BOX, GROUP)


def grid(box: tuple[int, int, int, int], *, ring: bool = False) -> Grid:
    """A box of pixels; as a ring, without its middle and with a second part beside it."""
    x, y, w, h = box
    found = np.zeros((HEIGHT, WIDTH), np.bool_)
    found[y : y + h, x : x + w] = True
    if ring:
        found[y + 1 : y + h - 1, x + 1 : x + w - 1] = False
        found[(y + h + 2) % HEIGHT, x : x + w] = True
    return found


def grid_beside(ring: Grid) -> Grid:
    """The second part of a drawn mask: the row that has none above or below it."""
    rows = ring.any(axis=1)
    alone = rows & ~np.roll(rows, 1) & ~np.roll(rows, -1)
    return ring & alone[:, None]


def shape(entry: Entry) -> dict[str, Any]:
    kind, (x, y, w, h), group = entry
    own: dict[str, Any] = {"label": "nerve", "group_id": group, "shape_type": "polygon", "flags": {}}
    if kind == "mask":
        png = base64.b64encode(encode_png(grid(entry[1], ring=True).view(np.uint8) * np.uint8(255))).decode()
        corners = [[0, 0], [WIDTH - 1, HEIGHT - 1]]
        return own | {"shape_type": "mask", "mask": png, "points": corners}
    points = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]
    return own | {"points": points, "flags": {"hole": True} if kind == "hole" else {}}


def truth(entries: list[Entry]) -> tuple[Grid, bool]:
    """The pixels of nerve, and whether a hole cuts nothing or takes a whole outline away."""
    found = np.zeros((HEIGHT, WIDTH), np.bool_)
    doubtful = False
    for group in {group for _, _, group in entries}:
        own = [(kind, grid(box, ring=kind == "mask")) for kind, box, of in entries if of == group]
        whole = np.any([g for kind, g in own if kind != "hole"] or [np.zeros_like(found)], axis=0)
        gone = np.any([g for kind, g in own if kind == "hole"] or [np.zeros_like(found)], axis=0)
        doubtful |= any(not (g & whole).any() for kind, g in own if kind == "hole")
        for kind, g in own:
            beside = grid_beside(g) if kind == "mask" else np.zeros_like(found)
            doubtful |= kind != "hole" and any(p.any() and not (p & ~gone).any() for p in (g & ~beside, beside))
        found |= whole & ~gone
    return found, doubtful


def there_and_back(folder: Path, shapes: list[dict[str, Any]], form: str) -> tuple[int, Grid, bool]:
    """Exit code of the way there, pixels of nerve after the way back, and whether they are called complete."""
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "1_a.png").write_bytes(encode_png(np.full((HEIGHT, WIDTH), 9, np.uint8)))
    content = {"shapes": shapes, "imagePath": "1_a.png", "imageHeight": HEIGHT, "imageWidth": WIDTH}
    (folder / "in" / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    name, rle = form.removesuffix(" --rle"), form.endswith("--rle")
    out = folder / ("c.json" if name == "coco" else "out")
    forward = Options(folder / "in", out, GIVEN)
    report = labelme_to_mask(forward) if name == "mask" else labelme_to_files(forward, form=name, rle=rle)
    empty = np.zeros((HEIGHT, WIDTH), np.bool_)
    images = folder / "in" if name == "yolo" else None
    back = Options(out, folder / "back", GIVEN, images)
    if not out.is_file() and not [p for ending in ("png", "txt", "gz") for p in out.rglob(f"*.{ending}")]:
        return _code(report), empty, False
    mask_to_labelme(back) if name == "mask" else files_to_labelme(back, form=name)
    path = folder / "back" / "1_a.json"
    drawn = read_annotation(path, CLASSES, coverage="all")
    nerve = polygons_to_mask([s for s in drawn.shapes if s.class_id == 1], height=HEIGHT, width=WIDTH)
    return _code(report), nerve, 1 in drawn.covered


def _code(report: Report) -> int:
    return int(bool(report.failures))


@settings(max_examples=80)
@given(entries=st.lists(ENTRY, min_size=1, max_size=5), form=st.sampled_from(FORMS))
def test_outlines_and_holes_come_back_to_the_pixel_or_are_not_called_complete(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], form: str
) -> None:
    pixels, doubtful = truth(entries)
    code, found, complete = there_and_back(tmp_path_factory.mktemp("holes"), [shape(e) for e in entries], form)
    if doubtful:
        assert (code, complete) == (1, False)
    elif complete:
        np.testing.assert_array_equal(found, pixels)
    else:
        assert form in ("instances", "yolo"), "an instance may hide another, and a sliver may be left of an outline"


WHOLE: Final[Entry] = ("outline", (2, 2, 20, 16), 1)
INNER: Final[Entry] = ("hole", (5, 5, 8, 8), 1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("entries", "lost"),
    [
        pytest.param([WHOLE, ("hole", (15, 5, 12, 8), 1)], False, id="past its outline, in a group"),
        pytest.param([("outline", (2, 2, 20, 16), None), ("hole", (15, 5, 12, 8), None)], False, id="without a group"),
        pytest.param([WHOLE, INNER, ("hole", (9, 9, 8, 7), 1)], False, id="two that overlap"),
        pytest.param([("mask", (2, 2, 8, 8), 1), ("hole", (2, 2, 4, 4), 1)], False, id="in a part of a drawn mask"),
        pytest.param([("mask", (2, 2, 8, 8), None), ("hole", (2, 2, 4, 4), None)], False, id="the same, no group"),
        pytest.param([WHOLE, INNER, ("outline", (7, 7, 3, 3), 1)], True, id="with an island of its own group"),
        pytest.param([WHOLE, ("hole", (24, 5, 4, 4), 1)], True, id="beside its outline"),
        pytest.param([WHOLE, ("hole", (22, 5, 4, 4), 1)], True, id="with an edge of its outline alone"),
        pytest.param([WHOLE, ("hole", (5, 5, 4, 4), 2)], True, id="of another group"),
    ],
)
def test_a_hole(entries: list[Entry], lost: bool, form: str, tmp_path: Path) -> None:
    pixels, doubtful = truth(entries)
    assert doubtful == lost
    code, found, complete = there_and_back(tmp_path, [shape(e) for e in entries], form)
    assert (code, complete) == ((1, False) if lost else (0, True))
    if not lost:
        np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("form", FORMS)
def test_a_background_shape_is_cut_out_of_a_part_of_a_drawn_mask(form: str, tmp_path: Path) -> None:
    mask = grid((2, 2, 12, 12)) & ~grid((4, 4, 3, 3)) | grid((20, 2, 4, 4))
    drawn = shape(("mask", (2, 2, 8, 8), None)) | {"mask": base64.b64encode(encode_png(mask.view(np.uint8))).decode()}
    background = shape(("outline", (9, 9, 3, 3), None)) | {"label": "_background_"}
    code, found, complete = there_and_back(tmp_path, [drawn, background], form)
    assert (code, complete) == (0, True)
    np.testing.assert_array_equal(found, mask & ~grid((9, 9, 3, 3)))
