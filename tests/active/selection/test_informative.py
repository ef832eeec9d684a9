"""The default selector: each of its parts does what it is for, and can be left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from selection_pools import bare, make_pool

from dmr.active.selection.foreground import foreground
from dmr.active.selection.informative import class_needs
from dmr.active.selection.reasons import FROM_NOTHING
from dmr.active.selection.strategies import Choice, Parts, Pool, informative

PLAIN = Parts(
    eligible=False,
    typical=False,
    classes=False,
    need=False,
    noise=False,
    diversity=False,
    spread=False,
    time=False,
    audit=False,
    fallback=False,
)


def rows(chosen: list[Choice]) -> list[int]:
    return [c.index for c in chosen]


def gain(pool: Pool) -> NDArray[np.floating]:
    assert pool.entropy is not None and pool.presence is not None
    return np.asarray((pool.entropy * pool.presence).mean(1))


def test_without_any_part_it_is_the_ranking_by_uncertainty() -> None:
    pool = make_pool()

    assert rows(informative(pool, 10, parts=PLAIN)) == list(np.argsort(-gain(pool))[:10])


def test_near_copies_of_a_chosen_frame_come_last() -> None:
    pool = make_pool(patients=2, frames=10)
    pixels = np.array(pool.pixels)
    pixels[1:9] = pixels[0]
    pool = replace(pool, pixels=pixels, presence=np.ones_like(pool.presence))

    on = informative(pool, 12, parts=replace(PLAIN, eligible=True, per_clip=20))
    off = informative(pool, 12, parts=PLAIN)

    assert sum(i < 9 for i in rows(on)) == 1
    assert sum(i < 9 for i in rows(off)) > 1


def test_near_copies_of_a_labelled_frame_come_last() -> None:
    pool = make_pool(patients=2, frames=10, labelled=2)
    pixels = np.array(pool.pixels)
    assert pool.labelled.pixels is not None
    pixels[:5] = pool.labelled.pixels[0]

    chosen = informative(replace(pool, pixels=pixels), 10, parts=replace(PLAIN, eligible=True, per_clip=20))

    assert not any(i < 5 for i in rows(chosen))


def test_a_clip_gives_two_frames_before_another_lap() -> None:
    pool = make_pool(patients=6)

    chosen = informative(pool, 12, parts=replace(PLAIN, eligible=True))
    more = informative(pool, 18, parts=replace(PLAIN, eligible=True))

    assert set(Counter(pool.clips[i] for i in rows(chosen)).values()) == {2}
    assert max(Counter(pool.clips[i] for i in rows(more)).values()) <= 4


def test_patients_take_turns() -> None:
    pool = make_pool(patients=6, labelled=4)
    presence = np.full((len(pool), 2), 0.01)
    presence[:10] = 1.0
    pool = replace(pool, presence=presence)

    def counts(parts: Parts) -> Counter[str]:
        found = Counter(pool.patients[i] for i in rows(informative(pool, 14, parts=parts)))
        found.update(pool.labelled.patients)
        return found

    assert set(counts(replace(PLAIN, spread=True)).values()) == {3}
    assert counts(replace(PLAIN, spread=True, lead=2))["p0"] == 5
    assert counts(PLAIN)["p0"] == 11


def test_a_patient_of_near_copies_alone_falls_out_of_the_turns() -> None:
    pool = make_pool(patients=3, frames=10, labelled=0)
    pixels = np.array(pool.pixels)
    pixels[:10] = pixels[0]
    pool = replace(pool, pixels=pixels)

    chosen = informative(pool, 9, parts=replace(PLAIN, eligible=True, spread=True))

    assert sorted(Counter(pool.patients[i] for i in rows(chosen)).values()) == [1, 4, 4]


def test_the_batch_is_shared_out_over_the_classes() -> None:
    pool = make_pool(frames=20)
    entropy = np.full((len(pool), 2), 0.01)
    entropy[:30, 0] = 1.0
    entropy[30:60, 1] = 0.2
    pool = replace(pool, entropy=entropy, presence=np.ones_like(entropy))

    on = rows(informative(pool, 12, parts=replace(PLAIN, classes=True)))
    off = rows(informative(pool, 12, parts=PLAIN))

    assert sum(30 <= i < 60 for i in on) == 4
    assert not any(30 <= i < 60 for i in off)


def test_a_class_that_is_predicted_badly_gets_more_of_the_batch() -> None:
    pool = make_pool(frames=20)
    entropy = np.full((len(pool), 2), 0.01)
    entropy[:30, 0] = entropy[30:60, 1] = 1.0
    guessed = np.tile([0.4, 0.9], (len(pool), 1))
    pool = replace(pool, entropy=entropy, presence=np.ones_like(entropy), guessed=guessed)

    chosen = rows(informative(pool, 14, parts=replace(PLAIN, classes=True, class_share=1.0, need=True)))

    assert sum(i < 30 for i in chosen) == 12


def test_noise_changes_the_order_early_and_hardly_late() -> None:
    def chosen(round_number: int, seed: int) -> list[int]:
        pool = replace(make_pool(seed=seed), round_number=round_number)
        return rows(informative(pool, 10, parts=replace(PLAIN, noise=True, last_beta=1e6)))

    assert chosen(1, 0) != chosen(1, 1)
    assert chosen(5, 0) == chosen(5, 1) == rows(informative(make_pool(), 10, parts=PLAIN))


def test_diverse_frames_are_taken_from_the_top_of_the_ranking() -> None:
    pool = make_pool()
    best = set(np.argsort(-gain(pool))[:16])

    on = rows(informative(pool, 4, parts=replace(PLAIN, diversity=True)))

    assert on != rows(informative(pool, 4, parts=PLAIN))
    assert set(on) <= best


def test_frames_that_take_less_time_come_first() -> None:
    pool = make_pool()
    assert pool.seconds is not None

    on = rows(informative(pool, 10, parts=replace(PLAIN, time=True)))

    assert on == list(np.argsort(-gain(pool) / pool.seconds)[:10])


def test_gain_may_go_by_the_guessed_dice() -> None:
    pool = replace(make_pool(), presence=np.ones((60, 2)))
    assert pool.guessed is not None

    assert rows(informative(pool, 10, parts=replace(PLAIN, by_guess=True))) == list(
        np.argsort(pool.guessed.mean(1))[:10]
    )


def test_the_audit_slice_is_drawn_at_random_and_marked() -> None:
    pool = make_pool(frames=20)

    chosen = informative(pool, 50, parts=replace(PLAIN, audit=True))
    audit = [c for c in chosen if c.audit]

    assert len(audit) == 6
    assert not any("random" in c.reason for c in chosen), "nothing gives the audit away"
    assert not any(c.audit for c in informative(pool, 50, parts=PLAIN))


def test_reasons_tell_the_structure_and_the_time() -> None:
    pool = replace(make_pool(), presence=np.ones((60, 2)), seconds=np.full(60, 41.0))

    chosen = informative(pool, 5, parts=replace(PLAIN, reasons=True))

    assert all("the border of the" in c.reason and "about 40 s" in c.reason for c in chosen)
    assert {c.reason for c in informative(pool, 5, parts=replace(PLAIN, reasons=False))} == {""}


def test_it_falls_back_to_the_baseline_where_the_audit_shows_no_benefit() -> None:
    pool = replace(make_pool(), benefit=False)

    fallen, baseline = informative(pool, 5), foreground(make_pool(), 5)

    assert rows(fallen) == rows(baseline)
    assert not any("random" in c.reason or "audit" in c.reason for c in fallen)
    assert rows(informative(replace(make_pool(), benefit=False), 5, parts=Parts(fallback=False))) != rows(baseline)


def test_what_it_falls_back_to_keeps_the_caps() -> None:
    pool = replace(make_pool(patients=6), benefit=False)
    cold = bare(make_pool(patients=6))

    for chosen in (informative(pool, 12), informative(cold, 12, parts=Parts(typical=False))):
        assert max(Counter(pool.clips[c.index] for c in chosen).values()) == 2


def test_the_first_round_takes_typical_frames_of_several_patients() -> None:
    pool = bare(make_pool(patients=6))

    on = informative(pool, 6)

    assert len({pool.patients[c.index] for c in on}) >= 5
    assert rows(on) != rows(informative(bare(make_pool(patients=6)), 6, parts=Parts(typical=False)))
    assert {c.reason for c in on} == {FROM_NOTHING}


@pytest.mark.parametrize("missing", ["embeddings", "pixels", "seconds", "guessed", "gradients"])
def test_what_is_not_known_is_left_out(missing: str) -> None:
    changes: dict[str, Any] = {missing: None}
    pool = replace(make_pool(), **changes)

    assert len(informative(pool, 12)) == 12


def test_the_lists_are_mixed_so_that_a_short_batch_is_a_smaller_batch() -> None:
    pool = make_pool(frames=30)
    entropy = np.full((len(pool), 2), 0.01)
    entropy[:90, 0] = entropy[90:, 1] = 1.0
    pool = replace(pool, entropy=entropy, presence=np.ones_like(entropy))

    half = rows(informative(pool, 30, parts=replace(PLAIN, classes=True, class_share=1.0)))[:15]

    assert abs(sum(i < 90 for i in half) - 7.5) <= 1


def test_a_class_that_the_model_has_not_learnt_gets_no_share() -> None:
    pool = make_pool()
    presence, entropy = (np.c_[known, np.zeros(len(pool))] for known in (pool.presence, pool.entropy))
    guessed = np.c_[pool.guessed, np.zeros(len(pool))]
    wider = replace(pool, names=(*pool.names, "bone"), presence=presence, entropy=entropy, guessed=guessed, bald=None)

    assert class_needs(wider, Parts()) == pytest.approx([*class_needs(pool, Parts()), 0])
    assert not any("bone" in c.reason for c in informative(wider, 20))
