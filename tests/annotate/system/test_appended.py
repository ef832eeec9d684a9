"""CSV files to which lines are only added, after crashes, power cuts and failing disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmr.annotate.errors import WorkspaceError
from dmr.annotate.system.appended import add_row, add_text, whole_lines, whole_rows

COLUMNS = ("name", "told", "dice")
FIRST = {"name": "a", "told": '{"nerve": 0.5, "vein": null}', "dice": '{"p1": [[0.5, 1]]}'}
SECOND = {**FIRST, "name": "b"}
THIRD = {**FIRST, "name": "c"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "lines.csv"
    for row in (FIRST, SECOND):
        add_row(path, row, columns=COLUMNS)
    return path


def test_wherever_the_file_is_cut_the_next_line_and_all_whole_ones_are_read(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        ended = whole[:length].count(b"\n")
        before = whole_rows(path)
        add_row(path, THIRD, columns=COLUMNS)

        assert before == [FIRST, SECOND][: max(0, ended - 1)], length
        assert whole_rows(path) == [*before, THIRD], length
        assert len(path.read_bytes().splitlines()) == len(before) + 2, "the rest of the cut line is gone"


@pytest.mark.parametrize("damage", [b"\xff", b"\0", b'"', b","])
def test_a_damaged_line_costs_itself_and_no_other(path: Path, damage: bytes) -> None:
    head, first, second, end = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join((head, damage + first, second, end)))

    assert whole_rows(path) == [SECOND]
    add_row(path, THIRD, columns=COLUMNS)
    assert whole_rows(path) == [SECOND, THIRD]


def test_a_quote_that_an_earlier_version_left_open_hides_no_line_after_it(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'c,"{""nerve"": 0.5, ""ve\n')
    add_row(path, THIRD, columns=COLUMNS)

    assert whole_rows(path) == [FIRST, SECOND, THIRD]


def test_a_file_without_a_whole_line_begins_anew_and_a_damaged_header_is_one_line(path: Path) -> None:
    whole = path.read_bytes()
    assert whole_lines(path.with_name("none.csv")) == []
    path.write_bytes(b"\0" * 40)
    add_row(path, THIRD, columns=COLUMNS)
    assert whole_rows(path) == [THIRD]

    path.write_bytes(b"\xff" + whole)
    for use in (lambda: whole_rows(path), lambda: add_row(path, THIRD, columns=COLUMNS)):
        with pytest.raises(WorkspaceError, match=r"first line is damaged\. Move it away"):
            use()
    assert path.read_bytes() == b"\xff" + whole, "nothing is lost"


def test_the_columns_of_the_file_stay_and_ends_of_windows_are_read(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    add_row(path, {"dice": "1", "name": "c"}, columns=("dice", "name"))
    assert whole_rows(path) == [FIRST, SECOND, {"name": "c", "told": "", "dice": "1"}]
    with pytest.raises(ValueError, match="more"):
        add_row(path, {"more": "1"}, columns=COLUMNS)
    assert len(whole_rows(path)) == 3


def test_a_cell_of_two_lines_is_written_as_one_and_a_long_one_is_read(path: Path) -> None:
    add_row(path, {**FIRST, "told": "one\ntwo", "dice": "1" * 200_000}, columns=COLUMNS)

    assert whole_rows(path)[-1] == {"name": "a", "told": "one two", "dice": "1" * 200_000}


def test_text_is_added_behind_whole_lines(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'c,"{')
    add_text(path, "d,,1\n")

    assert [row["name"] for row in whole_rows(path)] == ["a", "b", "d"]
