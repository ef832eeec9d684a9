"""What `dmr ingest`, `dmr open` and `dmr status` say: what is true, in the first run as in the second."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from dicom_files import speckle, write_dicom
from video_files import write_video

from dmr.annotate.editing.worklist import lay_out
from dmr.annotate.errors import WorkspaceError
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace
from dmr.cli import main

FILLED = np.random.default_rng(0).integers(40, 200, (120, 160), np.uint8)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    monkeypatch.chdir(made.root)
    return made


def dmr(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


def test_dropped_frames_are_not_called_labelled(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "1_a.png").write_bytes(encode_png(FILLED))
    dmr("ingest", tmp_path / "1_a.png")
    dmr("quarantine", "drop", "--all")
    assert "no frame is left to draw on" in dmr("status")
    with (
        workspace.session(write=True) as s,
        pytest.raises(WorkspaceError, match="none of the 1 frame is left to draw on: 1 dropped from quarantine"),
    ):
        lay_out(s, top=5)
    assert "Nothing new" in dmr("ingest", tmp_path / "1_a.png", "--all"), "--all does not bring it back"


def test_frames_that_may_be_chosen_now_are_something_new(workspace: Workspace, tmp_path: Path) -> None:
    cine = write_dicom(tmp_path / "a.dcm", np.repeat(speckle(1), 4, axis=0))
    dmr("ingest", cine)
    told = dmr("ingest", cine, "--all")
    assert "3 frames that may be chosen now" in told and "Nothing new" not in told
    told = dmr("ingest", cine, "--all")
    assert "may be chosen now" not in told and "Nothing new" in told


def test_a_picture_that_is_there_twice_is_counted_once_also_in_the_first_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    cine = write_dicom(tmp_path / "scans" / "a.dcm", speckle(70))
    shutil.copy(cine, tmp_path / "scans" / "b.dcm")
    told = dmr("ingest", tmp_path / "scans")
    assert "70 frames added, 0 frames already there, 70 frames that came twice, taken once" in told
    assert "0 frames added, 70 frames already there, 70 frames that came twice" in dmr("ingest", tmp_path / "scans")


def test_an_outline_on_a_video_without_a_frame_s_number_says_what_to_add(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_video(folder / "cine.mp4", speckle(3))
    label = next(iter(workspace.settings.classes.active)).name
    shape = {"label": label, "points": [[5, 5], [30, 5], [30, 30]], "shape_type": "polygon", "group_id": None}
    content = {"version": "5.4.1", "shapes": [shape], "imagePath": "cine.mp4", "imageHeight": 48, "imageWidth": 64}
    (folder / "drawn.json").write_text(json.dumps(content), encoding="utf-8")
    told = dmr("import", folder, "--yes", code=1)
    (line,) = [line for line in told.splitlines() if "cine.mp4" in line]
    assert "drawn.json: its image cine.mp4 is a clip" in line and 'Add "frame_index": 0' in line


def test_an_empty_folder_and_an_empty_archive_are_named(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    write_dicom(tmp_path / "scans" / "a.dcm", speckle(1))
    (tmp_path / "nothing").mkdir()
    with zipfile.ZipFile(tmp_path / "scans" / "void.zip", "w"):
        pass
    told = dmr("ingest", tmp_path / "scans", tmp_path / "nothing")
    assert "holds no file" in told and "void.zip" in told and "nothing" in told
