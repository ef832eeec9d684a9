"""What physicians draw with other tools than the polygon, with a real Label Studio: it comes back to the pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter.brush import encode_rle
from scans import write_scans
from studio_loop import PUSH, Loop, dmr, own_copy, running_studio

from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.phantom.scanner import SIDE
from dmr.annotate.studio.pulling.marks import TOLD

pytestmark = pytest.mark.studio
PSOAS, BONE, PLEXUS = "psoas_major", "transverse_process", "lumbar_plexus"
TOOLS = {"rectangle": "RectangleLabels", "brush": "BrushLabels", "point": "KeyPointLabels"}
ELLIPSE = {"x": 40.0, "y": 45.0, "radiusX": 20.0, "radiusY": 9.0, "rotation": 35.0}
RECTANGLE = {"x": 10.0, "y": 20.0, "width": 20.0, "height": 10.0, "rotation": 20.0}


@pytest.fixture(scope="module")
def without_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with frames and no model, and a running server."""
    folder = tmp_path_factory.mktemp("regions")
    with running_studio(folder, port=18080) as patch:
        write_scans(folder / "scans", patients=range(2), labelled=False)
        dmr("init", str(folder / "ws"))
        patch.chdir(folder / "ws")
        dmr("ingest", str(folder / "scans"))
        yield folder / "ws"


@pytest.fixture
def loop(without_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """The frames are in Label Studio, in a project of this test's own."""
    loop = own_copy(without_model, tmp_path / "ws")
    monkeypatch.chdir(loop.workspace.root)
    dmr(*PUSH, "--pixels-reviewed")
    return loop


def drawn(control: str, kind: str, label: str, **value: Any) -> dict[str, Any]:
    return {
        "id": f"{control} {label}",
        "type": kind,
        "from_name": control,
        "to_name": "image",
        "original_width": SIDE,
        "original_height": SIDE,
        "image_rotation": 0,
        "value": {kind: [label]} | value,
    }


def test_ellipses_rectangles_and_brush_strokes_come_back_to_the_pixel_and_a_point_blocks_nothing(loop: Loop) -> None:
    painted = np.zeros((SIDE, SIDE), np.bool_)
    painted[100:140, 200:260] = True
    painted[110:120, 210:220] = False
    encode: Any = encode_rle
    rle = [int(byte) for byte in encode(np.repeat((painted * np.uint8(255)).ravel(), 4))]
    with loop.physician() as physician:
        project = f"/api/projects/{physician.project}/"
        config = physician.ask("GET", project)["label_config"]
        assert '<EllipseLabels name="ellipse" toName="image"' in config
        labels = "".join(f'<Label value="{label}"/>' for label in (PSOAS, BONE, PLEXUS))
        more = "".join(f'<{tag} name="{name}" toName="image">{labels}</{tag}>' for name, tag in TOOLS.items())
        physician.ask("PATCH", project, json={"label_config": config.removesuffix("</View>") + more + "</View>"})
        task = physician.tasks()[0]
        regions = [
            drawn("ellipse", "ellipselabels", PSOAS, **ELLIPSE),
            drawn("rectangle", "rectanglelabels", BONE, **RECTANGLE),
            drawn("brush", "brushlabels", BONE, format="rle", rle=rle),
            drawn("point", "keypointlabels", PLEXUS, x=50, y=50, width=1),
        ]
        physician.submit(task, regions)
        told = dmr("pull").output
        assert "1 outline drawn as an ellipse, 1 outline drawn as a rectangle, 1 outline painted with the brush" in told
        assert TOLD in told
    with loop.catalogue() as catalogue:
        annotation = catalogue.newest_revisions()[task["data"]["frame_id"]].record.annotation
        classes = loop.workspace.settings.classes
    ids = [classes.class_id(label) for label in (PSOAS, BONE, PLEXUS)]
    assert ids[2] not in annotation.covered
    assert {ids[0], ids[1]} <= annotation.covered
    found = [
        polygons_to_mask([s for s in annotation.shapes if s.class_id == i], height=SIDE, width=SIDE) for i in ids[:2]
    ]
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    across, down = turned(x - 0.4 * SIDE, y - 0.45 * SIDE, 35)
    ellipse = np.hypot(across / (0.2 * SIDE), down / (0.09 * SIDE)) <= 1
    assert np.count_nonzero(found[0] != ellipse) <= 0.005 * np.count_nonzero(ellipse)
    across, down = turned(x - 0.1 * SIDE, y - 0.2 * SIDE, 20)
    rectangle = (across >= 0) & (across <= 0.2 * SIDE) & (down >= 0) & (down <= 0.1 * SIDE)
    assert (found[1] == (rectangle | painted)).all()


def turned(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], degrees: float) -> tuple[Any, Any]:
    """Places as they are seen along the axes of something that is turned."""
    turn = math.radians(degrees)
    return x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)


def test_a_project_without_the_tool_for_ellipses_gets_it_once(loop: Loop) -> None:
    with loop.physician() as physician:
        project = f"/api/projects/{physician.project}/"
        whole = physician.ask("GET", project)["label_config"]
        start, end = whole.index("<EllipseLabels"), whole.index("</EllipseLabels>") + len("</EllipseLabels>")
        bare = whole[:start] + whole[end:]
        physician.ask("PATCH", project, json={"label_config": bare})
        dmr(*PUSH)
        assert physician.ask("GET", project)["label_config"] == bare, "somebody took it out"
        with loop.workspace.session(write=True) as s:
            queue = s.catalogue.queue("main")
            assert queue is not None
            s.catalogue.note_ellipses(queue.id, 0)  # as if an older dmr had made it
        assert "New in the project: a tool for ellipses." in dmr(*PUSH).output
        made = physician.ask("GET", project)["label_config"]
        assert made.count("<EllipseLabels") == 1
        assert made.count(f'value="{PSOAS}"') == 2
