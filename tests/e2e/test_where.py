"""The way back from a frame to its file, and what folders hold that is not read."""

from __future__ import annotations

import base64
import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scans import FIRST, write_scans

from dmr.annotate.origins.index import index_path
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def asked(*arguments: object, code: int = 0) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return loaded


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    run("init", tmp_path / "w", "--coverage", "all")
    monkeypatch.chdir(tmp_path / "w")
    return Workspace.find()


@pytest.fixture
def scans(workspace: Workspace, tmp_path: Path) -> Path:
    """Six frames of one patient, brought in."""
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    run("ingest", tmp_path / "scans")
    return tmp_path / "scans"


def frame_of(path: Path) -> str:
    (found,) = asked("where", path)["where"]
    return str(found["frame"])


def index_file(workspace: Workspace) -> Path:
    with workspace.catalogue() as catalogue:
        return index_path(catalogue.meta("key_id"))


def write_dicom(folder: Path) -> Path:
    for _ in write_phantom(folder, PhantomSet(1, 2, labels=False, format="dicom")):
        pass
    (folder / "README.txt").unlink(missing_ok=True)
    return next(folder.glob("*.dcm"))


def test_a_frame_leads_back_to_its_file_however_it_is_named(workspace: Workspace, scans: Path) -> None:
    frame = frame_of(scans / f"{FIRST}.png")
    for name in (
        frame,
        frame[:9],
        frame.upper(),
        f"frames/{frame}.png",
        f"annotations/{frame}.json",
        f"0001_{frame}.png",
    ):
        (found,) = asked("where", name)["where"]
        assert (found["frame"], found["file"]) == (frame, str(scans / f"{FIRST}.png"))
        assert (found["file_state"], found["file_index"]) == ("same", 0)
        assert (found["position"], found["frames_in_clip"], found["split"]) == (1, 6, None)
        assert Path(found["picture"]).is_file()
    said = run("where", frame).stdout
    assert said.startswith(f"{frame}\n  file           {scans / f'{FIRST}.png'} (unchanged, last seen 2")
    assert "position 1 of 6" in said


def test_nothing_in_the_workspace_names_a_file(workspace: Workspace, scans: Path) -> None:
    run("prelabel", scans)
    run("where", frame_of(scans / f"{FIRST}.png"))
    names = [path.stem.encode() for path in scans.glob("*.png")]

    kept = [p for p in workspace.root.rglob("*") if p.is_file()]
    assert not [p for p in kept for name in names if name in p.read_bytes() or name in str(p).encode()]
    assert any(names[0] in p.read_bytes() for p in [index_file(workspace)]), "and the index does, outside of it"


def test_a_file_that_was_moved_changed_or_deleted_is_told_and_found_again(
    workspace: Workspace, scans: Path, tmp_path: Path
) -> None:
    moved, changed, gone = (frame_of(path) for path in sorted(scans.glob("*.png"))[:3])
    paths = sorted(scans.glob("*.png"))[:3]
    (tmp_path / "archive").mkdir()
    shutil.move(paths[0], tmp_path / "archive" / "renamed.dat")
    paths[1].write_bytes(b"something else")
    paths[2].unlink()

    before = asked("where", moved, changed, gone, code=1)
    assert [one["file_state"] for one in before["where"]] == ["missing", "changed", "missing"]
    assert (
        f"{moved}: its file is no longer there. Search a folder for it: `dmr where {moved} --in FOLDER`"
        in before["failures"][0]
    )
    after = asked("where", moved, changed, gone, "--in", tmp_path / "archive", code=1)
    assert [one["file_state"] for one in after["where"]] == ["same", "changed", "missing"]
    (again,) = asked("where", moved)["where"]
    assert again["file"] == str(tmp_path / "archive" / "renamed.dat"), "it is remembered"


def test_on_another_computer_a_search_makes_the_index_anew(workspace: Workspace, scans: Path) -> None:
    frame = frame_of(scans / f"{FIRST}.png")
    index_file(workspace).unlink()

    told = run("where", frame, code=1)
    assert "not known on this computer" in told.stdout
    assert (
        f"this computer's index does not know its file. Search a folder for it: `dmr where {frame} --in FOLDER`"
        in told.stderr
    )
    assert "6 frames with their file" in run("where", "--in", scans).stderr
    assert asked("where", frame)["where"][0]["file"] == str(scans / f"{FIRST}.png")


def test_without_frames_a_search_counts_what_it_does_not_find(
    workspace: Workspace, scans: Path, tmp_path: Path
) -> None:
    index_file(workspace).unlink()
    (tmp_path / "empty").mkdir()
    result = run("where", "--in", tmp_path / "empty", code=1)
    assert "file not found: 6" in result.stderr
    assert result.stdout == ""


