"""`dmr status` reads from the audit slice how good drafts are, whether they lead, and whether choosing pays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from ranked_workspace import IDS, add_noise_frames, make_workspace, outline, predict

from dmr.annotate.catalogue.audits import AuditRecord
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.overview.audit_figures import audit_figures
from dmr.annotate.overview.audit_table import audit_data, audit_lines
from dmr.annotate.workspace import Session
from dmr.cli import main

NEAR, FAR = 11.0, 20.0  # left sides of squares of 20 px whose draft begins at 10: Dice 0.95 and 0.5


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    workspace = make_workspace(tmp_path / "w")
    monkeypatch.chdir(workspace.root)
    with workspace.session(write=True, device="cpu") as session:
        predict(session, add_noise_frames(session, patients=11, frames=6))
        yield session


def dealt(s: Session, *, blind: int, shown: int, chosen: int) -> tuple[list[FrameRecord], ...]:
    """Frames of each kind, spread over the patients."""
    frames = sorted(s.catalogue.frames(), key=lambda f: f.frame_id)
    parts = frames[:blind], frames[blind : blind + shown], frames[blind + shown : blind + shown + chosen]
    s.catalogue.add_audits(
        AuditRecord(frame=f.frame_id, round=1, blind=k == 0, model="v1") for k in (0, 1) for f in parts[k]
    )
    return parts


def submitted(s: Session, frames: list[FrameRecord], *, left: float, blind: bool = False) -> None:
    for frame in frames:
        outline(s, frame, left=left, blind=blind, draft_model=None if blind else "v1")


def test_nothing_is_said_before_anything_was_drawn_and_too_few_is_said_honestly(s: Session) -> None:
    assert audit_lines(audit_figures(s.catalogue), s.settings.classes) == []
    blind, shown, _ = dealt(s, blind=3, shown=3, chosen=0)
    submitted(s, blind, left=FAR, blind=True)
    submitted(s, shown, left=NEAR)
    figures = audit_figures(s.catalogue)
    text = "\n".join(audit_lines(figures, s.settings.classes))

    assert "Audit: 6 frames drawn at random; outlined 3 over the model's draft and 3 without seeing it" in text
    assert "Too few yet to say how good the drafts are" in text
    assert (figures.dice("blind"), figures.bias, figures.benefit) == (None, None, None)
    assert audit_data(figures, s.settings.classes)["dice"] == {"blind": None, "shown": None}


def test_quality_and_automation_bias_are_told_with_their_intervals(s: Session) -> None:
    blind, shown, _ = dealt(s, blind=20, shown=20, chosen=0)
    submitted(s, blind, left=FAR, blind=True)
    submitted(s, shown, left=NEAR)
    figures = audit_figures(s.catalogue)
    own, seen, bias = figures.dice("blind"), figures.dice("shown", IDS[0]), figures.bias
    assert own is not None and seen is not None and bias is not None

    assert own.value == pytest.approx(0.5, abs=0.01) and own.frames == 20
    assert seen.value == pytest.approx(0.95, abs=0.01)
    assert bias.value == pytest.approx(0.45, abs=0.02) and bias.low > 0.4
    text = "\n".join(audit_lines(figures, s.settings.classes))
    assert "Automation bias: +0.45" in text and "nearer to the draft where it was shown" in text
    assert "0.50 (0.50 to 0.50)" in text
    assert figures.benefit is None, "nothing was chosen"


@pytest.mark.parametrize(("left", "pays"), [(FAR, True), (NEAR, False)], ids=["worse drafts", "as good drafts"])
def test_choosing_pays_if_chosen_drafts_need_more_correction_than_random_ones(
    s: Session, left: float, pays: bool
) -> None:
    _, shown, chosen = dealt(s, blind=0, shown=20, chosen=20)
    submitted(s, shown, left=NEAR)
    submitted(s, chosen, left=left)
    figures = audit_figures(s.catalogue)

    assert figures.benefit is pays
    line = figures.no_benefit_line()
    assert (line is None) == pays
    if line is not None:
        assert "0.95 against 0.95, 20 and 20 frames" in line and "\n" not in line


def test_a_frame_that_was_not_drawn_as_the_slice_wanted_is_no_evidence(s: Session) -> None:
    blind, shown, _ = dealt(s, blind=2, shown=2, chosen=0)
    submitted(s, blind, left=NEAR)  # somebody saw the draft all the same
    for frame in shown:
        outline(s, frame, origin="import", left=FAR)  # outlined elsewhere
    figures = audit_figures(s.catalogue)

    assert not figures.frames["blind"] and not figures.frames["shown"]


def test_the_command_shows_it(s: Session) -> None:
    blind, shown, _ = dealt(s, blind=10, shown=10, chosen=0)
    submitted(s, blind, left=FAR, blind=True)
    submitted(s, shown, left=NEAR)
    s.catalogue.close()
    result = CliRunner().invoke(main, ["status"])

    assert "Dice of drafts" in result.output, "though the model of this test has no card"
    assert "Too few yet to say whether drafts lead physicians: it takes 20 frames" in result.output
