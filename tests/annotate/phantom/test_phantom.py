"""The phantom: anatomy where it belongs, echoes as physics has them, the same bytes for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import shapely
from click.testing import CliRunner

from dmr.annotate.geometry.raster import polygons_to_mask, shapes_to_layers
from dmr.annotate.phantom.clip import Clip, draw_clip
from dmr.annotate.phantom.dicom import invent_patient
from dmr.annotate.phantom.scanner import SCANNERS, SIDE, View
from dmr.annotate.phantom.screen import write_screen
from dmr.annotate.phantom.subject import draw_subject
from dmr.annotate.phantom.tissue import INDEX
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.scans.images import read_frames
from dmr.annotate.scans.sector import find_sector
from dmr.annotate.settings.template import SHAMROCK_CLASSES
from dmr.annotate.shapes import Shape
from dmr.cli import main

IDS = [c.id for c in SHAMROCK_CLASSES]
PSOAS, QUADRATUS, ERECTOR, PROCESS, BODY, PLEXUS = range(6)
SEEDS = range(12)


def clip(seed: int, frames: int = 6, scanner: str | None = None) -> Clip:
    return draw_clip(np.random.default_rng(seed), frames=frames, scanner=SCANNERS[scanner] if scanner else None)


def written(folder: Path, **options: object) -> dict[str, bytes]:
    wanted = PhantomSet(2, 3, seed=4, **options)  # type: ignore[arg-type]
    for _ in write_phantom(folder, wanted, workers=1 + len(folder.name) % 2):
        pass
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("kind", ["png", "dicom"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    first = written(tmp_path / "a", format=kind)
    assert written(tmp_path / "bb", format=kind) == first  # by another number of workers
    assert len(first) == (13 if kind == "png" else 9)
    assert "4001_000.json" in first


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plexus_lies_in_the_posterior_part_of_the_psoas_and_muscles_share_nothing(seed: int) -> None:
    subject = draw_subject(np.random.default_rng(seed))
    for z in (-12.0, 0.0, 9.0):
        section = subject.section(z)
        psoas, plexus = section["psoas_major"], section["lumbar_plexus"]
        assert psoas.buffer(1e-6).contains(plexus)
        low, high = psoas.bounds[1], psoas.bounds[3]
        assert plexus.centroid.y < low + (high - low) * 0.45
        assert plexus.centroid.x < subject.psoas.center[0]
        names = ["psoas_major", "quadratus_lumborum", "erector_spinae", "vertebral_body", "transverse_process"]
        parts = [section[n] for n in names if n in section]
        assert shapely.union_all(parts).area == pytest.approx(sum(p.area for p in parts), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_label_lies_in_the_sector_and_the_muscles_are_in_view(seed: int) -> None:
    made = clip(seed)
    sector = polygons_to_mask([Shape(1, tuple(map(tuple, made.view.sector)))], height=SIDE, width=SIDE)
    for frame in made.frames():
        layers = shapes_to_layers(frame.annotation.shapes, class_ids=IDS, height=SIDE, width=SIDE)
        assert frame.annotation.covered == set(IDS)
        assert not (layers & ~sector).any()
        assert not (layers[PLEXUS] & ~layers[PSOAS]).any()
        assert all(layers[k].sum() > 1000 for k in (PSOAS, QUADRATUS, ERECTOR))


def test_the_transverse_process_comes_and_goes_in_a_clip() -> None:
    seen = [{s.class_id for s in f.annotation.shapes} for f in clip(3, frames=16).frames()]
    there = [IDS[PROCESS] in ids for ids in seen]
    assert any(there)
    assert not all(there)


def test_neighbouring_frames_are_near_copies_and_distant_ones_are_not() -> None:
    made = clip(5, frames=24)
    inside = made.view.sampling[0]
    frames = [f.pixels.ravel()[inside].astype(float) for f in made.frames()]

    def alike(apart: int) -> float:
        return float(np.mean([np.corrcoef(frames[k], frames[k + apart])[0, 1] for k in range(24 - apart)]))

    assert alike(1) > alike(8) + 0.05


@pytest.mark.parametrize("scanner", sorted(SCANNERS))
def test_muscle_is_darker_than_fat_bone_is_bright_in_front_and_black_behind(scanner: str) -> None:
    made = clip(8, frames=1, scanner=scanner)
    pose = made.poses[0]
    section = made.subject.section(pose.z)
    tissue = made.imager.plane.tissues(pose, section)
    echo = made.imager.envelope(pose, section) * 10 ** (made.imager._gain_db / 20)
    bone = tissue == INDEX["vertebral_body"]
    beams = np.flatnonzero(bone.any(axis=0))
    surface = bone[:, beams].argmax(axis=0)
    muscle = np.median(echo[tissue == INDEX["psoas_major"]])
    cortex = np.median([echo[r - 1 : r + 5, b].max() for r, b in zip(surface, beams, strict=True)])
    shadow = np.median([echo[min(r + 60, len(echo) - 1), b] for r, b in zip(surface, beams, strict=True)])

    assert np.median(echo[tissue == INDEX["fat"]]) > 1.3 * muscle
    assert cortex > 4 * muscle
    assert shadow < 0.2 * muscle


def test_muscle_speckle_is_pre_rayleigh_as_published() -> None:
    """Nakagami's m of muscle is 0.5 to 1 (Shankar 2000); 1 is fully developed speckle."""
    found = []
    for seed in range(6):
        made = clip(100 + seed, frames=1, scanner="dune")
        section = made.subject.section(made.poses[0].z)
        tissue = made.imager.plane.tissues(made.poses[0], section)
        power = made.imager.envelope(made.poses[0], section) ** 2
        rows = [power[r, tissue[r] == INDEX["psoas_major"]][4:-4] for r in range(len(tissue))]
        even = np.concatenate([r / r.mean() for r in rows if len(r) > 30])
        found.append(even.mean() ** 2 / even.var())
    assert 0.45 < np.median(found) < 1.0


