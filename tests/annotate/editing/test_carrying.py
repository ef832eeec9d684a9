"""What is typed in a sheet and is no edit stays there when the sheet is written anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.classes import ClassDef
from dmr.annotate.editing.edits import frame_of, sync_checkout
from dmr.annotate.intake.job import import_outlines
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace

RING = [[10, 10], [50, 10], [50, 50]]
OTHER = [[60, 10], [90, 10], [90, 50]]
IGNORED = {"label": "ruler", "points": [[5, 70], [30, 70], [30, 90]]}
MARK = "TYPED"
EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a box of the image": lambda c: c["flags"].update({MARK: False}),
    "a box of a shape": lambda c: c["shapes"][0]["flags"].update({MARK: False}),
    "a box that is null": lambda c: c["shapes"][0]["flags"].update({MARK: None}),
    "a box of the image that is null": lambda c: c["flags"].update({MARK: None}),
    "a key that is 0": lambda c: c.update({MARK: 0}),
    "a key that is false": lambda c: c.update({MARK: False}),
    "a key that is null": lambda c: c.update({MARK: None}),
    "a key of a shape that is 0": lambda c: c["shapes"][0].update({MARK: 0}),
    "a key of dmr": lambda c: c.update(dmr_seen_by=MARK),
    "the note of dmr": lambda c: c.update(dmr_note=MARK),
    "a key of dmr in a shape": lambda c: c["shapes"][0].update(dmr_note=MARK),
    "synthetic": lambda c: c.update(synthetic=MARK),
    "lineColor": lambda c: c.update(lineColor=MARK),
    "line_color": lambda c: c["shapes"][0].update(line_color=MARK),
    "version": lambda c: c.update(version=MARK),
    "imagePath": lambda c: c.update(imagePath=f"{MARK}.png"),
    "imageData": lambda c: c.update(imageData=MARK),
    "mask": lambda c: c["shapes"][0].update(mask=MARK),
    "a shape with an ignored label": lambda c: c["shapes"].append(IGNORED | {"description": MARK}),
    "a box of a shape with an ignored label": lambda c: c["shapes"].append(IGNORED | {"flags": {MARK: False}}),
    "a shape that is gone": lambda c: c["shapes"][1].update({MARK: 0}),
}

WORDS = {"synthetic", "lineColor", "line_color", "a shape with an ignored label"}
"""These belong to the revision, as a description does, and stay with it in the catalogue."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A frame with outlines for each way to type something."""
    root = tmp_path_factory.mktemp("carrying")
    made, _ = Workspace.create(root / "w", classes=[ClassDef(1, "nerve"), ClassDef(2, "muscle")])
    settings = made.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("ignore = []", 'ignore = ["ruler"]'), encoding="utf-8")
    (root / "o").mkdir()
    random = np.random.default_rng(0)
    for number in range(len(EDITS)):
        (root / "o" / f"{number}_a.png").write_bytes(encode_png(random.integers(0, 255, (100, 100), np.uint8)))
        shapes = [{"label": "nerve", "points": RING}, {"label": "muscle", "points": OTHER}]
        content = {"shapes": shapes, "imagePath": f"{number}_a.png"}
        (root / "o" / f"{number}_a.json").write_text(json.dumps(content), encoding="utf-8")
    opened = Workspace.at(made.root)
    with opened.session(report=Report("import")) as s:
        import_outlines(s, [root / "o"])
        assert s.report.exit_code == 0
    return opened


def synced(workspace: Workspace) -> Report:
    with workspace.session(write=True, report=Report("sync")) as s:
        sync_checkout(s)
        return s.report


def redraw(workspace: Workspace, frame: str, shapes: tuple[Shape, ...]) -> None:
    """A correction of a frame by somebody else, as a pull would bring it."""
    with workspace.session(write=True) as s:
        (record,) = s.catalogue.frames([frame])
        annotation = Annotation(record.height, record.width, shapes, frozenset({1, 2}))
        s.catalogue.append_revision(
            RevisionRecord(
                frame=frame,
                rendition=record.pixel_sha256,
                author="b",
                origin="studio",
                annotation=annotation,
                parent=s.catalogue.newest_revisions()[frame].sha256,
            )
        )


@pytest.mark.parametrize("place", range(len(EDITS)), ids=list(EDITS))
def test_what_was_typed_is_in_the_sheet_after_it_was_written_anew(place: int, workspace: Workspace) -> None:
    what, edit = list(EDITS.items())[place]
    path = sorted(workspace.annotations_folder.glob("*.json"))[place]
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    report = synced(workspace)
    if what not in WORDS:
        nerve = Shape(1, tuple((float(x), float(y)) for x, y in RING))
        redraw(workspace, frame_of(path), (nerve,))
        report = synced(workspace)
    text = path.read_text(encoding="utf-8")

    assert not report.failures
    assert len(json.loads(text)["shapes"]) == (2 if what in WORDS else 1), "the sheet was written anew"
    assert MARK in text
    assert not synced(workspace).counts["edits taken up"]
    assert path.read_text(encoding="utf-8") == text


def test_boxes_and_empty_keys_alone_do_not_make_a_revision(workspace: Workspace) -> None:
    path = min(workspace.annotations_folder.glob("*.json"))
    with workspace.session() as s:
        before = len(s.catalogue.history(frame_of(path)))
    content = json.loads(path.read_text(encoding="utf-8"))
    content["flags"]["later"] = False
    path.write_text(json.dumps(content | {"later": 0}), encoding="utf-8")
    assert not synced(workspace).counts["edits taken up"]
    with workspace.session() as s:
        assert len(s.catalogue.history(frame_of(path))) == before
