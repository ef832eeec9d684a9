"""A round structure in a real browser: one key and one drag, and pull brings a polygon of the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from browser_ward import PLEXUS, Ward
from studio_loop import dmr, painted

from dmr.annotate.phantom.scanner import SIDE

pytestmark = [pytest.mark.studio, pytest.mark.browser]
CENTRE, RADII = (256.0, 130.0), (24.0, 16.0)
MOST_WRONG = 0.005  # of the pixels: the ellipse becomes a polygon


def test_an_ellipse_takes_one_key_and_one_drag_and_comes_back_as_the_page_held_it(ward: Ward) -> None:
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        frame, before = desk.data["frame_id"], desk.regions()
        key = desk.ellipse_key("lumbar_plexus")
        assert key is not None
        desk.press(key)
        (x, y), (wide, high) = CENTRE, RADII
        desk.drag((x, y), (x + wide, y + high))
        assert (desk.keys, desk.clicks) == (1, 1)
        (drawn,) = [r for r in desk.regions() if r["id"] not in {b["id"] for b in before}]
        desk.picture("ellipse")
        value = drawn["value"]
        desk.submit()
    assert (drawn["type"], value["ellipselabels"]) == ("ellipselabels", ["lumbar_plexus"])
    held = [SIDE * value[name] / 100 for name in ("x", "y", "radiusX", "radiusY")]
    assert np.allclose(held, (*CENTRE, *RADII), atol=1.0)

    assert "1 revision added" in dmr("pull").output
    with ward.catalogue() as catalogue:
        (head,) = catalogue.heads(frame)
    drafts = painted(tuple(s for s in ward.drafts(frame) if s.class_id == PLEXUS))[-1]
    pulled = painted(tuple(s for s in head.record.annotation.shapes if s.class_id == PLEXUS))[-1] & ~drafts
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    truth = ((columns - held[0]) / held[2]) ** 2 + ((rows - held[1]) / held[3]) ** 2 <= 1
    assert (pulled != truth).sum() <= MOST_WRONG * truth.sum()
