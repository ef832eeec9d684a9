"""What physicians do in an hour, in a real browser: people with accounts of their own, drawing, skipping, a push."""

from __future__ import annotations

import numpy as np
import pytest
from browser_page import LARGE, PATIENCE_MS, SMALL, Desk, corners, inside, label
from browser_ward import PLEXUS, PSOAS, Ward, draw
from studio_loop import PUSH, dmr, painted, said

from dmr.annotate.shapes import Shape

pytestmark = [pytest.mark.studio, pytest.mark.browser]
DORA, ERIK = "dora@ward.example", "erik@ward.example"
SECRET = "a-long-enough-one"


def middle(region: dict[str, object]) -> tuple[float, float]:
    x, y = np.mean(corners(region), axis=0)
    return float(x), float(y)


def of(desk: Desk, name: str) -> dict[str, object]:
    """The one region of a class that the page shows."""
    (found,) = [r for r in desk.regions() if label(r) == name]
    return found


def square(x: float, y: float, half: float) -> list[tuple[float, float]]:
    return [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]


def held_shapes(desk: Desk, class_id: int, name: str) -> tuple[Shape, ...]:
    return tuple(Shape(class_id, tuple(corners(r))) for r in desk.regions() if label(r) == name)


def test_an_invited_physician_corrects_draws_submits_and_skips(ward: Ward) -> None:
    with ward.desk() as desk:
        desk.sign_up(ward.invitation(), DORA, SECRET)
        desk.label_all(ward.project)
        first = desk.data
        assert first["rank"] == 1
        plexus = of(desk, "lumbar_plexus")
        desk.pick(plexus)
        x, y = corners(plexus)[0]
        desk.drag((x, y), (x + 8, y + 6))
        desk.press("Escape")
        bone = square(300.0, 120.0, 15.0)
        desk.draw("4", bone)
        plexus_held = held_shapes(desk, PLEXUS, "lumbar_plexus")
        (drawn,) = held_shapes(desk, 4, "transverse_process")[-1:]
        assert np.allclose(drawn.points, bone, atol=1.0)
        desk.picture("invited-drawn")
        desk.submit()
        desk.wait_for_next(first["frame_id"])

        second = desk.data
        assert second["rank"] == 2, "the next of the ranking comes by itself"
        desk.skip()
        desk.wait_for_next(second["frame_id"])
        assert desk.data["rank"] == 3

    result = dmr("pull")
    assert "1 revision added" in result.output and "1 skipped" in result.output
    with ward.catalogue() as catalogue:
        head = catalogue.head(first["frame_id"], DORA)
        assert catalogue.heads(second["frame_id"]) == []
    assert head is not None, "the author is the person"
    pulled = head.record.annotation.shapes
    assert (painted(tuple(s for s in pulled if s.class_id == PLEXUS)) == painted(plexus_held)).all()
    assert (painted(pulled)[3] & painted((drawn,))[3] == painted((drawn,))[3]).all()
    untouched = {1, 2, 3, 5}
    assert said(tuple(s for s in pulled if s.class_id in untouched)) == said(
        tuple(s for s in ward.drafts(first["frame_id"]) if s.class_id in untouched)
    )


def test_a_frame_that_is_open_while_a_push_replaces_its_draft_is_submitted_all_the_same(ward: Ward) -> None:
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        first = desk.data
        shown = desk.regions()
        x, y = corners(of(desk, "lumbar_plexus"))[0]
        desk.pick(of(desk, "lumbar_plexus"))
        desk.drag((x, y), (x + 8, y + 6))
        held = held_shapes(desk, PLEXUS, "lumbar_plexus")
        draw(ward.workspace, ward.truth, model="v2", left=5.0)
        assert "drafts replaced" in dmr(*PUSH).output
        assert len(desk.submit()["result"]) == len(shown)
        desk.wait_for_next(first["frame_id"])
    assert "1 revision added" in dmr("pull").output
    with ward.catalogue() as catalogue:
        (head,) = catalogue.heads(first["frame_id"])
    assert head.record.draft_model == "v1", "this is the draft that was corrected"
    plexus = tuple(s for s in head.record.annotation.shapes if s.class_id == PLEXUS)
    assert (painted(plexus) == painted(held)).all()


