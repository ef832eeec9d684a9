"""`dmr import` takes COCO data sets of videos: outlines land on the frames of a clip, or on images of a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import speckle, write_dicom
from video_files import write_video

from dmr.annotate.intake.job import import_outlines
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace

GREY = speckle(4)
RINGS = {2: [5, 5, 30, 5, 30, 30], 0: [10, 10, 40, 10, 40, 40, 10, 40]}  # by frame
Write = Callable[[Path], str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w")
    return made


def label(workspace: Workspace) -> str:
    return next(iter(workspace.settings.classes.active)).name


def video_set(file: str, name: str, **changes: Any) -> dict[str, Any]:
    """Two outlined frames of one video; `changes` gives each image more keys."""
    images = [{"id": 7 + k, "video_id": 1, "frame_index": index, **changes} for k, index in enumerate(RINGS)]
    drawn = [
        {"id": k + 1, "image_id": 7 + k, "category_id": 3, "segmentation": [ring], "iscrowd": 0}
        for k, ring in enumerate(RINGS.values())
    ]
    return {
        "videos": [{"id": 1, "name": file, "height": 48, "width": 64}],
        "images": images,
        "annotations": drawn,
        "categories": [{"id": 3, "name": name}],
    }


def imported(workspace: Workspace, folder: Path, content: dict[str, Any]) -> Report:
    (folder / "set.json").write_text(json.dumps(content), encoding="utf-8")
    with workspace.session() as s:
        import_outlines(s, [folder], yes=True)
        return s.report


def on_frames(workspace: Workspace) -> dict[int, tuple[tuple[float, float], ...]]:
    """The outline on each frame, by its place in the clip."""
    with workspace.catalogue() as catalogue:
        return {item.frame.index: item.annotation.shapes[0].points for item in catalogue.labelled_frames()}


def expected() -> dict[int, tuple[tuple[float, float], ...]]:
    return {k: tuple(zip(map(float, r[::2]), map(float, r[1::2]), strict=True)) for k, r in RINGS.items()}


@pytest.mark.parametrize("key", ["frame_index", "frame_id"])
@pytest.mark.parametrize("ending", ["dcm", "mp4"])
@pytest.mark.parametrize("named", [True, False], ids=["images name the video", "videos name it"])
def test_outlines_land_on_the_frames_of_the_clip(
    workspace: Workspace, tmp_path: Path, ending: str, key: str, named: bool
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (write_dicom if ending == "dcm" else write_video)(folder / f"3_1.{ending}", GREY)
    content = video_set(f"3_1.{ending}", label(workspace), **({"file_name": f"3_1.{ending}"} if named else {}))
    for image in content["images"]:
        image[key] = image.pop("frame_index")
    report = imported(workspace, folder, content)
    assert not report.failures and report.counts["revisions added"] == 2
    assert on_frames(workspace) == expected()
    with workspace.catalogue() as catalogue:
        assert len({f.clip_id for f in catalogue.frames()}) == 1
    assert imported(workspace, folder, content).counts["unchanged"] == 2


def test_images_of_a_folder_are_taken_as_they_are(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "clip").mkdir(parents=True)
    content = video_set("clip", label(workspace))
    for image in content["images"]:
        image["file_name"] = f"clip/{image['frame_index']:03}.png"
        (folder / image["file_name"]).write_bytes(encode_png(GREY[image["frame_index"]]))
    report = imported(workspace, folder, content)
    assert not report.failures and report.counts["revisions added"] == 2
    with workspace.catalogue() as catalogue:
        found = {item.annotation.shapes[0].points for item in catalogue.labelled_frames()}
    assert found == set(expected().values())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"frame_index": 99}, "its image 3_1.dcm has no frame 99"),
        ({"frame_index": "x"}, "no whole number from 0"),
        ({"height": 50}, "50"),
        ({"file_name": "gone.png", "video_id": 5}, "is not there"),
    ],
    ids=["no such frame", "no number", "another size", "not there"],
)
def test_what_cannot_be_taken_is_one_line_and_the_rest_is_taken(
    workspace: Workspace, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_dicom(folder / "3_1.dcm", GREY)
    content = video_set("3_1.dcm", label(workspace), height=48, width=64)
    content["images"][1] |= change
    report = imported(workspace, folder, content)
    assert [why in line and "set.json" in line for line in report.failures] == [True]
    assert report.counts["revisions added"] == 1


def test_a_category_that_is_no_class_covers_nothing(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_dicom(folder / "3_1.dcm", GREY)
    content = video_set("3_1.dcm", label(workspace))
    content["categories"].append({"id": 4, "name": "quillfeather"})
    content["annotations"].append({"id": 9, "image_id": 7, "category_id": 4, "segmentation": [[1, 1, 9, 1, 9, 9]]})
    report = imported(workspace, folder, content)
    assert any("'quillfeather' is no class" in note for note in report.oddities)
    with workspace.catalogue() as catalogue:
        covered = {item.frame.index: item.annotation.covered for item in catalogue.labelled_frames()}
    assert covered[2] == frozenset() and covered[0]
    assert np.array_equal(sorted(covered), [0, 2])
