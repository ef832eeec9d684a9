"""`dmr deidentify`: new pictures under keyed names, resumable, and nothing of whom they show."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmr.annotate.phantom.dicom import invent_patient
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.scans.identity import key_path
from dmr.cli import main

PATIENTS, FRAMES = 2, 3


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans") / "ward"
    for _ in write_phantom(folder, PhantomSet(PATIENTS, FRAMES, seed=8, format="dicom", labels=False)):
        pass
    return folder


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["deidentify", *words])
    assert result.exit_code == code, result.output
    return result.output


def rows(dest: Path) -> list[dict[str, str]]:
    with (dest / "frames.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_frame_is_written_once_and_a_second_run_writes_nothing(scans: Path, tmp_path: Path) -> None:
    dest = tmp_path / "out"
    assert f"{PATIENTS * FRAMES} frames written" in run(str(scans), str(dest))
    names = {row["file"] for row in rows(dest)}
    assert names == {p.relative_to(dest).as_posix() for p in dest.rglob("*.png")} and len(names) == PATIENTS * FRAMES
    before = {path: path.stat().st_mtime_ns for path in dest.rglob("*.png")}
    lost = next(iter(before))
    lost.unlink()
    assert "1 frame written" in run(str(scans), str(dest))
    assert {path: path.stat().st_mtime_ns for path in dest.rglob("*.png") if path != lost}.items() <= before.items()
    assert "Nothing new" in run(str(scans), str(dest))


def test_nothing_that_is_written_says_whom_the_frames_show(scans: Path, tmp_path: Path) -> None:
    run(str(scans), str(tmp_path / "out"))
    people = [invent_patient(8001 + k) for k in range(PATIENTS)]
    secrets = [text for p in people for text in (p.number, p.born, *p.name.split("^"))]
    for path in (tmp_path / "out").rglob("*"):
        told = path.as_posix().encode() + (path.read_bytes() if path.is_file() else b"")
        assert not any(secret.encode() in told for secret in secrets), path


def test_a_folder_with_other_files_is_left_alone(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine", encoding="utf-8")
    assert "holds other files" in run(str(scans), str(tmp_path / "out"), code=2)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["letter.txt"]


def test_a_pattern_without_a_patient_is_one_line(scans: Path, tmp_path: Path) -> None:
    told = run(str(scans), str(tmp_path / "out"), "--patient", r"(\d+)", code=2)
    assert "--patient" in told and not (tmp_path / "out").exists()


def test_it_says_where_the_key_is(scans: Path, tmp_path: Path) -> None:
    told = run(str(scans), str(tmp_path / "out"))
    key_id = json.loads((tmp_path / "out" / "deidentified.json").read_text(encoding="utf-8"))["key_id"]
    assert key_path(key_id).is_file()
    assert str(key_path(key_id)) in told.replace("\n", "")
