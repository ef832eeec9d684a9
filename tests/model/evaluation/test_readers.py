"""`dmr agreement`: figures that can be worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from dmr.annotate.catalogue.records import FrameRecord, Reading, RevisionRecord
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.workspace import Workspace
from dmr.cli import main


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "scans").mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (48, 64), dtype=np.uint8)
        (tmp_path / "scans" / f"{number}_1.png").write_bytes(encode_png(pixels))
    made, _ = Workspace.create(tmp_path / "ward", patient=r"^(?P<patient>\d+)_(?P<frame>\w+)$")
    with made.session(write=True) as s:
        ingest_scans(s, [tmp_path / "scans"])
    monkeypatch.chdir(made.root)
    return made


def drawn(frame: FrameRecord, author: str, x: int | None, reading: Reading = "first") -> RevisionRecord:
    """A square of 10 px of class 1, or its absence."""
    shapes = () if x is None else (Shape(1, ((x, 5), (x + 10, 5), (x + 10, 15), (x, 15))),)
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="studio",
        annotation=Annotation(frame.height, frame.width, shapes, frozenset({1})),
        reading=reading,
    )


def told(*arguments: str) -> Any:
    result = CliRunner().invoke(main, ["agreement", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def figures(kind: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(told("--json").stdout)[kind]
    return data


def test_two_readers_and_one_reader_twice_are_told_apart(ward: Workspace) -> None:
    with ward.session(write=True) as s:
        a, b, c = s.catalogue.frames()
        s.catalogue.append_revisions(
            [
                drawn(a, "ann", 5),
                drawn(a, "bo", 10, "second"),  # Dice 0.5
                drawn(b, "ann", 5),
                drawn(b, "bo", None, "second"),  # Dice 0: Bo says that it is absent
                drawn(c, "ann", 5),
                drawn(c, "ann", 7, "repeat"),  # Dice 0.8
            ]
        )
        # Neither a decision nor a correction is a reading of its own.
        first = s.catalogue.head(a.frame_id, "ann")
        assert first is not None
        s.catalogue.append_revision(drawn(a, "cy", 5, "adjudication"))
        s.catalogue.append_revision(replace(drawn(a, "di", 6), parent=first.sha256))

    (inter,) = figures("inter")["classes"]
    assert (inter["class"], inter["pairs"], inter["patients"], inter["one_only"]) == ("psoas_major", 2, 2, 1)
    assert inter["dice"] == pytest.approx(0.25)
    assert (inter["dice_low"], inter["dice_high"]) == pytest.approx((0.0, 0.5))
    assert inter["hd95"] == pytest.approx(5.0)  # of the pair in which both drew it: moved by 5 px
    (intra,) = figures("intra")["classes"]
    assert (intra["pairs"], intra["dice"], intra["dice_low"]) == (1, pytest.approx(0.8), None)

    text = told().stdout
    assert "Two readers: 2 pairs, 0 of them over a model's draft" in text
    assert "One reader, twice: 1 pair, 0 of them" in text


def test_a_reading_that_was_withdrawn_does_not_count(ward: Workspace) -> None:
    with ward.session(write=True) as s:
        a, *_ = s.catalogue.frames()
        s.catalogue.append_revisions([drawn(a, "ann", 5), drawn(a, "bo", 10, "second"), drawn(a, "bo", 9, "repeat")])
        s.catalogue.withdraw(a.frame_id, "bo", reason="deleted")
        s.catalogue.withdraw(a.frame_id, "bo", reason="deleted", repeat=True)
    assert (figures("inter")["pairs"], figures("intra")["pairs"]) == (0, 0)
    assert told().stderr == (
        "No frame was read twice yet. Queues with the purposes second-reading and repeat do that.\n"
    )
