from __future__ import annotations

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.render.overlay import contact_sheet, draw_overlay
from dmr.annotate.shapes import Annotation, Shape

CLASSES = Classes([ClassDef(1, "muscle", color="#0000FF", z=1), ClassDef(2, "nerve", color="#FF0000", z=2)])
BLACK = np.zeros((40, 50), dtype=np.uint8)


def square(low: float, high: float) -> tuple[tuple[float, float], ...]:
    return ((low, low), (high, low), (high, high), (low, high))


def test_an_overlay_has_a_light_fill_and_an_outline_and_leaves_the_rest() -> None:
    annotation = Annotation(
        40, 50, (Shape(2, square(15, 25)), Shape(1, square(10, 30)), Shape(9, square(0, 5))), frozenset()
    )
    picture = draw_overlay(np.full_like(BLACK, 100), annotation, classes=CLASSES, fill=0.25)
    assert picture.shape == (40, 50, 3) and picture.dtype == np.uint8
    assert picture[5, 5].tolist() == [100, 100, 100]
    assert picture[35, 12].tolist() == [100, 100, 100]
    assert picture[27, 13].tolist() == [75, 75, 139]
    # A line of two pixels on each edge, give or take one; the nerve lies over the muscle by its z.
    row = picture[20].tolist()
    assert row.count([0, 0, 255]) == row.count([255, 0, 0]) == 4
    assert all([0, 0, 255] in row[x - 2 : x + 2] for x in (10, 30))
    assert all([255, 0, 0] in row[x - 2 : x + 2] for x in (15, 25))
    assert picture[20, 20, 0] > picture[20, 20, 2]


def test_an_overlay_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        draw_overlay(BLACK, Annotation(50, 40, (), frozenset()), classes=CLASSES)


def test_a_sheet_lays_pictures_out_in_rows_with_captions_and_a_legend() -> None:
    white = np.full((40, 80), 255, dtype=np.uint8)
    cells = [(white, "p01: highest entropy in the nerve " * 4), (np.dstack([white] * 3), ""), (white, "p03")]
    sheet = contact_sheet(cells, columns=2, cell_width=120, legend={"muscle": "#0000FF", "nerve": "#FF0000"})
    assert sheet.shape[1] == 2 * 130 + 10
    for color in ([0, 0, 255], [255, 0, 0]):
        assert (sheet == color).all(axis=2).sum() > 150
    bare = contact_sheet([(picture, "") for picture, _ in cells], columns=2, cell_width=120)
    plain = (bare == 255).all(axis=2)
    assert plain.sum() == 3 * 120 * 60
    assert np.flatnonzero(plain.any(axis=0)).tolist() == [*range(10, 130), *range(140, 260)]
    assert sheet.shape[0] > bare.shape[0] + 4 * 15


def test_a_caption_of_one_long_word_stays_in_its_cell() -> None:
    cells = [(BLACK, "x" * 400), (BLACK, "")]
    sheet = contact_sheet(cells, columns=2, cell_width=100)
    assert (sheet[:, :110] > 100).any()
    assert not (sheet[:, 112:] > 100).any()


def test_a_sheet_of_nothing_is_still_a_picture() -> None:
    sheet = contact_sheet([], legend={"nerve": "#FF0000"})
    assert sheet.ndim == 3 and sheet.size > 0
