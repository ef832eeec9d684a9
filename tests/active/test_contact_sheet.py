"""The contact sheet says which frames are in quarantine, and why."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from dmr.active.prelabel import caption
from dmr.active.selection.select import Ranked
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.scans.deidentify import TOUCHING

PLACE = Ranked(3, "f1", 0.5, "the model is least sure here")


def frame(state: Literal["ok", "quarantined"], unsure: str) -> FrameRecord:
    return FrameRecord(
        frame_id="f1",
        clip_id="c1",
        patient="p1",
        source_sha256="0" * 64,
        index=0,
        height=60,
        width=80,
        pixel_sha256="1" * 64,
        path="frames/f1.png",
        deid_version="1",
        state=state,
        deid=json.dumps({"unsure": unsure}),
    )


@pytest.mark.parametrize(
    ("state", "unsure", "reviewed", "marked"),
    [
        pytest.param("quarantined", TOUCHING, False, True, id="held"),
        pytest.param("quarantined", TOUCHING, True, False, id="the user looked at it"),
        pytest.param("ok", "", False, False, id="free"),
    ],
)
def test_a_held_frame_is_marked_with_its_reason(
    state: Literal["ok", "quarantined"], unsure: str, reviewed: bool, marked: bool
) -> None:
    lines = caption(PLACE, frame(state, unsure), reviewed=reviewed).splitlines()
    assert lines[:2] == ["3. f1 (0.50)", PLACE.reason]
    assert lines[2:] == ([f"IN QUARANTINE: {TOUCHING}"] if marked else [])
