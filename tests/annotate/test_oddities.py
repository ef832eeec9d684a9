"""Reports add up: a line a kind, with its count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import BrokenInput
from dmr.annotate.oddities import failure_lines, kinds
from dmr.annotate.report import Report


def told(*oddities: str) -> list[str]:
    report = Report("check")
    for number, oddity in enumerate(oddities):
        report.note(oddity, f"{number}.json")
    return report.lines()


def test_oddities_that_differ_by_numbers_are_one_line_with_the_values_of_the_first_five() -> None:
    lines = told(*(f"shape {n} 'nerve' has 2 points, a polygon takes at least 3: left out" for n in range(1, 201)))
    assert lines == [
        "note: shape … 'nerve' has 2 points, a polygon takes at least 3: left out: 200 "
        "(0.json: 1, 9.json: 10, 99.json: 100, 100.json: 101, 101.json: 102 and 195 more)"
    ]


def test_a_few_labels_have_a_line_each_and_many_have_one() -> None:
    assert told("label 'a' is no class", "label 'b' is no class", "label 'a' is no class") == [
        "note: label 'a' is no class: 2 (0.json, 2.json)",
        "note: label 'b' is no class: 1 (1.json)",
    ]
    (line,) = told(*(f"label 'x{n}y' is no class" for n in range(50)))
    assert line.startswith("note: label … is no class: 50 (0.json: 'x0y', ")
    (line,) = told(*(f"label {name!r} is no class" for name in ("a", "b", "c", "d")))
    assert line == "note: label … is no class: 4 (0.json: 'a', 1.json: 'b', 2.json: 'c', 3.json: 'd')"


def test_json_has_each_text_and_the_kinds() -> None:
    report = Report("check")
    report.note("mask value 7 is no class", "a.png")
    report.note("mask value 9 is no class", "b.png")
    said = report.as_dict()
    assert said["oddities"] == {"mask value 7 is no class": ["a.png"], "mask value 9 is no class": ["b.png"]}
    assert said["oddity_kinds"] == {"mask value … is no class": 2}


@given(
    st.dictionaries(st.text(alphabet="ab'\"\\ 019.-…", max_size=12), st.lists(st.text("xy"), min_size=1, max_size=3))
)
def test_no_place_is_lost_whatever_the_texts_hold(oddities: dict[str, list[str]]) -> None:
    found = kinds(oddities)
    assert sum(len(kind.places) for kind in found) == sum(map(len, oddities.values()))


def test_few_failures_have_a_line_each_and_many_of_a_kind_one_line_in_the_place_of_the_first() -> None:
    few = [f"{n}.png: has {n} x 12 pixels. Use another." for n in range(5)]
    assert failure_lines(few) == few

    many = [f"{n}.json: muscle was left out. Mend it." for n in range(200)]
    broken = ["a.png: is broken. Copy it anew.", "z.png: is broken. Copy it anew."]
    assert failure_lines([broken[0], *many, broken[1]]) == [
        broken[0],
        "muscle was left out. Mend it: 200 (0.json, 1.json, 2.json, 3.json, 4.json and 195 more)",
        broken[1],
    ]


def test_failures_of_a_kind_name_the_values_in_which_they_differ() -> None:
    (line,) = failure_lines([f"{n}.png: has {n} x 12 pixels. Use another." for n in range(9)])
    assert line == ("has … x 12 pixels. Use another: 9 (0.png: 0, 1.png: 1, 2.png: 2, 3.png: 3, 4.png: 4 and 4 more)")


def test_a_line_break_in_a_name_makes_no_line() -> None:
    report = Report("import")
    report.note("an outline of 4 numbers", "a\nError: b.json")
    report.fail(BrokenInput("a\r\nb.json", "is broken", "Copy it anew"))

    assert report.lines() == [
        "note: an outline of 4 numbers: 1 (a\\nError: b.json)",
        "Error: a\\r\\nb.json: is broken. Copy it anew.",
        "import: 1 failed",
    ]
