"""What every strategy keeps to, and what each is for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from selection_pools import bare, make_pool

from dmr.active.selection.distance import unit
from dmr.active.selection.strategies import STRATEGIES, Choice, Labelled, Pool
from dmr.active.selection.typiclust import CHUNK, NEIGHBOURS, typicality

ALL = pytest.mark.parametrize("name", STRATEGIES)


def ids(chosen: list[Choice]) -> list[str]:
    return [c.frame_id for c in chosen]


@ALL
def test_a_strategy_gives_as_many_different_frames_as_asked_for(name: str) -> None:
    pool = make_pool()

    chosen = STRATEGIES[name](pool, 12)

    assert len(chosen) == len(set(ids(chosen))) == 12
    assert all(pool.ids[c.index] == c.frame_id and c.reason for c in chosen)


@ALL
def test_the_same_generator_gives_the_same_frames_in_the_same_order(name: str) -> None:
    assert ids(STRATEGIES[name](make_pool(seed=3), 12)) == ids(STRATEGIES[name](make_pool(seed=3), 12))


@ALL
def test_asking_for_more_than_there_is_gives_all(name: str) -> None:
    pool = make_pool(patients=2, frames=4)

    assert sorted(ids(STRATEGIES[name](pool, 50))) == list(pool.ids)


@ALL
def test_a_pool_of_one_clip_is_no_trouble(name: str) -> None:
    assert len(STRATEGIES[name](make_pool(patients=1, frames=9, labelled=1), 5)) == 5


@ALL
def test_nothing_is_chosen_of_nothing(name: str) -> None:
    pool = make_pool(patients=2, frames=4)

    assert STRATEGIES[name](pool, 0) == []


@pytest.mark.parametrize("name", ["informative", "random", "stratified", "foreground", "typiclust", "coreset"])
def test_a_strategy_begins_without_a_network(name: str) -> None:
    assert len(STRATEGIES[name](bare(make_pool()), 12)) == 12


@pytest.mark.parametrize("name", ["entropy", "margin", "bald", "power-bald", "badge", "clasp-pe"])
def test_a_strategy_that_needs_a_network_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="needs it"):
        STRATEGIES[name](bare(make_pool()), 12)


@pytest.mark.parametrize("name", ["coreset", "typiclust"])
def test_without_embeddings_and_pixels_a_strategy_of_distances_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="embeddings"):
        STRATEGIES[name](replace(make_pool(), embeddings=None, pixels=None), 3)


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("entropy", lambda p: np.argmax(p.whole_entropy)),
        ("margin", lambda p: np.argmin(p.whole_margin)),
        ("bald", lambda p: np.argmax(p.whole_bald)),
    ],
    ids=["entropy", "margin", "bald"],
)
def test_a_ranking_begins_with_the_highest_score(name: str, best: object) -> None:
    pool = make_pool()
    assert callable(best)

    assert STRATEGIES[name](pool, 3)[0].index == best(pool)


@pytest.mark.parametrize("name", ["stratified", "foreground"])
def test_patients_with_few_labelled_frames_come_first(name: str) -> None:
    pool = make_pool(patients=6, labelled=4)
    pool = replace(pool, presence=np.ones_like(pool.presence))

    patients = Counter([pool.patients[c.index] for c in STRATEGIES[name](pool, 8)])
    patients.update(pool.labelled.patients)

    assert set(patients.values()) == {2}


def test_the_baseline_draws_mostly_frames_in_which_a_class_is_predicted() -> None:
    pool = make_pool(frames=30)
    presence = np.zeros((len(pool), 2))
    presence[::3] = 1.0

    chosen = STRATEGIES["foreground"](replace(pool, presence=presence), 30)

    assert sum(c.index % 3 == 0 for c in chosen) >= 20


def test_the_core_set_takes_the_frame_farthest_from_what_is_labelled() -> None:
    vectors = np.array([[1.0, 0.1], [1.0, -0.1], [0.9, 0.0], [-1.0, 0.0]])
    pool = Pool(("a", "b", "c", "d"), ("x",) * 4, ("x",) * 4, np.random.default_rng(0), embeddings=vectors)
    pool = replace(pool, labelled=Labelled(("y",), ("y",), np.array([[1.0, 0.0]])))

    assert STRATEGIES["coreset"](pool, 1)[0].frame_id == "d"


def test_typical_frames_come_of_every_cluster() -> None:
    made = np.random.default_rng(0)
    vectors = np.concatenate([made.normal(centre, 0.1, (20, 2)) for centre in ([5, 0], [-5, 0], [0, 5])])
    names = tuple(str(i) for i in range(60))
    pool = Pool(names, names, names, np.random.default_rng(0), embeddings=vectors)

    assert {c.index // 20 for c in STRATEGIES["typiclust"](pool, 3)} == {0, 1, 2}


def test_clasp_pe_asks_for_each_class_by_its_own_entropy() -> None:
    pool = make_pool(frames=20)
    entropy = np.full((len(pool), 2), 0.01)
    entropy[:10, 0] = entropy[10:20, 1] = 1.0
    pool = replace(pool, entropy=entropy, presence=np.ones_like(entropy), round_number=6)

    chosen = [c.index for c in STRATEGIES["clasp-pe"](pool, 18)]

    assert sum(i < 10 for i in chosen) >= 6
    assert sum(10 <= i < 20 for i in chosen) >= 6


def test_a_pool_refuses_rows_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="seconds: 3 rows for 60 candidates"):
        replace(make_pool(), seconds=np.ones(3))
    with pytest.raises(ValueError, match="a frame is there twice"):
        Pool(("a", "a"), ("x", "x"), ("x", "x"), np.random.default_rng(0))


def test_typicality_of_a_large_cluster_is_one_over_the_mean_distance_to_the_nearest() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(CHUNK + 300, 6)).astype(np.float32))

    found = typicality(vectors)

    distance = np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2)
    near = np.sort(distance, axis=1)[:, 1 : 1 + NEIGHBOURS]
    assert found == pytest.approx(1 / near.mean(1), rel=1e-3)
