"""The bootstrap over patients: who is drawn, and what the mean is then."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dmr.model.evaluation.bootstrap import (
    drawn_patients,
    mean_of_known,
    patients_of,
    resampled_means,
    sums_by_patient,
)

ROWS = pd.DataFrame({"patient": ["a", "a", "b", None, None], "name": ["nerve", "muscle", "nerve", "nerve", "nerve"]})
DICE = [0.2, 0.9, 0.6, 0.4, 0.8]


def test_as_many_patients_are_drawn_as_there_are_and_the_same_for_a_seed() -> None:
    drawn = drawn_patients(5, resamples=50, seed=3)
    assert drawn.shape == (50, 5)
    assert (drawn.sum(1) == 5).all()
    assert len(np.unique(drawn, axis=0)) > 1
    assert (drawn == drawn_patients(5, resamples=50, seed=3)).all()
    assert (drawn != drawn_patients(5, resamples=50, seed=4)).any()


def test_a_patient_comes_with_all_of_their_frames_and_unknown_ones_are_one() -> None:
    patients = list(dict.fromkeys(patients_of(ROWS)))
    assert len(patients) == 3
    sums, counts = sums_by_patient(ROWS, DICE, patients=patients, names=["nerve", "muscle"])
    only_a, a_and_twice_unknown, without_muscle = resampled_means(
        sums, counts, np.array([[3.0, 0, 0], [1, 0, 2], [0, 3, 0]])
    )

    np.testing.assert_allclose(only_a, [0.2, 0.9])
    np.testing.assert_allclose(a_and_twice_unknown, [(2 * 0.4 + 2 * 0.8 + 0.2) / 5, 0.9])
    np.testing.assert_allclose(without_muscle, [0.6, np.nan])
    np.testing.assert_allclose(mean_of_known(np.stack([only_a, without_muscle])), [0.55, 0.6])
