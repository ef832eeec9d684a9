"""Scores see small structures; the order caps clips and puts near-copies last."""

from __future__ import annotations

import numpy as np
import pytest

from dmr.active.selection.scores import ClassScore, class_scores, frame_score, plausible_entropy, reason
from dmr.active.selection.select import SELECTORS, Candidate, select
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


def test_a_frame_scores_the_mean_of_its_classes() -> None:
    scores = class_scores(np.stack([field(0.5), field(0.999)]), np.ones((2, 8, 8), bool), names=["a", "b"])

    assert frame_score(scores) == pytest.approx(np.mean([s.entropy for s in scores]))
    assert frame_score([]) == 0.0


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([ClassScore("lumbar_plexus", 0.7, 0.9, 0.01)], "lumbar plexus border very uncertain (0.70)"),
        ([ClassScore("a", 0.1, 0.9, 0.1), ClassScore("b", 0.5, 0.4, 0.0)], "b may be missed (40% likely)"),
        ([ClassScore("a", 0.1, 0.05, 0.0)], "the model finds none"),
        ([ClassScore("a", 0.6, 0.45, 0.0)], "a may be there (45% likely)"),
    ],
    ids=["uncertain", "missed", "nothing", "nothing but likely"],
)
def test_the_reason_says_what_to_look_at(scores: list[ClassScore], words: str) -> None:
    assert words in reason(scores)


def candidate(name: str, clip: str, score: float | None, hash_: int | None = None) -> Candidate:
    text = None if hash_ is None else f"{hash_:016x}"
    return Candidate(name, clip, clip, 0.0, text, score, "why" if score is not None else "")


def test_at_most_two_of_a_clip_come_before_every_other_clip_had_its_turn() -> None:
    frames = [candidate(f"a{i}", "a", 0.9 - i / 100) for i in range(5)] + [candidate("b0", "b", 0.1)]
    ranked = select(frames, strategy="informative", per_clip=2)

    assert [r.frame_id for r in ranked] == ["a0", "a1", "b0", "a2", "a3", "a4"]
    assert [r.rank for r in ranked] == [1, 2, 3, 4, 5, 6]
    assert "after 2 better frames of its clip" in ranked[3].reason


def test_near_copies_within_a_clip_come_last_and_other_clips_are_left_alone() -> None:
    frames = [candidate("a0", "a", 0.9, 0), candidate("a1", "a", 0.8, 1), candidate("b0", "b", 0.1, 0)]
    ranked = select(frames, strategy="informative", per_clip=9)

    assert [r.frame_id for r in ranked] == ["a0", "b0", "a1"]
    assert "nearly the same picture" in ranked[2].reason


def test_without_scores_the_start_is_cold_and_every_clip_has_its_turn() -> None:
    frames = [candidate(f"{c}{i}", c, None, 2 ** (8 * i + 7) - 1) for c in "ab" for i in range(3)]
    ranked = select(frames, strategy="informative", per_clip=2)

    assert {r.frame_id[0] for r in ranked[:2]} == {"a", "b"}
    assert all("no model yet" in r.reason for r in ranked)
    assert len({r.frame_id for r in ranked}) == 6


@pytest.mark.parametrize("strategy", list(SELECTORS))
def test_every_strategy_ranks_every_frame_once_and_the_same_way_each_time(strategy: str) -> None:
    frames = [candidate(f"{c}{i}", c, i / 10, 97 * i) for c in "abc" for i in range(4)]
    ranked = select(frames, strategy=strategy, per_clip=2, seed=3)

    assert sorted(r.frame_id for r in ranked) == sorted(c.frame_id for c in frames)
    assert ranked == select(frames[::-1], strategy=strategy, per_clip=2, seed=3)
    assert all(r.reason for r in ranked)
