"""From the catalogue to a ranking: what strategies see, the audit slice, and inputs that are refused."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from ranked_workspace import CLASSES, IDS, add_noise_frames, make_workspace, outline, predict, says

from dmr.active.pools import asked_of, gather_pool, measured_pace, network_says, round_of, train_side
from dmr.active.ranking import outgoing_frames, rank_unlabelled
from dmr.active.selecting import select_frames
from dmr.active.selection.order import NEED_A_MODEL
from dmr.active.selection.reasons import FROM_NOTHING
from dmr.active.selection.seconds import PRIOR
from dmr.active.selection.select import SIMULATED_ONLY
from dmr.active.selection.strategies import STRATEGIES, Parts
from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.records import CycleRecord, FrameRecord
from dmr.annotate.editing.checkout import draft_sheets
from dmr.annotate.errors import SettingsError, UsageError
from dmr.annotate.report import Report
from dmr.annotate.settings.model import PartsSettings, SelectSettings
from dmr.annotate.workspace import Session
from dmr.cli import main


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Eight patients with six frames each, ranked by a model; two frames of another patient are labelled."""
    workspace = make_workspace(tmp_path / "w")
    monkeypatch.chdir(workspace.root)
    with workspace.session(write=True, device="cpu") as session:
        frames = add_noise_frames(session, patients=8, frames=6)
        known = add_noise_frames(session, patients=1, frames=2, first=20, seed=9)
        predict(session, [*frames, *known])
        for frame in known:
            outline(session, frame, origin="import")
        yield session


