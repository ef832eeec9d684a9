"""`ranking.csv`: written for people and programs, read again whatever a spreadsheet made of it."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.formats.ranking_table import RankingRow, ranked_frames, write_table
from dmr.annotate.report import Report

ROW = RankingRow(
    rank=1,
    frame="f1",
    score=0.5,
    reason='unsure of "nerve", muscle',
    clip="c1",
    position=3,
    guessed_dice=0.8,
    seconds=41.6,
    scores={"nerve": 0.42, "muscle": 0.1},
)
COLD = RankingRow(rank=2, frame="f2", score=None, reason="typical", clip="c1", position=1, guessed_dice=None)


def again(path: Path) -> dict[str, str]:
    return {frame: own.again for frame, own in ranked_frames(path).items()}


def test_the_table_is_as_the_guide_says(tmp_path: Path) -> None:
    write_table(tmp_path / "r.csv", [ROW, replace(COLD, again="ab12")])

    assert (tmp_path / "r.csv").read_bytes().decode("utf-8") == (
        "rank,frame,score,reason,clip,position,guessed_dice,seconds,again,score_nerve,score_muscle\n"
        '1,f1,0.5000,"unsure of ""nerve"", muscle",c1,3,0.8000,42,,0.4200,0.1000\n'
        "2,f2,,typical,c1,1,,,ab12,,\n"
    )
    assert again(tmp_path / "r.csv") == {"f1": "", "f2": "ab12"}


@given(reason=st.text())
def test_any_reason_comes_back_on_one_line(reason: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("ranking") / "r.csv"
    row = RankingRow(
        rank=1, frame="f1", score=None, reason=reason.replace("\0", ""), clip="c", position=1, guessed_dice=None
    )
    write_table(path, [row, COLD])
    with path.open(encoding="utf-8", newline="") as lines:
        first, _ = csv.DictReader(lines)
    assert first["reason"] == " ".join(row.reason.split())
    assert again(path) == {"f1": "", "f2": ""}
    assert ranked_frames(path)["f1"].reason == first["reason"]


@pytest.mark.parametrize(
    ("content", "frames"),
    [
        pytest.param('rank,frame,score,reason\n1,f1,0.5,"a ""b"", c"\n2,f2,,"d"\n', ["f1", "f2"], id="of an older dmr"),
        pytest.param("\ufeffrank;frame;score;reason\r\n1;f1;0,5;a, b, c\r\n", ["f1"], id="saved by a German Excel"),
        pytest.param("rank\tframe\treason\n1\tf1\ta\n", ["f1"], id="tabs"),
        pytest.param("", [], id="empty"),
        pytest.param("something,else\n1,2\n", [], id="another table"),
        pytest.param("rank,frame\n1\n2,f2\n", ["f2"], id="a line cut short"),
        pytest.param("rank,frame\n1,f1,0.5,more,and more\n2,f2\n", ["f1", "f2"], id="a line with more columns"),
        pytest.param("frame,frame,rank\nf1,f2,1\n", ["f2"], id="a column twice"),
        pytest.param("rank,frame\n1,\0f1\0\n2,f2\n", ["\0f1\0", "f2"], id="NUL"),
        pytest.param(f"rank,frame\n1,{'f' * 200_000}\n2,f2\n", ["f2"], id="a field of 200 kB"),
        pytest.param(f"rank,{'f' * 200_000}\n1,f1\n2,f2\n", [], id="a header of 200 kB"),
        pytest.param('rank,frame\n1,"f1\n2,f2\n', ["f1\n2,f2\n"], id="a quotation mark that is not closed"),
        pytest.param("\n\n\n", [], id="blank lines"),
    ],
)
def test_other_tables_are_read_as_far_as_they_go(content: str, frames: list[str], tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(content, encoding="utf-8", newline="")
    assert list(ranked_frames(tmp_path / "r.csv")) == frames


def test_without_a_table_there_is_no_ranking(tmp_path: Path) -> None:
    assert ranked_frames(tmp_path / "r.csv") == {}


@given(content=st.binary(max_size=200), header=st.sampled_from([b"", b"rank,frame\n", b"\xff\xfe", b"frame;rank\r\n"]))
def test_whatever_stands_in_the_table_it_is_read_as_far_as_it_goes(
    content: bytes, header: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.csv"
    path.write_bytes(header + content)
    report = Report("open")
    assert all(isinstance(frame, str) and frame for frame in ranked_frames(path, report=report))
    assert report.failures == []


def test_lines_that_are_passed_over_are_told_by_their_number(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(f"rank,frame\n1,{'f' * 200_000}\n2,\n3,f3\n", encoding="utf-8")
    report = Report("open")
    assert ranked_frames(tmp_path / "r.csv", report=report).keys() == {"f3"}
    ((told, where),) = report.oddities.items()
    assert told == "a line of the ranking cannot be read (passed over)"
    assert list(where) == ["r.csv, line 2: a field is too long", "r.csv, line 3: no frame"]


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"rank,picture\n1,a\n", b"\xff\xfe" * 50])
def test_a_table_without_its_frames_is_told_once(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    report = Report("open")
    assert ranked_frames(tmp_path / "r.csv", report=report) == {}
    assert report.oddities == {"the ranking has no column 'frame': frames come in no special order": ["r.csv"]}