def test_a_file_leads_to_its_frames_and_one_that_did_not_come_in_is_named(workspace: Workspace, scans: Path) -> None:
    copy = scans / "copy_of.png"
    shutil.copy(scans / f"{FIRST}.png", copy)
    (found,) = asked("where", copy)["where"]
    assert found["file"] == str(scans / f"{FIRST}.png"), "the file that came in is still there"
    other = scans / "other.png"
    other.write_bytes(copy.read_bytes() + b"\0")
    told = asked("where", other, code=1)
    assert "is not in this workspace; its frame would be f" in told["failures"][0]


def test_a_labelme_file_leads_to_the_frame_of_its_image_inside_it_or_beside(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    write_scans(folder, patients=range(1), labelled=True)
    first, *others = sorted(folder.glob("*.json"))
    content = json.loads(first.read_text(encoding="utf-8"))
    content["imageData"] = base64.b64encode(first.with_suffix(".png").read_bytes()).decode()
    first.write_text(json.dumps(content), encoding="utf-8")
    first.with_suffix(".png").unlink()
    run("import", folder)

    (inside,) = asked("where", first)["where"]
    (beside,) = asked("where", others[0])["where"]
    assert (inside["file"], inside["file_state"]) == (str(first), "same")
    assert (beside["file"], beside["file_state"]) == (str(others[0].with_suffix(".png")), "same")
    alone = tmp_path / others[0].name
    shutil.copy(others[0], alone)
    told = asked("where", alone, code=1)["failures"]
    assert told == [f"{alone}: no image in it or beside it is in this workspace. Name the image itself."]
    assert {inside["split"], beside["split"]} <= {"train", "validation", "test"}


def test_what_names_no_frame_or_several_is_refused_by_name(workspace: Workspace, scans: Path) -> None:
    with workspace.catalogue() as catalogue:
        (first, *_) = catalogue.frames()
        last = "0" if first.frame_id[-1] != "0" else "1"
        record = replace(first, frame_id=first.frame_id[:-1] + last)
        catalogue.add_frames([record])
    told = asked("where", first.frame_id[:20], f"f{'0' * 20}", "f000000", "nothing.png", first.frame_id, scans, code=1)

    assert [one["frame"] for one in told["where"]] == [first.frame_id]
    assert f"fits several frames: {min(first.frame_id, record.frame_id)}, " in told["failures"][0]
    assert told["failures"][1].startswith(f"f{'0' * 20}: is no frame of this workspace")
    assert told["failures"][2].startswith("f000000: no frame of this workspace begins like this")
    assert told["failures"][3].startswith("nothing.png: is neither a frame nor an existing file")
    assert told["failures"][4].startswith(f"{scans}: is a folder")


def test_where_alone_is_wrong_usage(workspace: Workspace) -> None:
    assert "needs a frame or a file" in run("where", code=2).output


def test_an_index_that_cannot_be_written_stops_no_import(workspace: Workspace, tmp_path: Path) -> None:
    index_file(workspace).mkdir(parents=True)
    write_scans(tmp_path / "scans", patients=range(1), labelled=False)
    result = run("ingest", tmp_path / "scans")

    assert "6 frames added" in result.output
    assert result.output.count("cannot be written; `dmr where` will not know these frames: 1") == 1


def test_the_ranking_tells_clip_position_and_guessed_dice(workspace: Workspace, tmp_path: Path) -> None:
    write_scans(tmp_path / "in", patients=range(3), labelled=True)
    run("import", tmp_path / "in")
    run("train", "--input", "32", "--steps", "1", "--device", "cpu")
    run("models", "promote", "v1", "--because", "one step learns nothing, and drafts are wanted")
    write_scans(tmp_path / "scans", patients=range(3, 4), labelled=False)
    first = sorted((tmp_path / "scans").glob("*.png"))[0]
    first.rename(first.with_name(first.name.replace("_000", "_10")))  # after _005, by its number
    told = asked("prelabel", tmp_path / "scans", "--device", "cpu")["ranking"]

    with Path("reports/ranking.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    *fixed, again = ["rank", "frame", "score", "reason", "clip", "position", "guessed_dice", "seconds", "again"]
    names = list(rows[0])
    assert names[:8] == fixed and again in names
    assert all(name.startswith("score_") for name in names[8:] if name != again)
    assert sorted(int(row["position"]) for row in rows) == [1, 2, 3, 4, 5, 6]
    assert len({row["clip"] for row in rows}) == 1
    with workspace.catalogue() as catalogue:
        scores = catalogue.latest_scores("v1")
    for row, own in zip(rows, told, strict=True):
        drawn = [c["guessed_dice"] for c in scores[row["frame"]]["classes"].values() if c["guessed_dice"] is not None]
        assert row["guessed_dice"] == (format(sum(drawn) / len(drawn), ".4f") if drawn else "")
        assert (own["frame"], own["clip"], own["position"]) == (row["frame"], row["clip"], int(row["position"]))
    (last,) = (row for row in rows if row["position"] == "6")
    assert asked("where", last["frame"])["where"][0]["file"].endswith("_10.png")


def test_what_is_left_out_is_counted_by_kind_and_named_nowhere(workspace: Workspace, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write_scans(scans, patients=range(1), labelled=True)
    (scans / "README.txt").unlink(missing_ok=True)
    (scans / "SECRET1").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    for n in range(3):
        (scans / f"SECRET{n}.pdf").write_bytes(b"%PDF-1.7")
    (scans / "Thumbs.db").write_bytes(b"x")
    result = run("ingest", scans)

    assert "Left out: 3 PDF, 1 office document.\n" in result.output
    assert "SECRET" not in result.output
    assert "6 frames added" in result.output
    counted = asked("ingest", scans)
    assert counted["left_out"] == {"JSON": 6, "PDF": 3, "office document": 1, "system file": 1}


def test_a_folder_without_anything_left_out_says_nothing_of_it(workspace: Workspace, scans: Path) -> None:
    (scans / "README.txt").unlink(missing_ok=True)
    assert "Left out" not in run("ingest", scans).output


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator opens every folder")
def test_a_folder_that_cannot_be_opened_is_named(workspace: Workspace, scans: Path) -> None:
    (scans / "locked").mkdir(mode=0)
    try:
        assert "locked: cannot be opened (Permission denied)" in run("ingest", scans, code=1).output
    finally:
        (scans / "locked").chmod(0o700)


def test_a_folder_without_outlines_or_scans_says_what_is_there(workspace: Workspace, tmp_path: Path) -> None:
    write_dicom(tmp_path / "dicom")
    result = run("import", tmp_path / "dicom", code=2)
    assert "holds no Labelme file, only 1 DICOM." in result.output and result.output.count("\n") == 1
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.pdf").write_bytes(b"%PDF-1.7")
    result = run("ingest", tmp_path / "letters", code=2)
    assert "holds no scans, only 1 PDF." in result.output and result.output.count("\n") == 1


def test_a_dicom_under_an_image_s_name_is_read_as_what_it_is(workspace: Workspace, scans: Path, tmp_path: Path) -> None:
    dicom = write_dicom(tmp_path / "dicom")
    run("ingest", dicom)
    shutil.copy(dicom, scans / "p.png")
    assert "2 frames already there" in run("ingest", scans / "p.png").output


def test_an_image_under_another_ending_comes_in(workspace: Workspace, scans: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_scans(other, patients=range(1, 2), labelled=False)
    (other / "README.txt").unlink(missing_ok=True)
    for path in sorted(other.glob("*.png"))[:2]:
        path.rename(path.with_suffix("" if path.stem.endswith("0") else ".dat"))
    result = run("ingest", other)
    assert "6 frames added" in result.output
    assert "note: PNG without the ending of an image: 2" in result.output


def test_images_that_no_outlines_name_are_counted_by_import(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_scans(folder, patients=range(2), labelled=True)
    (folder / "README.txt").unlink(missing_ok=True)
    for path in sorted(folder.glob("*.json"))[:4]:
        path.unlink()
    broken, renamed, *_ = sorted(folder.glob("*.json"))
    broken.write_text("{", encoding="utf-8")  # it fails and is named, so its image is not counted too
    renamed.rename(folder / "renamed.json")  # its imagePath tells its image
    result = run("import", folder, "--dry-run", code=1)
    assert "Left out: 4 images without outlines.\n" in result.output
    assert "Left out: 4 images without outlines.\n" in run("import", folder, code=1).output


def test_images_without_a_mask_are_counted_by_import(workspace: Workspace, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    images, masks = tmp_path / "images", tmp_path / "masks"
    write_scans(images, patients=range(1), labelled=False)
    (images / "README.txt").unlink(missing_ok=True)
    masks.mkdir()
    Image.fromarray(np.pad(np.ones((9, 9), np.uint8), (20, 483))).save(masks / f"{FIRST}.png")
    assert "Left out: 5 images without outlines.\n" in run("import", "--images", images, "--masks", masks).output
