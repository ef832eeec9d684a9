"""Reasons read as a physician would say them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from selection_pools import bare, make_pool

from dmr.active.selection.reasons import why


@pytest.mark.parametrize(
    ("entropy", "presence", "about", "told"),
    [
        (0.9, 1.0, None, "the border of the femoral nerve is very uncertain"),
        (0.5, 1.0, None, "the border of the femoral nerve is uncertain"),
        (0.1, 1.0, None, "the model is fairly sure of the femoral nerve; please confirm it"),
        (0.9, 0.3, None, "the model may have missed the femoral nerve"),
        (0.9, 0.1, 0, "the model finds no femoral nerve"),
        (0.9, 0.1, None, "the model finds none of the structures"),
    ],
)
def test_a_reason_says_what_the_model_thinks_of_the_frame(
    entropy: float, presence: float, about: int | None, told: str
) -> None:
    pool = make_pool(patients=2, frames=1, labelled=1)
    pool = replace(
        pool,
        names=("femoral_nerve", "artery"),
        entropy=np.array([[entropy, 0.0]] * 2),
        presence=np.array([[presence, 0.0]] * 2),
        seconds=np.array([41.0, 2.0]),
    )

    assert why(pool, 0, about=about) == f"{told}; about 40 s"
    assert why(pool, 1, about=about) == f"{told}; no frame of this patient is outlined yet; about 5 s"


def test_before_there_is_a_model_it_says_no_more_than_is_known() -> None:
    pool = bare(make_pool(labelled=0))
    assert why(pool, 0) == "not outlined yet; no frame of this patient is outlined yet"