def test_what_a_scanner_writes_never_covers_the_sector_and_says_synthetic() -> None:
    for scanner in SCANNERS.values():
        view = View(scanner, 130, flipped=False)
        grey = np.full((SIDE, SIDE), 77, np.uint8)
        shown = write_screen(grey, view, lines=("Nobody, Nemo",))
        inside = view.sampling[0]
        assert (shown.ravel()[inside] == 77).all()
        assert (shown[-20:, :100] != 77).any()  # the notice
        assert (shown[:16, :100] != 77).any()  # the patient


def test_a_dicom_clip_reads_back_with_its_region_and_its_invented_patient(tmp_path: Path) -> None:
    written(tmp_path / "d", format="dicom")
    data = pydicom.dcmread(tmp_path / "d" / "4001.dcm")
    patient = invent_patient(4001)
    assert data.pixel_array.shape == (3, SIDE, SIDE)
    assert (str(data.PatientName), data.PatientID) == (patient.name, patient.number)
    assert data.SOPClassUID == pydicom.uid.UltrasoundMultiFrameImageStorage
    (region,) = data.SequenceOfUltrasoundRegions
    assert (region.RegionSpatialFormat, region.RegionDataType) == (1, 1)
    assert region.PhysicalUnitsXDirection == region.PhysicalUnitsYDirection == 3
    view = PhantomSet(2, 3, seed=4).clip(4001).view
    assert float(region.PhysicalDeltaX) * 10 == pytest.approx(view.mm_per_px)
    assert data.pixel_array[0, : region.RegionLocationMinY0].any()  # the banner
    labels = json.loads((tmp_path / "d" / "4001_002.json").read_text(encoding="utf-8"))
    assert (labels["imagePath"], labels["frame_index"], labels["synthetic"]) == ("4001.dcm", 2, True)


def test_the_sector_of_a_written_frame_is_found_again(tmp_path: Path) -> None:
    written(tmp_path / "p")
    for path in sorted((tmp_path / "p").glob("*_000.png")):
        (frame,) = read_frames(path)
        sector = find_sector(frame.pixels)
        assert sector is not None
        view = PhantomSet(2, 3, seed=4).clip(int(path.stem[:4])).view
        found, true = (
            polygons_to_mask([Shape(1, tuple(map(tuple, ring)))], height=SIDE, width=SIDE)
            for ring in (sector, view.sector)
        )
        assert (found & true).sum() / (found | true).sum() > 0.93


def test_synthetic_frames_are_never_mixed_with_others(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"real")
    result = CliRunner().invoke(main, ["phantom", str(tmp_path), "--patients", "1", "--frames", "1"])
    assert result.exit_code == 2
    assert "kept apart" in result.output
    assert [p.name for p in tmp_path.iterdir()] == ["scan.png"]


def test_a_folder_with_a_readme_of_its_own_is_no_phantoms(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("the ward's scans", encoding="utf-8")
    result = CliRunner().invoke(main, ["phantom", str(tmp_path), "--patients", "1", "--frames", "1"])
    assert result.exit_code == 2
    assert (tmp_path / "README.txt").read_text(encoding="utf-8") == "the ward's scans"


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["phantom", str(tmp_path / "x"), "--seed", "-1"])
    assert result.exit_code == 2
    assert "'--seed': -1 is not in the range" in result.output


def test_an_unknown_scanner_is_told_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["phantom", str(tmp_path / "x"), "--scanner", "aster", "--scanner", "elm"])
    assert result.exit_code == 2
    assert "there is no 'elm'" in result.output
    assert not (tmp_path / "x").exists()
