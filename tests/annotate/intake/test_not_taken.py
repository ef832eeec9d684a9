"""What an import did not take: images without outlines are told apart from images that failed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dmr.annotate.intake.not_taken import UNDRAWN, left_out_of_import
from dmr.annotate.report import Report
from dmr.annotate.scans import kinds as k
from dmr.annotate.scans.images import encode_png

PNG = encode_png(np.zeros((4, 4), np.uint8))


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PNG if name.endswith(".png") else b"{}" if name.endswith(".json") else b"text")


def test_an_image_that_came_in_or_has_outlines_is_not_told(tmp_path: Path) -> None:
    files(tmp_path, "came.png", "came.json", "failed.png", "failed.json", "bare.png", "notes.txt", ".DS_Store")
    found = left_out_of_import([tmp_path], used={(tmp_path / "came.png").resolve()}, report=Report("import"))
    assert found.told == {UNDRAWN: 1, k.TEXT: 1}
    assert found.expected == {k.SYSTEM: 1}
    assert found.line() == "1 image without outlines, 1 text file"


def test_masks_are_the_outlines_where_masks_are_imported(tmp_path: Path) -> None:
    files(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/old.json")
    found = left_out_of_import(
        [tmp_path / "images", tmp_path / "masks"],
        used={(tmp_path / "images" / "a.png").resolve()},
        masks=tmp_path / "masks",
        report=Report("import"),
    )
    assert found.told == {UNDRAWN: 1, k.JSON: 1}


def test_a_broken_image_without_outlines_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(bytes(600))
    assert left_out_of_import([tmp_path], used=set(), report=Report("import")).told == {UNDRAWN: 1}
