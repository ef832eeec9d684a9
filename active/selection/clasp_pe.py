"""ClaSP PE: class-stratified, scheduled power predictive entropy (arXiv:2601.13677)."""

from __future__ import annotations

from typing import Final

import numpy as np

from .noise import power_noise, scheduled_beta
from .pool import Choice, Floats, Pool, needed
from .turns import shares

SHARE: Final = 0.66  # of the batch shared out over the classes, as published


def clasp_pe(pool: Pool, n: int) -> list[Choice]:
    """Choose two thirds by each class's entropy and the rest by the whole frame's, with noise that decays.

    The published method scores patches of volumes by the entropy where a class is predicted; here a frame is scored
    by the entropy over the class's plausible region, times the class's highest probability.
    """
    entropy, presence = needed(pool.entropy, "entropy"), needed(pool.presence, "presence")
    beta = scheduled_beta(pool)
    quotas = shares(round(SHARE * n), np.ones(len(pool.names)))
    taken = np.zeros(len(pool), bool)
    chosen: list[Choice] = []
    lists: list[tuple[str, Floats]] = [
        (f"{name.replace('_', ' ')} uncertain", entropy[:, k] * presence[:, k]) for k, name in enumerate(pool.names)
    ]
    lists.append(("the model is uncertain", needed(pool.whole_entropy, "entropy")))
    for (why, scores), quota in zip(lists, [*quotas, n - sum(quotas)], strict=True):
        noisy = power_noise(scores, beta=beta, rng=pool.rng)
        noisy[taken] = -np.inf
        for i in np.argsort(-noisy, kind="stable")[: min(quota, int((~taken).sum()))]:
            taken[i] = True
            chosen.append(Choice(int(i), pool.ids[i], f"{why} ({scores[i]:.2f})", float(noisy[i])))
    return [chosen[k] for k in pool.rng.permutation(len(chosen))]
