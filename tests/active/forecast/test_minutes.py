"""`dmr status` tells seconds a frame and the minutes that drafts save, and says so where nobody can know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from ranked_workspace import add_noise_frames, make_workspace, outline, predict

from dmr.active.forecast.saved import LEAST_DRAWN, Timed, saved
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.workspace import Session
from dmr.cli import main

LENGTHS = {1: 60.0, 6: 40.0}
DRAWN_S, CORRECTED_S = 80.0, 30.0


def frames(
    patients: int, seconds: float, *, model: str | None, author: str = "ann", spread: float = 0.3, seed: int = 0
) -> list[Timed]:
    """Three frames of each patient, whose times scatter around `seconds`."""
    rng = np.random.default_rng([seed, int(seconds)])
    kind = "drawn" if model is None else "corrected"
    noise = rng.lognormal(-(spread**2) / 2, spread, (patients, 3))
    return [
        Timed(f"{kind} {p}", author, float(seconds * noise[p, k]), model, LENGTHS, frozenset({6}))
        for p in range(patients)
        for k in range(3)
    ]


def test_what_drafts_save_is_found_with_an_interval_that_holds_it() -> None:
    held = 0
    for seed in range(40):
        found = saved(frames(8, DRAWN_S, model=None, seed=seed) + frames(20, CORRECTED_S, model="v1", seed=seed)).whole
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.frames == 60
        assert found.saved_s == pytest.approx(DRAWN_S - CORRECTED_S, abs=25)
        held += found.low <= DRAWN_S - CORRECTED_S <= found.high
    assert 34 <= held <= 40, "95 % intervals"


def test_a_slow_physicians_corrections_are_held_against_slow_drawing() -> None:
    """Else drafts would seem to cost time where only the slow one corrects."""
    quick = frames(8, 40.0, model=None, author="quick", spread=0.1)
    slow = frames(8, 160.0, model=None, author="slow", spread=0.1)
    slow += frames(10, 100.0, model="v1", author="slow", spread=0.1)
    found = saved(quick + slow)

    assert found.whole is not None
    assert found.whole.saved_s == pytest.approx(60.0, abs=15)
    assert found.by_author["quick"].frames == 0


def test_a_physician_who_drew_too_little_from_nothing_is_not_compared() -> None:
    enough = frames(6, DRAWN_S, model=None) + frames(6, CORRECTED_S, model="v1")
    stranger = frames(10, 5.0, model="v1", author="bob") + frames(1, 70.0, model=None, author="bob")
    found, without = saved(enough + stranger), saved(enough)

    assert found.whole == without.whole
    assert found.corrected == without.corrected + 30
    assert "bob" in found.seconds_by_author


@pytest.mark.parametrize("overnight", [None, "v1"], ids=["drawn", "corrected"])
def test_a_tab_that_was_left_open_is_left_out_and_a_long_correction_is_not(overnight: str | None) -> None:
    usual = frames(8, DRAWN_S, model=None) + frames(20, CORRECTED_S, model="v1")
    open_tab = Timed("p", "ann", 36_000.0, overnight, LENGTHS)
    thorough = Timed("p", "ann", 280.0, "v1", LENGTHS)

    assert saved([*usual, open_tab]).whole == saved(usual).whole
    assert saved([*usual, open_tab]).left_out == 1
    assert saved([*usual, thorough]).left_out == 0


def test_with_few_frames_drawn_from_nothing_nothing_is_claimed() -> None:
    few = frames(3, DRAWN_S, model=None) + frames(20, CORRECTED_S, model="v1")
    assert len([one for one in few if one.model is None]) < LEAST_DRAWN
    assert saved(few).whole is None
    assert saved([]) == saved([])
    assert not saved([]).is_told


def test_a_structures_time_goes_to_what_was_changed() -> None:
    found = saved(frames(8, DRAWN_S, model=None) + frames(20, CORRECTED_S, model="v1")).structures

    assert (found[1].as_drafted, found[6].as_drafted) == (60, 0)
    assert found[1].corrected_s == 0
    assert found[6].corrected_s > 0
    assert found[1].drawn_s > found[6].drawn_s > 0, "the longer outline takes longer"


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    workspace = make_workspace(tmp_path / "w")
    monkeypatch.chdir(workspace.root)
    with workspace.session(write=True) as s:
        predict(s, add_noise_frames(s, patients=12, frames=3))
        yield s


def draw(s: Session, frame: FrameRecord, seconds: float, **more: Any) -> None:
    drafted = "draft_model" in more
    outline(s, frame, left=12.0, blind=not drafted, lead_time_s=seconds, author="ann@ward.example", **more)


def status(*more: str) -> str:
    return CliRunner().invoke(main, ["status", *more], catch_exceptions=False).stdout


def test_status_says_seconds_minutes_and_a_physicians_name_only_where_names_are_shown(s: Session) -> None:
    assert "Time in" not in status(), "nothing is known yet"
    every = s.catalogue.frames()
    for k, frame in enumerate(every[:9]):
        draw(s, frame, 80.0 + k)
    for frame in every[18:33]:
        draw(s, frame, 30.0, draft_model="v1")
    told = status()
    assert "Time in Label Studio: 15 drafts corrected, 30 s each." in told
    assert "Too few frames drawn from nothing to say what drafts save: 9 of 10." in told
    for frame in every[9:18]:
        draw(s, frame, 84.0)
    draw(s, every[35], 40_000.0, draft_model="v1")
    told = status("--minutes")

    assert "takes 84 s, by frames that went out without a draft." in told
    assert "  Drafts have saved 13 minutes (1" in told
    assert "Left out: 1 frame over 5 minutes" in told
    for head in ("drafts of", "physician", "structure", "ann@ward.example", "lumbar_plexus"):
        assert head in told
    assert "ann@ward.example" not in status(), "the tables are asked for"
    found = json.loads(status("--json"))["minutes"]
    assert found["saved"]["low"] < found["saved"]["saved_s"] < found["saved"]["high"]
    for hidden in (status("--minutes", "--hide-names"), status("--json", "--hide-names")):
        assert "ann@" not in hidden
        assert "text-" in hidden


def test_a_frame_submitted_twice_counts_once_with_its_last_time(s: Session) -> None:
    """Label Studio adds up the time of an annotation that is opened again."""
    frame = s.catalogue.frames()[0]
    outline(s, frame, lead_time_s=20.0, draft_model="v1")
    outline(s, frame, left=14.0, lead_time_s=35.0, draft_model="v1")
    outline(s, frame, left=15.0, lead_time_s=500.0, parent=None)  # neither drawn from nothing nor over a draft
    (timed,) = s.catalogue.timed_drawings()

    assert (timed.seconds, timed.model) == (35.0, "v1")
