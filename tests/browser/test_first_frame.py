"""The first frame in a real browser: picked, corrected, submitted, and back in the catalogue as the page showed it."""

from __future__ import annotations

import numpy as np
import pytest
from browser_page import corners, inside, label
from browser_ward import PLEXUS, Ward
from studio_loop import dmr, painted, said

from dmr.annotate.shapes import Shape

pytestmark = pytest.mark.studio


def test_the_plexus_is_picked_in_the_psoas_a_corner_is_dragged_and_pull_brings_what_the_page_held(ward: Ward) -> None:
    with ward.physician() as physician:
        first = physician.next_task(in_view=False)["data"]
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        assert desk.data["frame_id"] == first["frame_id"]
        assert desk.page.get_by_text(first["reason"]).is_visible()
        assert first["rank"] == 1 and first["reason"].startswith("1. ")
        desk.picture("first-frame")

        before = {r["id"]: r for r in desk.regions()}
        (plexus,) = [r for r in before.values() if label(r) == "lumbar_plexus"]
        (psoas,) = [r for r in before.values() if label(r) == "psoas_major"]
        assert inside(corners(psoas), *np.mean(corners(plexus), axis=0))
        desk.pick(plexus)
        x, y = corners(plexus)[0]
        desk.drag((x, y), (x + 8, y + 6))
        held = desk.regions()
        desk.picture("first-frame-corrected")
        assert desk.submit()["result"] == held
        assert (desk.keys, desk.clicks) == (2, 2)
        desk.wait_for_next(first["frame_id"])

    after = {r["id"]: r for r in held}
    assert after.keys() == before.keys()
    assert {i for i in after if after[i]["value"] != before[i]["value"]} == {plexus["id"]}
    moved = corners(after[plexus["id"]])
    assert np.allclose(moved[0], (x + 8, y + 6), atol=1.0)  # the window has fewer pixels than places
    assert moved[1:] == corners(plexus)[1:]

    assert "1 revision added" in dmr("pull").output
    with ward.catalogue() as catalogue:
        head = catalogue.head(first["frame_id"], me)
    assert head is not None
    shapes = head.record.annotation.shapes
    drafts = ward.drafts(first["frame_id"])
    assert said(tuple(s for s in shapes if s.class_id != PLEXUS)) == said(
        tuple(s for s in drafts if s.class_id != PLEXUS)
    ), "an outline that nobody touched is another one to the last bit"
    (pulled,) = [s for s in shapes if s.class_id == PLEXUS]
    assert (painted((pulled,)) == painted((Shape(PLEXUS, tuple(moved)),))).all()
    assert (painted((pulled,)) != painted(tuple(s for s in drafts if s.class_id == PLEXUS))).any()
