"""The worklist of `dmr open` is laid out whatever became of the ranking."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_round import FRAMES

from dmr.annotate.editing.worklist import FOLDER, lay_out
from dmr.annotate.workspace import Session


def laid_out(s: Session) -> list[str]:
    """The frames of the worklist, in their order."""
    assert lay_out(s, top=FRAMES) == FRAMES
    return [path.stem.partition("_")[2] for path in sorted((s.workspace.root / FOLDER).glob("*.png"))]


def test_the_frames_of_a_damaged_ranking_come_first_and_unknown_ones_are_passed_over(s: Session) -> None:
    last = sorted(frame.frame_id for frame in s.catalogue.frames())[-1]
    table = s.workspace.reports_folder / "ranking.csv"
    rows = [b"rank,frame,score", b"1,unknown,0.5", b"\x00\xff\xfe,,,", b"2," + b"f" * 200_000, f"3,{last}".encode()]
    table.write_bytes(b"\n".join(rows))
    assert laid_out(s)[0] == last
    assert s.report.failures == []
    assert sum(map(len, s.report.oddities.values())) == 2


@pytest.mark.parametrize("content", [b"", b"\x00" * 1000, bytes(range(256)) * 50], ids=["empty", "zeros", "binary"])
def test_a_table_that_is_none_leaves_the_order_open(content: bytes, s: Session) -> None:
    (s.workspace.reports_folder / "ranking.csv").write_bytes(content)
    assert sorted(laid_out(s)) == sorted(frame.frame_id for frame in s.catalogue.frames())
    assert s.report.failures == []


def test_a_table_that_cannot_be_opened_is_told_in_one_line(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    table = s.workspace.reports_folder / "ranking.csv"
    table.write_text("rank,frame\n", encoding="utf-8")
    read = Path.read_text

    def refused(path: Path, *arguments: str | None, **options: str | None) -> str:
        if path == table:
            raise PermissionError(13, "Permission denied")
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    assert len(laid_out(s)) == FRAMES
    (line,) = s.report.failures
    assert "reports/ranking.csv: cannot be read (Permission denied)" in line