def table(s: Session) -> list[dict[str, str]]:
    with (s.workspace.reports_folder / "ranking.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def order(s: Session, settings: SelectSettings | None = None) -> list[str]:
    return [r.frame_id for r in rank_unlabelled(s, settings=settings)[0].order]


def test_a_pool_holds_all_that_is_known_of_the_whole_unlabelled_pool(s: Session) -> None:
    frames, active = s.catalogue.unlabelled_frames(), s.catalogue.active_model()
    assert active is not None
    statistics = s.catalogue.latest_scores(active.id)
    pool, looks = gather_pool(s, frames, train_side(s.catalogue), statistics, benefit=None, seed=0)

    assert len(pool) == len(looks.candidates) == 48
    assert len(pool.names) == len(s.settings.classes.active)
    assert len(pool.labelled) == 2
    for known in (pool.entropy, pool.presence, pool.guessed, pool.bald, pool.seconds, pool.whole_bald):
        assert known is not None and len(known) == 48 and known.any()
    assert pool.embeddings is not None and pool.embeddings.dtype == np.float16
    assert pool.labelled.embeddings is not None and len(pool.labelled.embeddings) == 2
    assert pool.pixels is not None and pool.labelled.pixels is not None
    assert np.abs(pool.pixels.mean(1)).max() < 1e-5 and np.allclose(pool.pixels.std(1), 1, atol=0.01)
    row = statistics[pool.ids[0]]["classes"]
    k = pool.names.index("lumbar_plexus")
    assert pool.presence is not None and pool.presence[0, k] == row["lumbar_plexus"]["peak"]
    assert pool.round_number == 1


def test_frames_that_an_older_dmr_ingested_get_their_small_grey_values_and_keep_them(s: Session) -> None:
    before = {f.frame_id: f.small for f in s.catalogue.frames()}
    with s.catalogue.transaction() as connection:
        connection.execute(sa.update(t.rendition).values(small=None))
    order(s)
    after = {f.frame_id: f.small for f in s.catalogue.frames()}

    assert after == before
    assert None not in before.values()


def test_what_an_older_model_run_did_not_keep_is_unknown_and_never_a_crash(s: Session) -> None:
    rng = np.random.default_rng(0)
    old = says(rng)
    del old["whole"]
    for own in old["classes"].values():
        del own["length"], own["bald"]
        own["guessed_dice"] = None
    known = network_says([says(rng), old], s.settings.classes)

    assert known["seconds"] is known["whole_entropy"] is known["bald"] is None
    assert known["entropy"] is not None and known["guessed"][1].sum() == 0
    active = s.catalogue.active_model()
    assert active is not None
    frame = s.catalogue.unlabelled_frames()[0]
    kept = s.catalogue.latest_predictions(active.id, [frame.frame_id])[frame.frame_id]
    s.catalogue.add_predictions([replace(kept, scores=old)])

    assert len(order(s)) == 48
    with pytest.raises(UsageError, match="'entropy' needs entropy, which drafts of an older dmr lack"):
        order(s, replace(s.settings.select, strategy="entropy"))


def test_two_rankings_in_a_row_are_the_same_for_every_strategy(s: Session) -> None:
    for strategy in sorted(STRATEGIES.keys() - {"badge"}):
        settings = replace(s.settings.select, strategy=strategy, frames_per_round=10)
        assert order(s, settings) == order(s, settings), strategy


def test_the_table_tells_score_a_class_and_seconds_of_all_and_gives_no_audit_away(s: Session) -> None:
    ranking, _ = rank_unlabelled(s)
    rows = table(s)
    blind = s.catalogue.blind_audits()

    assert [r["frame"] for r in rows] == [r.frame_id for r in ranking.order]
    assert len(rows) == 48 and len(blind) == 3
    for row in rows:
        assert "random" not in row["reason"] and "audit" not in row["reason"]
        assert bool(row["seconds"]) == bool(row["score_psoas_major"]) == (row["frame"] not in blind)
    assert {r["reason"] for r in rows if r["frame"] in blind} == {FROM_NOTHING}
    shown = s.catalogue.audits().keys() - blind
    assert all("about" in r["reason"] and r["score"] for r in rows if r["frame"] in shown)


def test_the_audit_is_drawn_once_a_round_and_stands_among_the_first_frames(s: Session) -> None:
    first = order(s)
    audits = s.catalogue.audits()

    assert len(audits) == 6 and Counter(a.blind for a in audits.values()) == {True: 3, False: 3}
    assert {a.round for a in audits.values()} == {1}
    assert order(s) == first and s.catalogue.audits() == audits
    small = order(s, replace(s.settings.select, frames_per_round=12))
    assert len(audits.keys() & set(small[:12])) == 1, "a smaller round has its own share of them"
    assert audits.keys() <= set(small[: 12 + 5]), "the others come just after"
    assert s.catalogue.audits() == audits
    without = order(s, replace(s.settings.select, parts=PartsSettings(audit=False)))
    assert len(audits.keys() & set(without[:42])) < 6, "a part that is off puts none among the first"


def test_frames_of_the_slice_that_nobody_labelled_count_for_the_next_round(s: Session) -> None:
    order(s)
    first = s.catalogue.audits()
    predict(s, s.catalogue.frames(), model="v2", seed=4)
    s.catalogue.add_cycle(CycleRecord(incumbent="v1", candidate="v2", test_version=None, verdict="promoted", bounds={}))
    order(s)
    assert s.catalogue.audits().keys() == first.keys()
    assert {a.model for a in s.catalogue.audits().values()} == {"v2"}


def test_the_next_round_draws_other_frames_and_measures_the_new_model(s: Session) -> None:
    order(s)
    first = s.catalogue.audits()
    for frame in s.catalogue.frames(first):
        outline(s, frame, origin="import")
    frames = s.catalogue.frames()
    predict(s, frames, model="v2", seed=4)
    s.catalogue.add_cycle(CycleRecord(incumbent="v1", candidate="v2", test_version=None, verdict="promoted", bounds={}))
    assert round_of(s.catalogue) == 2
    order(s)
    second = s.catalogue.audits()

    assert len(second) == 6 + 5, "a share of the 42 frames that are left"
    assert {a.model for f, a in second.items() if f not in first} == {"v2"}
    assert {f: (a.round, a.blind) for f, a in second.items() if f in first} == {
        f: (1, a.blind) for f, a in first.items()
    }


def test_the_audit_is_fair_to_every_frame(s: Session) -> None:
    counts: Counter[str] = Counter()
    for seed in range(60):
        with s.catalogue.transaction() as connection:
            connection.execute(sa.delete(t.audit))
        rank_unlabelled(s, seed=seed)
        counts.update(s.catalogue.audits().keys())

    assert len(counts) == 48, "each frame can be drawn"
    assert max(counts.values()) <= 20, "about 7.5 times in 60"


def test_blind_frames_go_out_without_a_draft_which_the_catalogue_keeps(s: Session) -> None:
    ranking, _ = rank_unlabelled(s)
    blind, active = s.catalogue.blind_audits(), s.catalogue.active_model()
    assert active is not None
    drafts = s.catalogue.latest_predictions(active.id)
    for o in outgoing_frames(s, ranking):
        assert (o.draft is None) == (o.frame.frame_id in blind)
        assert drafts[o.frame.frame_id].shapes
    for sheet in draft_sheets(s.catalogue, s.catalogue.unlabelled_frames()):
        assert bool(sheet.annotation.shapes) == (sheet.model is not None) == (sheet.frame.frame_id not in blind)


def test_without_a_share_or_with_the_part_off_nothing_is_drawn_for_the_audit(s: Session) -> None:
    order(s, replace(s.settings.select, parts=PartsSettings(audit=False)))
    assert s.catalogue.audits() == {}


@pytest.mark.parametrize("frames", range(2, 9))
def test_asking_again_draws_no_more_whatever_the_number_of_frames(tmp_path: Path, frames: int) -> None:
    with make_workspace(tmp_path / "some").session(write=True, device="cpu") as s:
        predict(s, add_noise_frames(s, patients=4, frames=frames))
        order(s)
        drawn = s.catalogue.audits()
        assert len(drawn) == (round(0.12 * 4 * frames) if 4 * frames > 8 else 0)
        order(s)
        labelled(s, s.catalogue.frames(drawn)[:1])
        order(s)
        assert s.catalogue.audits() == drawn


def test_of_a_handful_of_frames_none_is_drawn_for_the_audit(tmp_path: Path) -> None:
    with make_workspace(tmp_path / "few").session(write=True, device="cpu") as s:
        predict(s, add_noise_frames(s, patients=2, frames=4))
        order(s)
        assert s.catalogue.audits() == {}


def test_scans_of_one_command_do_not_drive_the_others_out_of_the_ranking(s: Session) -> None:
    order(s)
    more = add_noise_frames(s, patients=2, frames=3, first=40, seed=77)
    predict(s, more)
    found = order(s)

    assert len(found) == len(table(s)) == 54


def test_every_part_can_be_switched_off_in_dmr_toml() -> None:
    names = [f for f in Parts.__slots__ if isinstance(getattr(Parts(), f), bool) and f != "by_guess"]
    off = PartsSettings(**dict.fromkeys(names, False))

    assert off.chosen.keys() == set(names)
    assert not any(getattr(asked_of(SelectSettings(parts=off)).parts, name) for name in names)
    assert asked_of(SelectSettings()).parts == Parts()


def test_measured_times_change_the_predicted_ones(s: Session) -> None:
    assert measured_pace(s.catalogue, s.settings.classes) == PRIOR
    for frame in s.catalogue.unlabelled_frames()[:20]:
        outline(s, frame, lead_time_s=240.0, draft_model="v1")
    slow = measured_pace(s.catalogue, s.settings.classes)

    assert slow.seconds(np.array([[2.0, 100.0]]))[0] > 2 * PRIOR.seconds(np.array([[2.0, 100.0]]))[0]


def test_frames_drawn_from_nothing_tell_the_pace_and_a_tab_left_open_does_not(s: Session) -> None:
    frames = s.catalogue.unlabelled_frames()
    work = np.array([[2.0, 100.0]])
    for frame in frames[:20]:
        outline(s, frame, lead_time_s=200.0, blind=True)
    slow = measured_pace(s.catalogue, s.settings.classes)
    for frame in frames[20:23]:
        outline(s, frame, lead_time_s=50_000.0, draft_model="v1")

    assert slow.seconds(work)[0] > 2 * PRIOR.seconds(work)[0]
    assert measured_pace(s.catalogue, s.settings.classes) == slow


def test_without_a_model_every_strategy_begins_cold_and_nothing_is_audited(tmp_path: Path) -> None:
    with make_workspace(tmp_path / "cold").session(write=True, device="cpu") as s:
        add_noise_frames(s, patients=6, frames=3)
        for strategy in STRATEGIES.keys() - SIMULATED_ONLY:
            ranking, _ = rank_unlabelled(s, settings=replace(s.settings.select, strategy=strategy, frames_per_round=6))
            assert len({ranking.frames[r.frame_id].patient for r in ranking.order[:6]}) >= 3
            assert all("please outline all that you see" in r.reason and r.score is None for r in ranking.order)
        assert STRATEGIES.keys() >= NEED_A_MODEL
        assert s.catalogue.audits() == {}
        assert round_of(s.catalogue) == 0


def labelled(s: Session, frames: list[FrameRecord]) -> None:
    for frame in frames:
        outline(s, frame)


def test_select_refuses_what_cannot_be_chosen_from_in_one_line_and_keeps_the_ranking(s: Session) -> None:
    order(s)
    before = (s.workspace.reports_folder / "ranking.csv").read_bytes()
    s.report = Report("select")
    for strategy, told in (("badge", "dmr simulate --strategies badge,random"), ("entropie", "is not known")):
        with pytest.raises(SettingsError, match=told) as caught:
            select_frames(s, strategy=strategy)
        assert "\n" not in str(caught.value) and caught.value.exit_code == 2
    frames = s.catalogue.unlabelled_frames()
    labelled(s, [f for f in frames if f.clip_id != frames[0].clip_id])
    with pytest.raises(UsageError, match="all 6 frames to choose from are of one clip"):
        select_frames(s)
    assert len(order(s)) == 6, "prelabel and push rank them all the same"
    s.workspace.reports_folder.joinpath("ranking.csv").write_bytes(before)
    labelled(s, s.catalogue.unlabelled_frames())
    with pytest.raises(UsageError, match="every frame is labelled already"):
        select_frames(s)
    assert (s.workspace.reports_folder / "ranking.csv").read_bytes() == before


def test_classes_of_another_name_and_classes_that_are_no_more_do_not_disturb(s: Session) -> None:
    known = network_says(
        [{"classes": {"gone": says(np.random.default_rng(0))["classes"][CLASSES[0]]}}], s.settings.classes
    )

    assert known["entropy"].shape == (1, len(s.settings.classes.active)) and not known["entropy"].any()
    assert IDS == (1, 6)


def test_the_command_prints_a_table_and_json(s: Session, tmp_path: Path) -> None:
    import json

    from click.testing import CliRunner

    s.catalogue.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dmr.annotate.workspace.Workspace.lock", _no_lock)
        told = CliRunner().invoke(main, ["select", "--frames", "4", "--device", "cpu"])
        data = CliRunner().invoke(main, ["select", "--frames", "4", "--device", "cpu", "--json"])
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0].split() == ["rank", "frame", "score", "weakest", "class", "guessed", "Dice", "seconds", "reason"]
    assert len(lines) == 6 and lines[5] == "and 44 more in reports/ranking.csv"
    found = json.loads(data.stdout)
    assert len(found["ranking"]) == 48 and found["strategy"] == "informative"
    assert any(set(row["scores"]) >= set(CLASSES) for row in found["ranking"])


def _no_lock(*_: object, **__: object) -> object:
    """The fixture's session holds the lock."""
    from contextlib import nullcontext

    return nullcontext()
