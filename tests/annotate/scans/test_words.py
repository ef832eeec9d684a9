"""Names painted where they are hard to tell from the image: blanked, or a person looks; clean frames are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from burned_in import LEAK
from painted_names import paint, paintings

from dmr.annotate.scans.deidentify import DRAWN, ON_DARK, TOUCHING, plan_cleaning

NUMBERS = range(1, 7)


@pytest.mark.parametrize("tagged", [False, True], ids=["no tags", "tags"])
@pytest.mark.parametrize("place", ["corner", "above", "below", "beside", "faded", "across"])
def test_a_name_at_the_edge_is_blanked_or_held(place: str, tagged: bool) -> None:
    seen = 0
    for painted in paintings(NUMBERS, place):
        cleaning = painted.clean_by(tagged=tagged)
        assert cleaning.unsure or cleaning.kept[painted.glyphs].mean() <= LEAK
        seen += 1
    assert seen >= 4


@pytest.mark.parametrize("tagged", [False, True], ids=["no tags", "tags"])
def test_without_a_name_nothing_is_held_and_next_to_nothing_blanked(tagged: bool) -> None:
    for painted in paintings(NUMBERS, "below"):
        cleaning = painted.clean_by(tagged=tagged, name=False)
        assert not cleaning.unsure
        assert cleaning.kept[painted.inside].mean() > 0.99
        assert cleaning.kept[~painted.inside].mean() < 0.05


def test_the_reason_says_what_was_seen() -> None:
    across, faded = paint(1, "across"), [p.clean_by(tagged=False).unsure for p in paintings(NUMBERS, "faded")]
    assert across is not None and across.clean_by(tagged=False).unsure == TOUCHING
    assert ON_DARK in faded


def test_a_fan_keeps_its_hollow_top_blank() -> None:
    painted = paint(2, "above")
    assert painted is not None
    kept = painted.clean_by(tagged=True).kept
    first = np.flatnonzero(painted.inside.any(axis=1))[0]
    columns = np.flatnonzero(painted.inside.any(axis=0))
    middle = int(columns[0] + columns[-1]) // 2
    assert not kept[first : first + 5, middle].any(), "a name may stand there, inside the region of the tags"


@pytest.mark.parametrize("tagged", [False, True], ids=["no tags", "tags"])
def test_an_outline_over_the_whole_frame_shows_no_name_unless_a_person_looks(tagged: bool) -> None:
    for place in ("corner", "above", "below"):
        for painted in paintings(range(1, 4), place):
            regions = (painted.region(),) if tagged else ()
            cleaning = plan_cleaning(
                [painted.frames[0]], regions=regions, drawn=np.ones(painted.inside.shape, np.bool_)
            )
            assert cleaning.unsure or cleaning.kept[painted.glyphs].mean() <= LEAK
            assert cleaning.kept.mean() < 0.9


def test_what_is_outlined_within_the_tags_region_is_kept_and_then_a_person_looks() -> None:
    painted = paint(2, "above")
    assert painted is not None
    x0, y0, x1, y1 = painted.region()
    drawn = np.zeros(painted.inside.shape, np.bool_)
    drawn[y0:y1, x0:x1] = True
    pixels = painted.clean[0].copy()
    pixels[y0 + 4 : y0 + 8, x0 + 4 : x0 + 24] = 200
    cleaning = plan_cleaning([pixels], regions=(painted.region(),), drawn=drawn)
    assert cleaning.unsure == DRAWN
    assert cleaning.kept[drawn].all() and not cleaning.kept[~drawn].any()
    assert not plan_cleaning([pixels], regions=(painted.region(),)).kept[y0 + 4, x0 + 4]
