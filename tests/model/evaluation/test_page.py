"""The evaluation's page: the frames worth a look, tables that fit, what it is computed over, what it may not say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from markup import Markup, assert_needs_nothing

from dmr import __version__
from dmr.annotate.classes import PALETTE, ClassDef, Classes
from dmr.annotate.shapes import Annotation, Shape
from dmr.model.data.dataset import Sample
from dmr.model.evaluation.evaluate import Evaluation, evaluate
from dmr.model.evaluation.metrics import FrameScore, guess_correlation, patient_intervals, score_table, summarise
from dmr.model.evaluation.page import evaluation_page, shown_frames
from dmr.model.evaluation.tables import (
    SCORES,
    WIDE,
    calibration_table,
    confusion_table,
    scores_table,
)
from dmr.model.inference.calibration import Calibration, Reliability
from dmr.model.inference.engine import TorchEngine
from dmr.model.inference.predict import Predictor, views
from dmr.model.network.checkpoint import Card
from dmr.model.network.dmrnet import SIZES, DMRNet


def scores(dice: dict[str, float]) -> pd.DataFrame:
    """One class; a frame is named PATIENT_FRAME."""
    return score_table(
        [
            FrameScore(f, f.split("_")[0], "nerve", round(500 * d), 500, 500, 1, 1, 1, 1, guessed=0.8 * d)
            for f, d in dice.items()
        ]
    )


def test_the_worst_median_and_best_frames_are_of_different_patients_and_none_is_shown_twice() -> None:
    table = scores({f"{p}_{k}": 0.1 * p + 0.01 * k for p in range(1, 8) for k in range(5)})
    shown = shown_frames(table, count=3)

    assert shown["worst"] == ["1_0", "2_0", "3_0"]
    assert shown["best"] == ["7_4", "6_4", "5_4"]
    assert len({f.split("_")[0] for f in shown["median"]}) == 3
    every = [f for frames in shown.values() for f in frames]
    assert len(set(every)) == len(every)


def test_two_frames_are_shown_once_each() -> None:
    shown = shown_frames(scores({"1_1": 0.2, "2_1": 0.7}), count=4)
    assert sorted(f for frames in shown.values() for f in frames) == ["1_1", "2_1"]


def test_the_interval_over_patients_holds_the_mean_and_needs_two_patients() -> None:
    table = scores({f"{p}_{k}": 0.3 + 0.05 * p for p in range(9) for k in range(4)})
    intervals = patient_intervals(table)
    low, high = (float(intervals[side]["nerve"]) for side in ("low", "high"))

    assert low < table["dice"].mean() < high
    assert patient_intervals(scores({"1_1": 0.5, "1_2": 0.7})).isna().all(axis=None)
    table.loc[table["patient"] == "3", "patient"] = None  # a file whose name tells no patient
    assert patient_intervals(table).notna().all(axis=None)


def test_a_guess_that_follows_the_truth_correlates() -> None:
    assert guess_correlation(scores({f"1_{k}": 0.1 * k for k in range(1, 9)}))["all"] > 0.99


def row(name: str, *, px: float = 4.0, mm: float = float("nan"), predicted: int = 400) -> list[FrameScore]:
    return [FrameScore(f"f{p}", f"p{p}", name, predicted // 2, predicted, 500, px, 2.0, mm, mm) for p in range(4)]


def test_the_scores_fit_a_page_whatever_the_class_is_called() -> None:
    table = score_table([*row("transverse_process", mm=0.4), *row("quadratus_lumborum", predicted=0, px=float("nan"))])
    made = scores_table(summarise(table), patient_intervals(table))
    rows = [*made.rows]

    assert len(made.head) == len(SCORES) <= 9  # on A4, 9 pt
    assert [r[0] for r in rows] == ["transverse_process", "quadratus_lumborum", "mean"]
    assert rows[0][1:3] == ["4\n4 patients", "0.444\n0.444 to 0.444"]
    assert rows[0][4] == "4.0\N{NO-BREAK SPACE}px\n0.4\N{NO-BREAK SPACE}mm"
    assert (rows[1][4], rows[1][6]) == ("-", "4")
    assert rows[2][1] == rows[2][6] == ""
    small = [line for row in rows for cell in row for line in cell.split("\n")[1:]]
    assert max(map(len, small)) <= len("0.000 to 0.000")


def test_millimetres_stand_only_where_the_spacing_is_known() -> None:
    table = score_table(row("nerve"))
    cells = [cell for row in scores_table(summarise(table), patient_intervals(table)).rows for cell in row]
    assert "4.0\N{NO-BREAK SPACE}px" in cells and not any("mm" in cell for cell in cells)


def test_a_matrix_of_many_classes_numbers_its_columns() -> None:
    names = [f"class_{k}" for k in range(WIDE)]
    few = confusion_table(np.eye(WIDE + 1, dtype=np.int64), names)
    many = confusion_table(np.eye(WIDE + 2, dtype=np.int64), [*names, "last_one"])

    assert list(few.head) == ["drawn as", "background", *names, "pixels"]
    assert list(many.head) == ["drawn as", *(str(k) for k in range(WIDE + 2)), "pixels"]
    assert many.rows[-1][0] == f"{WIDE + 1} last_one"
    assert few.rows[0][1] == "100.0"


def test_a_class_that_was_never_looked_at_has_no_calibration_error() -> None:
    found = Reliability.empty(2)
    found.add(0, np.full((3, 3), 0.5, np.float32), np.zeros((3, 3), bool), np.ones((3, 3), bool))
    rows = calibration_table(found, ["nerve", "muscle"], scores({"1_1": 0.5})).rows
    assert list(rows[:2]) == [["nerve", "9", "0.500", "-"], ["muscle", "0", "-", "-"]]


CLASSES = Classes([ClassDef(1, "psoas_major", color=PALETTE[0]), ClassDef(2, "lumbar_plexus", color=PALETTE[1])])


def judged(frame: str, patient: str | None, *, fitted: bool) -> tuple[list[Sample], Predictor, Evaluation]:
    """An untrained network on two frames with a square."""
    torch.manual_seed(0)
    square = Shape(1, ((10.0, 10.0), (40.0, 10.0), (40.0, 40.0), (10.0, 40.0)))
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    samples = [
        Sample(f"{frame}{k}", patient, pixels, Annotation(48, 64, (square,), frozenset({1, 2}))) for k in range(2)
    ]
    engine = TorchEngine(DMRNet(2, size=SIZES["s"]), torch.device("cpu"))
    calibration = Calibration((((0.0, 0.0), (1.0, 1.0)),) * 2) if fitted else Calibration.none(2)
    predictor = Predictor(views(engine), class_ids=[1, 2], input_size=64, calibration=calibration)
    return samples, predictor, evaluate(predictor, samples, classes=CLASSES)


def written(
    split: str | None,
    *,
    frame: str = "f0a",
    patient: str | None = "p1",
    title: str = "v3 on 2 frames",
    fitted: bool = False,
) -> str:
    samples, predictor, done = judged(frame, patient, fitted=fitted)
    learnt = {"frames": 12, "patients": 1}
    details = {"steps": 1500, "minutes": 2.5, "parameters": 1_422_447, "data": {"train": learnt}}
    return evaluation_page(
        done,
        title=title,
        card=Card("v3", "s", 64, ("psoas_major", "lumbar_plexus"), (1, 2), "", details),
        split=split,
        predictor=predictor,
        samples=lambda: samples,
        classes=CLASSES,
        date="2026-01-31",
    ).decode("utf-8")


def test_the_page_says_when_by_what_with_which_model_and_on_which_data() -> None:
    made = written("test")
    markup = assert_needs_nothing(made)
    first = markup.before_first_picture

    for words in (
        "Evaluation: v3 on 2 frames",
        "2026-01-31",
        __version__,
        "DMRNet of size s, input 64 x 64 px, 1,422,447 parameters",
        "1,500 steps in 2.5 minutes",
        "12 frames of 1 training patient",
        "test patients of this workspace: 2 frames of 1 patient",
        "torch, the mean over 4 views",
        "not a medical device",
        "no validation patients were there",
    ):
        assert words in first, words
    assert "f0a0: Dice psoas_major" in markup.text
    assert all(f"<dt>{name}</dt>" in made for name, _ in SCORES), "each column is explained"
    assert [t for t, _ in markup.tags].count("img") == 2 * 3


def test_a_folder_from_elsewhere_is_not_named_and_its_frames_are_numbered() -> None:
    page = written(None, frame="1 ZHANG_WEI_", patient="ZHANG")
    markup = assert_needs_nothing(page)

    assert "Labelme files from elsewhere: 2 frames of 1 patient" in markup.text
    assert "frame 1: Dice" in markup.text
    assert "ZHANG" not in page.upper() and "WEI_" not in page.upper()
    unknown = written(None, frame="1 x", patient=None)
    assert "2 frames; the patient is not known for 2 of them" in unknown


@pytest.mark.parametrize("split", ["test", "validation", "train", None])
def test_calibration_says_what_it_is_computed_over_and_what_it_was_fitted_by(split: str | None) -> None:
    words = Markup(written(split, fitted=True)).text
    words = words[words.index("How far its probabilities") :]

    assert "within 10 px of where the class was drawn or predicted" in words
    assert "put into 15 groups" in words
    assert "Only classes that the frame covers" in words
    assert "fitted on the validation patients" in words
    assert ("look better than they are" in words) == (split == "validation")
    assert "no validation patients" not in words
    assert "no validation patients" in Markup(written(split)).text


def test_a_title_or_a_frame_of_whatever_name_is_only_text() -> None:
    hostile = '<script>alert(1)</script>&"'
    markup = assert_needs_nothing(written("test", title=hostile, frame=hostile))

    assert markup.text.startswith(f"{hostile} Evaluation: {hostile}")
    assert f"{hostile}0: Dice psoas_major" in markup.text
