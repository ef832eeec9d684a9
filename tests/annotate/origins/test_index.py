"""The private index of source files: whole or not there, its owner's alone, and never a reason to fail."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.origins.index import (
    CANNOT_WRITE,
    IndexBrokenError,
    Seen,
    index_path,
    lasting,
    look_up,
    remember,
    write,
)
from dmr.annotate.report import Report
from dmr.annotate.scans.identity import key_path

KEY = "0123456789abcdef"


def test_what_was_seen_last_is_what_is_known(tmp_path: Path) -> None:
    index = tmp_path / "keys" / "a.sqlite"
    assert look_up(index, ["f1"]) == {}
    write(index, [Seen("f1", tmp_path / "p1.png", 0), Seen("f2", tmp_path / "p2.tif", 7)])
    write(index, [Seen("f1", tmp_path / "moved.png", 0, "2026-01-31T08:00:00.000000Z")])

    found = look_up(index, ["f1", "f2", "f3"])
    assert found["f1"] == Seen("f1", tmp_path / "moved.png", 0, "2026-01-31T08:00:00.000000Z")
    assert (found["f2"].path, found["f2"].index) == (tmp_path / "p2.tif", 7)
    assert found.keys() == {"f1", "f2"}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    index = tmp_path / "a.sqlite"
    before = os.umask(0)
    try:
        write(index, [Seen("f1", tmp_path / "p1.png", 0)])
    finally:
        os.umask(before)
    if sys.platform != "win32":
        assert index.stat().st_mode & 0o777 == 0o600


def test_it_lies_beside_the_keys_also_where_another_key_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMR_KEY_FILE", str(tmp_path / "stick" / "a.key"))
    assert index_path(KEY).parent == key_path(KEY).parent.absolute()


def test_a_path_holds_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    write(tmp_path / "i.sqlite", [Seen("f1", Path("../scans/p1.png"), 0)])
    assert look_up(tmp_path / "i.sqlite", ["f1"])["f1"].path == tmp_path / "scans" / "p1.png"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a symbolic link")
def test_the_folder_above_a_link_is_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "p1.png").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")
    write(tmp_path / "i.sqlite", [Seen("f1", tmp_path / "link" / ".." / "p1.png", 0)])
    assert look_up(tmp_path / "i.sqlite", ["f1"])["f1"].path == tmp_path / "real" / "p1.png"


@given(name=st.text(min_size=1).filter(lambda name: "\0" not in name and "/" not in name and name not in (".", "..")))
def test_any_name_comes_back(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # no file can be called so
    folder = tmp_path_factory.mktemp("names")
    write(folder / "i.sqlite", [Seen("f1", folder / name, 0)])
    assert look_up(folder / "i.sqlite", ["f1"])["f1"].path == lasting(folder / name)


@pytest.mark.skipif(sys.platform == "win32", reason="names are Unicode there")
def test_a_name_that_is_no_text_comes_back(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"p\xff.png")
    write(tmp_path / "i.sqlite", [Seen("f1", path, 0)])
    assert look_up(tmp_path / "i.sqlite", ["f1"])["f1"].path == path


def test_many_frames_are_looked_up_at_once(tmp_path: Path) -> None:
    seen = [Seen(f"f{n}", tmp_path / f"{n}.png", 0) for n in range(3000)]
    write(tmp_path / "i.sqlite", seen)
    assert len(look_up(tmp_path / "i.sqlite", (s.frame for s in seen))) == 3000


def test_two_commands_may_write_at_once(tmp_path: Path) -> None:
    index = tmp_path / "i.sqlite"

    def work(n: int) -> None:
        for i in range(20):
            write(index, [Seen(f"f{n}-{i}", tmp_path / "x", i)])

    writers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert len(look_up(index, [f"f{n}-{i}" for n in range(3) for i in range(20)])) == 60


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "damaged"])
def test_a_damaged_index_is_told_in_one_line_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    index = tmp_path / "i.sqlite"
    index.write_bytes(content)
    for act in (lambda: look_up(index, ["f1"]), lambda: write(index, [Seen("f1", tmp_path, 0)])):
        with pytest.raises(IndexBrokenError, match="may delete the index") as told:
            act()
        assert "\n" not in str(told.value)
    assert index.read_bytes() == content


def test_an_index_of_a_newer_dmr_is_left_alone(tmp_path: Path) -> None:
    index = tmp_path / "i.sqlite"
    write(index, [Seen("f1", tmp_path / "x", 0)])
    with sqlite3.connect(index) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(IndexBrokenError, match="newer dmr"):
        write(index, [Seen("f2", tmp_path / "x", 0)])
    with pytest.raises(IndexBrokenError, match="newer dmr"):
        look_up(index, ["f1"])


def test_an_index_that_cannot_be_written_is_noted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    (tmp_path / "home").write_text("a file where a folder should be", encoding="utf-8")
    report = Report("ingest")
    for n in range(3):
        remember(KEY, [Seen(f"f{n}", tmp_path / "x", 0)], report=report)

    assert len(report.oddities[CANNOT_WRITE]) == 1
    assert report.failures == []
