"""A damaged picture in `frames/` is written anew when its scan comes again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dmr.annotate.classes import ClassDef
from dmr.annotate.intake.ingest import ingest_scans, load_frame
from dmr.annotate.scans.images import encode_png
from dmr.annotate.workspace import Workspace

PIXELS = np.random.default_rng(1).integers(0, 255, (60, 80), np.uint8)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def another(path: Path) -> None:
    path.write_bytes(encode_png(PIXELS[::-1].copy()))


@pytest.mark.parametrize("spoil", [cut, another, Path.unlink], ids=["cut off", "another picture", "gone"])
def test_the_same_scan_again_mends_its_frame(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for name in ("1_a.png", "1_b.png"):
        (tmp_path / "scans" / name).write_bytes(encode_png(PIXELS if name == "1_a.png" else PIXELS + 1))
    workspace, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve")])
    with workspace.session(write=True) as s:
        ids = ingest_scans(s, [tmp_path / "scans"])
        records = s.catalogue.frames(ids)
        path, other = (workspace.absolute(record.path) for record in records)
        before, untouched = path.read_bytes(), other.stat().st_mtime_ns
        spoil(path)
        said = s.catalogue.catalogue_hash()
        ingest_scans(s, [tmp_path / "scans"])

        assert path.read_bytes() == before
        assert other.stat().st_mtime_ns == untouched
        assert s.catalogue.catalogue_hash() == said
        load_frame(workspace, records[0])
        told = [] if spoil is Path.unlink else [records[0].frame_id]
        assert s.report.oddities.get("its picture was damaged (written anew)", []) == told
