"""A physician saves while `annotations/` is written: nothing that was saved is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scans import write_scans

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.classes import ClassDef
from dmr.annotate.editing import rewriting
from dmr.annotate.editing.checkout import Sheet, labelled_sheets, write_checkout
from dmr.annotate.editing.edits import frame_of, sync_checkout, take_up_edits
from dmr.annotate.editing.rewriting import NewFile, hash_of, remove_unless_changed, rewrite
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.shapes import Annotation
from dmr.annotate.system import exchange as exchange_module
from dmr.annotate.system.exchange import exchange, place_new
from dmr.annotate.workspace import Session, Workspace

SAVES = 200


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve")])
    return made


@pytest.fixture
def catalogue(workspace: Workspace, tmp_path: Path) -> Iterator[Catalogue]:
    """Six frames, each with an empty sheet."""
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    with workspace.catalogue() as opened:
        ids = ingest_scans(Session(workspace, opened, Report("test")), [tmp_path / "scans"])
        sheets = (Sheet(f, Annotation(f.height, f.width, (), frozenset())) for f in opened.frames(ids))
        write_checkout(workspace, sheets)
        yield opened


def files(workspace: Workspace) -> list[Path]:
    return sorted(workspace.annotations_folder.glob("*.json"))


def draw(path: Path, number: int, *, atomic: bool) -> None:
    """Save a file with one outline, whose first point tells the number."""
    content = json.loads(path.read_text(encoding="utf-8"))
    points = [[float(number), 1.0], [number + 30.0, 5.0], [number + 5.0, 40.0]]
    content["shapes"] = [{"label": "nerve", "points": points, "shape_type": "polygon", "flags": {}, "group_id": None}]
    text = json.dumps(content, indent=2)
    if atomic:
        aside = path.with_suffix(".aside")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    else:
        path.write_text(text, encoding="utf-8")


def drawn(catalogue: Catalogue, frame: str) -> list[int]:
    """The numbers of all revisions of a frame."""
    return [int(r.record.annotation.shapes[0].points[0][0]) for r in catalogue.history(frame)]


@pytest.mark.parametrize("atomic", [False, True], ids=["in place", "renamed"])
def test_no_save_of_200_is_lost_while_imports_run(atomic: bool, workspace: Workspace, catalogue: Catalogue) -> None:
    paths = files(workspace)
    saved: dict[str, list[int]] = {frame_of(path): [] for path in paths}
    known: dict[str, set[int]] = {frame: set() for frame in saved}

    def physician() -> None:
        for number in range(SAVES):
            path = paths[number % len(paths)]
            frame = frame_of(path)
            # The last save of this frame is in the catalogue first: the next one may replace it.
            while saved[frame] and saved[frame][-1] not in known[frame]:
                time.sleep(0.0005)
            draw(path, number, atomic=atomic)
            saved[frame].append(number)

    thread = threading.Thread(target=physician)
    thread.start()
    until = time.monotonic() + 120
    report = Report("test")
    while thread.is_alive() and time.monotonic() < until:
        sync_checkout(Session(workspace, catalogue, report))
        for frame in known:
            known[frame] |= set(drawn(catalogue, frame))
    thread.join(timeout=1)
    sync_checkout(Session(workspace, catalogue, report))

    assert sum(map(len, saved.values())) == SAVES
    assert {frame: drawn(catalogue, frame) for frame in saved} == saved
    assert report.failures == []


def test_a_save_between_take_up_and_rewriting_stays_and_is_taken_up_next(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    path, *_ = files(workspace)
    session = Session(workspace, catalogue, Report("test"))
    draw(path, 1, atomic=False)
    taken = take_up_edits(session, workspace.annotations_folder)

    def sheets() -> Iterator[Sheet]:
        yield from labelled_sheets(catalogue)
        draw(path, 2, atomic=False)  # when its new file is written aside, and not yet renamed

    write_checkout(workspace, sheets(), taken={t.path: t.sha256 for t in taken}, report=session.report)
    assert session.report.oddities == {rewriting.SAVED_MEANWHILE: [path.name]}
    sync_checkout(session)

    assert drawn(catalogue, frame_of(path)) == [1, 2]
    assert [p.name for p in workspace.annotations_folder.iterdir() if p.suffix != ".json"] == []


def test_saves_in_the_instant_of_the_exchange_are_both_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"seen")
    saves: Any = iter([b"first save", b"second save"])

    def saved_before(new: Path, place: Path) -> None:
        place.write_bytes(next(saves))
        exchange(new, place)

    monkeypatch.setattr(rewriting, "exchange", saved_before)
    report = Report("test")
    written = rewrite([NewFile(path, b"ours", seen=hash_of(path))], report=report)

    assert written == 0
    assert path.read_bytes() == b"first save"
    assert (tmp_path / "a.json.kept").read_bytes() == b"second save"
    assert "a.json.kept" in str(report.oddities)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_appeared_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    def files() -> Iterator[NewFile]:
        yield NewFile(path, b"ours", seen=None)
        path.write_bytes(b"theirs")

    assert rewrite(files()) == 0
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_file_is_taken_away_only_as_it_was_seen(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept.json", tmp_path / "gone.json"
    for path in (kept, gone):
        path.write_bytes(b"seen")
    seen = {path: str(hash_of(path)) for path in (kept, gone)}
    kept.write_bytes(b"saved")
    report = Report("test")

    assert not remove_unless_changed(seen, report=report)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.json"]
    assert report.oddities == {rewriting.SAVED_MEANWHILE: ["kept.json"]}


@pytest.mark.parametrize("able", [True, False], ids=["by the system", "step by step"])
def test_two_files_change_places(able: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not able:
        monkeypatch.setattr(exchange_module, "_exchanged", lambda first, second: False)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    exchange(one, two)

    assert (one.read_bytes(), two.read_bytes()) == (b"2", b"1")
    assert not place_new(one, two)
    assert place_new(one, tmp_path / "three")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["three", "two"]
    with pytest.raises(FileNotFoundError):
        exchange(two, tmp_path / "gone")
