"""Small files that ask for much: each is told in one line, at once, and the others go on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from labelme_json import labelme, shape
from PIL import Image

import dmr
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import BrokenInput, SettingsError
from dmr.annotate.scans import images
from dmr.annotate.settings.model import parse_settings
from dmr.annotate.system.pipeline import batched_by_weight
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def save(path: Path, *shapes: Any, **more: Any) -> None:
    path.write_bytes(labelme(*shapes, imagePath=f"{path.stem}.png", **more))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve")])
    monkeypatch.chdir(made.root)
    return made


def test_an_outline_of_thousands_of_random_points_is_refused_and_its_class_is_not_called_complete(
    workspace: Workspace, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "outlines"
    folder.mkdir()
    for name, points in (("1_a", rng.uniform(0, 99, (3000, 2)).tolist()), ("2_a", [[9, 9], [60, 9], [60, 60]])):
        Image.fromarray(rng.integers(0, 255, (100, 100), dtype=np.uint8)).save(folder / f"{name}.png")
        save(folder / f"{name}.json", shape(points=points), imageHeight=100, imageWidth=100)

    began = time.perf_counter()
    result = run("import", folder, "--yes")

    assert time.perf_counter() - began < 10
    assert "crosses itself more than 200 times: draw it again (left out): 1 (1_a.json)" in result.output
    assert "2 revisions added" in result.output
    with workspace.catalogue() as catalogue:
        covered = sorted(sorted(r.record.annotation.covered) for r in catalogue.newest_revisions().values())
    assert covered == [[], [1]]


def test_a_size_that_no_image_has_is_refused_before_anything_is_painted(tmp_path: Path) -> None:
    save(tmp_path / "a.json", shape(), imageHeight=999_999, imageWidth=999_999)

    with pytest.raises(BrokenInput, match="says 999999 x 999999 pixels, more than 40 million"):
        dmr.read_annotation(tmp_path / "a.json", Classes([ClassDef(1, "nerve")]))
    for direction in ("labelme-to-mask", "labelme-to-layers"):
        result = run("convert", direction, tmp_path / "a.json", tmp_path / "out", "--classes", "nerve")
        assert result.exit_code == 1
        assert "Error: a.json: " in result.output


def test_a_file_of_too_many_large_pages_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Image.fromarray(np.zeros((100, 100), np.uint8))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page] * 9)
    assert len(list(dmr.read_frames(tmp_path / "a.tif"))) == 10

    monkeypatch.setattr(images, "MOST_PIXELS_A_FILE", 99_999)
    with pytest.raises(BrokenInput, match="has 10 pages"):
        next(iter(dmr.read_frames(tmp_path / "a.tif")))


def test_pages_that_grow_are_refused_when_they_are_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (Image.fromarray(np.zeros((side, side), np.uint8)) for side in (10, 200))
    small.save(tmp_path / "a.tif", save_all=True, append_images=[large] * 3)
    monkeypatch.setattr(images, "MOST_PIXELS_A_FILE", 50_000)

    read = iter(dmr.read_frames(tmp_path / "a.tif"))
    assert [next(read).pixels.size, next(read).pixels.size] == [100, 40_000]
    with pytest.raises(BrokenInput, match="has 4 pages"):
        next(read)


def test_large_frames_are_held_a_few_at_a_time() -> None:
    def batches(*weights: int) -> list[list[int]]:
        return list(batched_by_weight(weights, 3, weight=lambda w: w, most=10))

    assert batches() == []
    assert batches(1, 1, 1, 1) == [[1, 1, 1], [1]]
    assert batches(6, 4, 1, 99, 1) == [[6, 4], [1], [99], [1]]


@pytest.mark.parametrize("opened", ["[", '{"a":'], ids=["lists", "objects"])
def test_what_is_nested_too_deep_is_told(opened: str, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nested too deep"):
        parse_settings(f"a = {'[' * 100_000}")
    (tmp_path / "deep.json").write_text(opened * 100_000, encoding="utf-8")
    for command in (["import"], ["check"], ["convert", "labelme-to-mask", "--classes", "nerve"]):
        target = [tmp_path / "out"] if "convert" in command else []
        result = run(*command, tmp_path / "deep.json", *target)
        assert result.exit_code in (1, 2), (command, result.output)
        assert "Error: " in result.output
