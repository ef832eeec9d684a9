"""Pages stand alone, fit their window, and are readable on light, dark and printed paper."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from jinja2 import UndefinedError
from markup import Markup, assert_needs_nothing
from PIL import Image

import dmr.annotate.render
from dmr.annotate.render.html import Table, page
from dmr.annotate.render.plot import Line, Panel, draw_png, draw_svg

GREY = np.full((8, 8, 3), 90, np.uint8)


@pytest.fixture
def made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """A page whose body is a template of one's own."""
    (tmp_path / "pages_of_a_test" / "templates").mkdir(parents=True)
    (tmp_path / "pages_of_a_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def make(body: str, **values: object) -> str:
        text = '{% extends "page.html" %}{% import "parts.html" as parts %}{% block body %}' + body + "{% endblock %}"
        (tmp_path / "pages_of_a_test" / "templates" / "own.html").write_text(text, encoding="utf-8")
        return page("own.html", package="pages_of_a_test", **({"title": "a page"} | values)).decode("utf-8")

    yield make
    sys.modules.pop("pages_of_a_test", None)


Make = Callable[..., str]
TABLE = "{{ parts.table(table) }}"


def test_a_page_of_every_part_is_whole_and_needs_nothing_from_elsewhere(made_of: Make) -> None:
    hostile = '</p><script>alert(1)</script>&"'
    made = made_of(
        "<p>{{ words }}</p>{{ parts.facts(pairs) }}{{ parts.legend(classes) }}{{ parts.table(table) }}"
        "<div>{{ svg | safe }}</div>{{ parts.pictures(words, row) }}",
        title=hostile,
        words=hostile,
        pairs=[("a & b", "c < d")],
        classes=SimpleNamespace(active=[SimpleNamespace(name=hostile, color=hostile)]),
        table=Table(["class", "Dice\n95 % interval"], [["<b>", "0.5\n0.4 to 0.6"]]),
        svg=draw_svg([Panel([Line("a<b", [(0.1, 0.2), (0.6, 0.5)], "#F0E442")], "x", "y", unit=True)]),
        row=[("the frame", GREY), (hostile, GREY)],
    )
    markup = assert_needs_nothing(made)

    assert markup.text.count(hostile) == 5  # title, words, legend, below a picture, below the row
    assert "c < d" in markup.text and "<b>" in markup.cells
    assert "default-src 'none'" in made  # the browser would refuse what is forgotten here
    assert [value["alt"] for tag, value in markup.tags if tag == "img"] == ["the frame", hostile]


def test_what_a_template_names_and_nobody_gives_is_an_error(made_of: Make) -> None:
    with pytest.raises(UndefinedError, match="forgotten"):
        made_of("{{ forgotten }}")


def test_a_tag_that_is_left_open_is_noticed() -> None:
    with pytest.raises(AssertionError, match="never closed"):
        Markup("<p><b>words</b>")
    with pytest.raises(AssertionError, match="closes"):
        Markup("<p><b>words</p></b>")
    with pytest.raises(AssertionError):
        assert_needs_nothing('<img src="picture.png">')


def test_a_long_class_name_may_be_broken_and_a_cells_second_line_is_small(made_of: Make) -> None:
    made = made_of(TABLE, table=Table(["class", "Dice\ninterval"], [["transverse_process", "0.5\n0.4 to 0.6"]]))

    assert "transverse_<wbr>process" in made
    assert "0.5<small>0.4 to 0.6</small>" in made
    assert 'data-label="Dice interval"' in made  # where the head cannot be seen, on a phone
    assert Markup(made).cells == ["class", "Diceinterval", "transverse_process", "0.50.4 to 0.6"]


def test_an_empty_cell_is_empty_so_that_a_phone_leaves_it_out(made_of: Make) -> None:
    assert "<div></div>" in made_of(TABLE, table=Table(["class", "Dice"], [["mean", ""]]))


def test_a_row_with_too_few_cells_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 cells under 3 columns"):
        Table(["class", "Dice", "IoU"], [["nerve", "0.5"]])


def test_a_table_of_few_columns_is_not_drawn_out_over_the_window(made_of: Make) -> None:
    assert '<table class="few">' in made_of(TABLE, table=Table(["x"] * 4, []))
    assert "<table>" in made_of(TABLE, table=Table(["x"] * 5, []))


def test_print_is_light_whatever_the_screen_is() -> None:
    folder = Path(dmr.annotate.render.__file__).parent / "templates"
    style = (folder / "style.css").read_text(encoding="utf-8")
    roots = re.findall(r"^(.*):root \{ color-scheme: (\w+)", style, re.MULTILINE)

    assert roots == [("", "light"), ("@media screen and (prefers-color-scheme: dark) { ", "dark")]
    assert "break-inside: avoid" in style
    assert "size: A4" in style


def test_a_drawing_in_a_page_has_the_pages_ink_and_no_paper_and_is_the_same_every_time() -> None:
    panels = [Panel([Line("nerve", [(0.1, 0.4), (0.8, 0.7)], "#0072B2")], "across", "up", unit=True)]
    svg = draw_svg(panels)

    assert svg.startswith("<svg") and "currentColor" in svg
    assert "#ffffff" not in svg and "white" not in svg
    assert "xmlns" not in svg and "://" not in svg
    assert svg == draw_svg(panels)


def drawn_of(color: str, panel: Panel) -> int:
    """Pixels of a colour in a drawing."""
    pixels = np.asarray(Image.open(io.BytesIO(draw_png([panel]))))[..., :3]
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels.astype(int) - wanted).sum(-1) < 30).sum())


RED = "#d00000"


@pytest.mark.parametrize(
    "panel",
    [
        Panel([Line("", [(30, 1.3)], RED)], "step", "loss", counts=True),
        Panel([Line("", [(30, 0.4)], RED)], "step", "Dice", counts=True, share=True),
        Panel([Line("", [(30, 0.0)], RED)], "step", "Dice", counts=True, share=True),
        Panel([Line("", [(30, 1.0)], RED)], "step", "Dice", counts=True, share=True),
        Panel([Line("", [(1.0, 1.0)], RED)], "probability", "share", unit=True),
    ],
    ids=["loss", "Dice", "at the bottom", "at the top", "in the corner"],
)
def test_a_single_point_can_be_seen(panel: Panel) -> None:
    assert drawn_of(RED, panel) > 20


def test_steps_are_whole_numbers_from_0() -> None:
    from dmr.annotate.render import plot as figure

    for steps in ([2], [1, 2, 3], [30], [40, 80, 12_000]):
        panel = Panel([Line("", [(s, 1.3) for s in steps])], "step", "loss", counts=True)
        (axes,) = figure.figure_of([panel], ink="black", faint="grey", paper="white").axes
        low, high = axes.get_xlim()
        ticks = [t for t in axes.get_xticks() if low <= t <= high]
        assert low == 0 and steps[-1] < high < 1.2 * steps[-1]
        assert len(ticks) > 1
        assert all(t == round(t) for t in ticks)
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 1.3


def test_a_panel_without_any_point_says_so() -> None:
    from dmr.annotate.render import plot as figure

    panel = Panel([Line("mean", [])], "step", "Dice", share=True, counts=True, empty="no validation patients")
    (axes,) = figure.figure_of([panel], ink="black", faint="grey", paper="white").axes
    assert [t.get_text() for t in axes.texts] == ["no validation patients"]
