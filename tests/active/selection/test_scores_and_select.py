"""Scores see small structures; the order caps clips and puts near-copies last."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from dmr.active.selection.scores import boundary_length, plausible_bald, plausible_entropy, whole_frame
from dmr.active.selection.select import Candidate, select
from dmr.annotate.errors import SettingsError
from dmr.model.inference.predict import layer_probabilities


def field(p: float, side: int = 64, spot: int = 6) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    layer = np.full((side, side), 0.001, np.float32)
    layer[10 : 10 + spot, 10 : 10 + spot] = p
    return layer


def test_an_uncertain_small_nerve_scores_high_in_a_large_certain_frame() -> None:
    assert plausible_entropy(field(0.5)) > 0.9
    assert plausible_entropy(field(0.999)) < 0.1
    assert plausible_entropy(field(0.001)) < 0.05


def test_the_score_does_not_depend_on_how_much_background_there_is() -> None:
    assert plausible_entropy(field(0.5, side=64)) == pytest.approx(plausible_entropy(field(0.5, side=256)), abs=0.2)


def test_a_parent_has_the_probability_of_its_children_too() -> None:
    p = np.array([0.2, 0.3, 0.5], np.float32)[:, None, None]
    layers = layer_probabilities(p, class_ids=[4, 9], contains={4: frozenset({9})})

    assert layers[:, 0, 0].tolist() == pytest.approx([0.8, 0.5])


def test_mutual_information_is_high_where_looks_disagree_and_nothing_where_they_agree() -> None:
    layer = field(0.5)
    spread = np.where(layer == 0.5, 0.4, 0.0).astype(np.float32)

    assert plausible_bald(layer, spread) > 0.3
    assert plausible_bald(layer, np.zeros_like(layer)) == 0.0


def test_the_whole_frame_is_summed_up_as_information_theory_says() -> None:
    sure, torn = np.zeros((3, 4, 4), np.float32), np.full((3, 4, 4), 1 / 3, np.float32)
    sure[0] = 1.0
    two = np.zeros((2, 1, 1), np.float32)
    two[:, 0, 0] = 0.5, 0.5

    assert astuple(whole_frame(sure, np.zeros_like(sure))) == pytest.approx((0.0, 1.0, 0.0), abs=1e-4)
    assert astuple(whole_frame(torn, np.zeros_like(torn))) == pytest.approx((1.0, 0.0, 0.0), abs=1e-4)
    assert whole_frame(two, np.full_like(two, 0.1)).bald == pytest.approx(0.02 / np.log(2), rel=0.01)


def test_the_boundary_is_counted_in_pixels() -> None:
    mask = np.zeros((10, 10), bool)
    mask[2:6, 3:8] = True

    assert boundary_length(mask) == 14
    assert boundary_length(np.ones((3, 3), bool)) == 8
    assert boundary_length(np.zeros((3, 3), bool)) == 0


def candidate(name: str, clip: str, score: float | None, hash_: int | None = None) -> Candidate:
    text = None if hash_ is None else f"{hash_:016x}"
    return Candidate(name, clip, clip, 0.0, text, score, "why" if score is not None else "")


def test_at_most_two_of_a_clip_come_before_every_other_clip_had_its_turn() -> None:
    frames = [candidate(f"a{i}", "a", 0.9 - i / 100) for i in range(5)] + [candidate("b0", "b", 0.1)]
    ranked = select(frames, strategy="informative", per_clip=2)

    assert [r.frame_id for r in ranked] == ["a0", "a1", "b0", "a2", "a3", "a4"]
    assert [r.rank for r in ranked] == [1, 2, 3, 4, 5, 6]
    assert "2 better frames of its clip come first" in ranked[3].reason


def test_near_copies_within_a_clip_come_last_and_other_clips_are_left_alone() -> None:
    frames = [candidate("a0", "a", 0.9, 0), candidate("a1", "a", 0.8, 1), candidate("b0", "b", 0.1, 0)]
    ranked = select(frames, strategy="informative", per_clip=9)

    assert [r.frame_id for r in ranked] == ["a0", "b0", "a1"]
    assert "nearly the same picture" in ranked[2].reason


def test_without_scores_the_start_is_cold_and_every_clip_has_its_turn() -> None:
    frames = [candidate(f"{c}{i}", c, None, 2 ** (8 * i + 7) - 1) for c in "ab" for i in range(3)]
    ranked = select(frames, strategy="informative", per_clip=2)

    assert {r.frame_id[0] for r in ranked[:2]} == {"a", "b"}
    assert all("please outline all that you see" in r.reason for r in ranked)
    assert len({r.frame_id for r in ranked}) == 6


@pytest.mark.parametrize("strategy", ["informative", "random", "stratified", "foreground"])
def test_every_strategy_ranks_every_frame_once_and_the_same_way_each_time(strategy: str) -> None:
    frames = [candidate(f"{c}{i}", c, i / 10, 97 * i) for c in "abc" for i in range(4)]
    ranked = select(frames, strategy=strategy, per_clip=2, seed=3)

    assert sorted(r.frame_id for r in ranked) == sorted(c.frame_id for c in frames)
    assert ranked == select(frames[::-1], strategy=strategy, per_clip=2, seed=3)
    assert all(r.reason for r in ranked)


@pytest.mark.parametrize(
    ("strategy", "told"),
    [("informativ", "is not known"), ("badge", "needs the network's gradients"), ("bald", "needs more than scores")],
    ids=["unknown", "badge", "bald"],
)
def test_a_strategy_that_cannot_be_followed_is_one_line(strategy: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        select([candidate("a0", "a", 0.9)], strategy=strategy, per_clip=2)
