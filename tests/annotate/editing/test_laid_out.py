"""What `dmr open` lays out shows the same as Label Studio: order, reason, and inner structures that can be picked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from studio_round import PLEXUS, PSOAS, box

from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord, RevisionRecord
from dmr.annotate.editing.reason import REASON_KEY, reason_boxes
from dmr.annotate.editing.worklist import FOLDER, finish_worklist, lay_out
from dmr.annotate.formats.ranking_table import RankingRow, write_table
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Session

REASON = "the border of the lumbar plexus is uncertain; about 40 s"
BOXES = ["why: the border of the", "… lumbar plexus is", "… uncertain", "why: about 40 s"]
SHAPES = (Shape(PLEXUS, box(20.0, 16.0, 6.0)), Shape(PSOAS, box(8.0, 8.0, 30.0)))  # drawn from the inside out

# Opens a worklist in Labelme itself, tells what it shows on the first frame, ticks a box and saves.
LABELME = """
import json, sys
from PyQt5 import QtCore, QtWidgets
from labelme.app import MainWindow

app = QtWidgets.QApplication(sys.argv)
window = MainWindow(config_overrides={"flags": ["reviewed"], "auto_save": False}, file_or_dir=sys.argv[1])
app.processEvents()
canvas, flags, files = window._canvas_widgets.canvas, window._docks.flag_list, window._docks.file_list
picked = canvas._find_shape_at_point(QtCore.QPointF(23.0, 19.0))
items = [flags.item(i) for i in range(flags.count())]
said = {"picked": picked.label, "boxes": [item.text() for item in items], "title": window.windowTitle()}
said["files"] = [files.item(i).text() for i in range(files.count())]
for item in items:
    if item.text() in sys.argv[3:]:
        item.setCheckState(QtCore.Qt.Checked)
window.save_labels(sys.argv[2])
print(json.dumps(said))
"""


def frames(s: Session) -> list[FrameRecord]:
    return sorted(s.catalogue.frames(), key=lambda frame: frame.path)


def rank(s: Session, *order: FrameRecord, again: str = "") -> None:
    write_table(
        s.workspace.reports_folder / "ranking.csv",
        [
            RankingRow(
                rank=k, frame=f.frame_id, score=0.5, reason=REASON, clip="c", position=1, guessed_dice=None, again=again
            )
            for k, f in enumerate(order, 1)
        ],
    )


def draft(s: Session) -> None:
    s.catalogue.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=(PSOAS, PLEXUS)))
    s.catalogue.activate("v1", reason="a test")
    s.catalogue.add_predictions(
        PredictionRecord(frame=f.frame_id, rendition=f.pixel_sha256, model="v1", shapes=SHAPES, scores={})
        for f in frames(s)
    )


def outline(s: Session, frame: FrameRecord) -> str:
    annotation = Annotation(frame.height, frame.width, SHAPES, frozenset({PSOAS, PLEXUS}))
    made = RevisionRecord(
        frame=frame.frame_id, rendition=frame.pixel_sha256, author="ann", origin="studio", annotation=annotation
    )
    return s.catalogue.append_revision(made).sha256


def sheet_of(s: Session, frame: FrameRecord) -> Path:
    (path,) = (s.workspace.root / FOLDER).glob(f"*_{frame.frame_id}.json")
    return path


def change(path: Path, **more: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | more), encoding="utf-8")


def test_labelme_itself_shows_the_order_and_the_reason_and_picks_the_inner_structure(s: Session) -> None:
    pytest.importorskip("labelme")
    draft(s)
    last, first = frames(s)[:2]
    rank(s, first, last)
    lay_out(s, top=2)
    path = sheet_of(s, first)
    command = [sys.executable, "-W", "ignore", "-c", LABELME, str(path.parent), str(path), *BOXES[:1]]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(s.workspace.root.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])

    assert said["picked"] == "lumbar_plexus"
    assert said["boxes"] == ["reviewed", *BOXES]
    assert [Path(name).stem[:25] for name in said["files"]] == [
        f"0001_{first.frame_id}"[:25],
        f"0002_{last.frame_id}"[:25],
    ]
    assert "0001_" in said["title"]
    assert json.loads(path.read_text(encoding="utf-8"))["flags"][BOXES[0]] is True, "the slip was saved"
    finish_worklist(s, author="bob")
    assert s.report.counts["edits taken up"] == 0, "a tick on a reason is no edit"
    assert not (s.workspace.root / FOLDER).exists()


def test_a_reason_never_becomes_words_of_a_revision(s: Session) -> None:
    draft(s)
    frame = frames(s)[0]
    rank(s, frame)
    lay_out(s, top=1)
    path = sheet_of(s, frame)
    flags = json.loads(path.read_text(encoding="utf-8"))["flags"]
    change(path, flags=flags | {"reviewed": True, BOXES[0]: True, "poor image": True})
    finish_worklist(s, author="bob")
    head = s.catalogue.head(frame.frame_id, "bob")
    assert head is not None
    assert head.record.words is not None

    assert "poor image" in head.record.words
    assert "the border" not in head.record.words
    content = json.loads((s.workspace.annotations_folder / f"{frame.frame_id}.json").read_text(encoding="utf-8"))
    assert content["flags"] == {"poor image": True, "reviewed": False}
    assert REASON_KEY not in content


def test_the_order_of_a_sheet_changes_no_revision(s: Session) -> None:
    """Drawn from the inside out, shown from the outside in, read back as it was drawn."""
    frame = frames(s)[0]
    revision = outline(s, frame)
    rank(s, frame, again=revision)
    lay_out(s, top=1)
    path = sheet_of(s, frame)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [shape["label"] for shape in content["shapes"]] == ["psoas_major", "lumbar_plexus"]
    change(path, flags=content["flags"] | {"reviewed": True})
    finish_worklist(s, author="ann")
    head = s.catalogue.head(frame.frame_id, "ann")
    assert head is not None

    assert head.record.annotation.shapes == SHAPES
    assert head.record.parent == revision


def test_a_reason_is_told_in_short_lines_once_each() -> None:
    assert reason_boxes(REASON) == BOXES
    assert reason_boxes("a; a;; ") == ["why: a"]
    assert reason_boxes("") == []
