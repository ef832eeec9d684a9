"""The whole order: the first frames by a strategy within the caps, the audit among them, the others by gain."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from selection_pools import bare, make_pool

from dmr.active.selection.informative import gains
from dmr.active.selection.order import NEED_A_MODEL, Asked, Looks, Place, in_order
from dmr.active.selection.pool import NotKnownError, Pool
from dmr.active.selection.strategies import STRATEGIES, Parts


def ordered(pool: Pool, asked: Asked, **more: object) -> list[Place]:
    return in_order(pool, asked, looks=Looks([None] * len(pool)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@pytest.mark.parametrize("with_model", [True, False], ids=["model", "cold start"])
def test_every_strategy_places_every_frame_once_within_the_caps(strategy: str, with_model: bool) -> None:
    pool = make_pool(patients=8, frames=6) if with_model else bare(make_pool(patients=8, frames=6))
    asked = Asked(strategy=strategy, first=10, per_clip=2, per_patient=2)
    places = ordered(pool, asked)
    again = ordered(replace(pool, rng=np.random.default_rng(0)), asked)

    assert sorted(p.row for p in places) == list(range(48))
    assert max(Counter(pool.clips[p.row] for p in places[:10]).values()) <= 2
    assert all(p.reason for p in places)
    assert [p.row for p in again] == [p.row for p in places], "the same seed gives the same order"


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_patient_with_two_clips_keeps_the_cap_of_a_patient(strategy: str) -> None:
    pool = make_pool(patients=8, frames=6)
    pool = replace(pool, clips=tuple(f"{p}-{k % 3}" for k, p in enumerate(pool.patients)))
    places = ordered(pool, Asked(strategy=strategy, first=16, per_clip=2, per_patient=2))

    assert set(Counter(pool.patients[p.row] for p in places[:16]).values()) == {2}


def test_where_only_one_clip_is_left_the_caps_give_way() -> None:
    pool = make_pool(patients=1, frames=10)

    for strategy in STRATEGIES:
        places = ordered(pool, Asked(strategy=strategy, first=6, per_clip=2, per_patient=1))
        assert len(places) == 10


def test_an_empty_pool_gives_an_empty_order() -> None:
    empty = Pool((), (), (), np.random.default_rng(0))

    assert all(ordered(empty, Asked(strategy=strategy)) == [] for strategy in STRATEGIES)


@pytest.mark.parametrize("strategy", sorted(NEED_A_MODEL - {"badge", "clasp-pe"}))
def test_a_strategy_without_what_it_needs_says_what_it_needs(strategy: str) -> None:
    pool = replace(make_pool(), whole_entropy=None, whole_margin=None, whole_bald=None)

    with pytest.raises(NotKnownError):
        ordered(pool, Asked(strategy=strategy))


def test_the_others_come_by_gain_with_clips_in_turn() -> None:
    pool = make_pool(patients=4, frames=6)
    places = ordered(pool, Asked(first=0, per_clip=2))
    gain = gains(pool, Parts())[0]
    first, second = places[:8], places[8:16]

    for lap in (first, second):
        assert set(Counter(pool.clips[p.row] for p in lap).values()) == {2}
        values = [gain[p.row] for p in lap]
        assert values == sorted(values, reverse=True)
    assert "2 better frames of its clip come first" in second[0].reason
    assert [p.gain for p in places] == [float(gain[p.row]) for p in places]


def test_near_copies_of_frames_before_them_and_of_labelled_frames_come_last() -> None:
    pool = make_pool(patients=3, frames=4, labelled=1)
    hashes = [f"{(i + 1) * 0x0F0F_1234_5678_9ABC % 2**64:016x}" for i in range(12)]
    hashes[1] = hashes[0]
    hashes[5] = "ffffffffffffffff"
    looks = Looks(hashes, ["fffffffffffffff8"])
    in_p1 = replace(pool.labelled, clips=("p1",))
    places = in_order(replace(pool, labelled=in_p1), Asked(first=0), looks=looks)

    last = {p.row for p in places[10:]}
    assert last in ({0, 5}, {1, 5})
    assert all(p.reason.startswith("nearly the same picture") for p in places[10:])


def test_frames_of_the_audit_stand_where_they_were_drawn_and_look_like_any_other() -> None:
    pool = make_pool(patients=8, frames=6)
    audits = {3: 0.0, 20: 0.5, 41: 0.999}
    places = ordered(pool, Asked(first=13), audits=audits)
    ranks = {p.row: k for k, p in enumerate(places)}

    assert (ranks[3], ranks[41]) == (0, 12)
    assert 5 <= ranks[20] <= 7
    for p in places:
        assert "random" not in p.reason and "audit" not in p.reason
        assert "about" in p.reason


def test_what_is_chosen_does_not_hang_on_the_audit_being_asked_again() -> None:
    pool = make_pool(patients=8, frames=6)
    audits = {3: 0.2, 20: 0.5}
    one = ordered(pool, Asked(first=13), audits=audits)
    other = ordered(replace(pool, rng=np.random.default_rng(0)), Asked(first=13), audits=audits)

    assert one == other


def test_at_a_cold_start_any_number_of_frames_is_spread_over_the_time_of_their_clips() -> None:
    pool = bare(make_pool(patients=2, frames=8))
    rows = [p.row for p in ordered(pool, Asked(first=0, per_clip=1))]

    assert {r % 8 for r in rows[:4]} == {0, 4}
    assert {r % 8 for r in rows[:8]} == {0, 2, 4, 6}


def test_twenty_thousand_frames_are_in_order_within_seconds() -> None:
    pool = make_pool(patients=400, frames=50, labelled=200)
    rng = np.random.default_rng(5)
    looks = Looks([f"{v:016x}" for v in rng.integers(0, 2**63, len(pool))], [None] * 200)
    began = perf_counter()
    places = in_order(pool, Asked(first=50), looks=looks)

    assert len(places) == 20_000
    assert perf_counter() - began < 30
