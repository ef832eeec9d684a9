"""Tables as text."""

from __future__ import annotations

from dmr.annotate.render.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell_and_the_last_side_holds_for_the_rest() -> None:
    rows = [("class", "frames", "Dice"), ("nerve", "3", "0.512"), ("m", "1,200", "-")]
    assert text_table(rows).split("\n") == [
        "class  frames   Dice",
        "nerve       3  0.512",
        "m       1,200      -",
    ]


def test_nothing_stands_behind_a_lines_last_word() -> None:
    rows = [("v1", "active", "good"), ("v10", "", "")]
    assert text_table(rows, align="<", widths=(5, 9)).split("\n") == ["v1     active     good", "v10"]
    assert text_table([]) == ""