def test_a_missing_plexus_is_drawn_in_the_psoas_with_ctrl_held(ward: Ward) -> None:
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        frame = desk.data["frame_id"]
        psoas, before = of(desk, "psoas_major"), len(desk.regions())
        desk.pick(of(desk, "lumbar_plexus"))
        desk.press("Backspace")
        left = f"() => window.Htx.annotationStore.selected.regions.length === {before - 1}"
        desk.page.wait_for_function(left, timeout=PATIENCE_MS)
        nerve = square(*middle(psoas), 9.0)
        desk.draw("6", nerve, inside=True)
        drawn = of(desk, "lumbar_plexus")
        assert np.allclose(corners(drawn), nerve, atol=1.0)
        assert of(desk, "psoas_major")["value"] == psoas["value"]
        held = held_shapes(desk, PLEXUS, "lumbar_plexus")
        desk.picture("plexus-in-psoas")
        desk.submit()
    dmr("pull")
    with ward.catalogue() as catalogue:
        (head,) = catalogue.heads(frame)
    shapes = head.record.annotation.shapes
    assert (painted(tuple(s for s in shapes if s.class_id == PLEXUS)) == painted(held)).all()
    assert said(tuple(s for s in shapes if s.class_id == PSOAS)) == said(
        tuple(s for s in ward.drafts(frame) if s.class_id == PSOAS)
    )


def test_two_physicians_at_once_get_the_first_two_frames_of_the_ranking(ward: Ward) -> None:
    with ward.desk() as dora, ward.desk() as erik:
        dora.sign_up(ward.invitation(), "d2@ward.example", SECRET)
        erik.sign_up(ward.invitation(), ERIK, SECRET)
        dora.label_all(ward.project)
        first = dora.data
        erik.label_all(ward.project)
        second = erik.data
        assert [first["rank"], second["rank"]] == [1, 2]
        dora.submit()
        dora.wait_for_next(first["frame_id"])
        assert dora.data["rank"] == 3, "what Erik has before him is not given to anybody else"
        erik.submit()
        erik.wait_for_next(second["frame_id"])
        assert erik.data["rank"] == 4
    dmr("pull")
    with ward.catalogue() as catalogue:
        assert catalogue.head(second["frame_id"], ERIK) is not None
        assert catalogue.head(first["frame_id"], "d2@ward.example") is not None


@pytest.mark.parametrize("window", [SMALL, LARGE], ids=lambda size: f"{size[0]}x{size[1]}")
def test_image_reason_classes_and_keys_are_seen_without_scrolling(window: tuple[int, int], ward: Ward) -> None:
    with ward.first_desk(window=window) as desk:
        desk.open_table(ward.project)
        scores = desk.page.get_by_text("Prediction score")
        assert scores.count() == 1, "a column of scores reads as the model's confidence; the button tells the order"
        desk.picture(f"table-{window[0]}x{window[1]}")
        desk.label_all(ward.project)
        desk.picture(f"frame-{window[0]}x{window[1]}")
        with ward.catalogue() as catalogue:
            names = [c.name for c in catalogue.classes().active]
        for text in (desk.data["reason"], *names, "Hold Ctrl to draw inside another outline"):
            box = desk.page.get_by_text(text).first.bounding_box()
            assert box is not None, text
            assert box["y"] >= 0 and box["y"] + box["height"] <= window[1], text
            assert box["x"] >= 0 and box["x"] + box["width"] <= window[0], text
        (left, top), (right, bottom) = desk.at(0, 0), desk.at(512, 512)
        assert right - left == pytest.approx(bottom - top, abs=1) and right - left >= 0.8 * window[1]
        assert 0 <= left < right <= window[0] and 0 <= top < bottom <= window[1]
        assert inside(corners(of(desk, "psoas_major")), *middle(of(desk, "lumbar_plexus")))
