"""Score a model on labelled frames at their native size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ...annotate.classes import Classes
from ...annotate.geometry.raster import shapes_to_layers
from ...annotate.progress.tell import Tell, silent
from ...annotate.scans.sector import sector_mask
from ...annotate.shapes import Frame
from ..data.dataset import Sample
from ..data.letterbox import Letterbox
from ..inference.calibration import REACH, Evidence, Reliability, near
from ..inference.predict import Prediction, Predictor, index_to_layers
from .metrics import FrameScore, score_mask, score_table

BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The evaluation of a model.

    Attributes:
        table: A row for each frame and covered class; see `metrics.score_table`.
        reliability: How right the calibrated probabilities near structures are, class by class.
        confusion: Numbers of pixels, drawn as (rows) by predicted as (columns), background first, then the model's
            classes in its order. Undrawn pixels count only in frames in which all of the model's classes are covered.
        evidence: What the model can be calibrated on.
    """

    table: pd.DataFrame
    reliability: Reliability
    confusion: NDArray[np.int64]
    evidence: Evidence


def evaluate(
    predictor: Predictor,
    samples: Iterable[Sample],
    *,
    classes: Classes,
    closely: bool = True,
    tell: Tell = silent,
    what: str = "Evaluating",
    of: int | None = None,
) -> Evaluation:
    """Score every frame and covered class that the model predicts.

    Args:
        predictor: The model.
        samples: Labelled frames; only a few are held in memory at a time.
        classes: The classes' names, and which lies inside which.
        closely: Whether to look at the probabilities too; if not, only the table is filled.
        tell: Gets the progress.
        what: What `tell` says is going on.
        of: Number of frames, for `tell`.

    Raises:
        ValueError: The model draws none of these classes.

    Returns:
        The scores as a table, a row for each frame and class, and how right the probabilities are.

    Example:
        >>> model = dmr.load_model(workspace.models_folder / "v1", device="cpu")
        >>> classes = workspace.settings.classes
        >>> outlines = dmr.draw_phantom(tmp / "others", patients=1, frames=2, seed=5)
        >>> samples = [
        ...     dmr.Sample(path.stem, "p1", next(dmr.read_frames(path.with_suffix(".png"))).pixels,
        ...                dmr.read_annotation(path, classes))
        ...     for path in outlines
        ... ]
        >>> table = dmr.evaluate(model, samples, classes=classes).table
        >>> sorted(table.columns)[:2]
        ['assd', 'assd_mm']
    """
    ids, contains = [int(i) for i in predictor.class_ids[1:]], classes.contained
    if not {c.id for c in classes}.intersection(ids):  # some may have been merged into others since
        raise ValueError(f"the model draws the class ids {ids}, and classes has {[c.id for c in classes]}")
    scores: list[FrameScore] = []
    reliability, evidence = Reliability.empty(len(ids)), Evidence(len(ids))
    confusion = np.zeros((1 + len(ids), 1 + len(ids)), np.int64)
    rest = iter(samples)
    while batch := list(islice(rest, BATCH)):
        frames = [Frame(s.pixels, "", sector=s.sector) for s in batch]
        for sample, prediction in zip(batch, predictor.predict(frames), strict=True):
            height, width = sample.pixels.shape
            predicted = index_to_layers(prediction.index, class_ids=ids, contains=contains)
            drawn = shapes_to_layers(sample.annotation.shapes, class_ids=ids, height=height, width=width)
            guessed = predictor.guessed_dice(prediction, contains=contains)
            if closely:
                _look_closely(predictor, sample, prediction, predicted, drawn, contains, reliability, evidence)
                confusion += _confused(prediction.index, drawn, sample, ids, contains)
            scores += [
                score_mask(
                    predicted[k],
                    drawn[k],
                    frame=sample.frame,
                    patient=sample.patient,
                    name=classes.by_id(class_id).name,
                    spacing_mm=sample.spacing_mm,
                    guessed=guessed[k],
                )
                for k, class_id in enumerate(ids)
                if class_id in sample.annotation.covered
            ]
        tell(what, len(batch), of)
    return Evaluation(score_table(scores), reliability, confusion, evidence)


def _look_closely(
    predictor: Predictor,
    sample: Sample,
    prediction: Prediction,
    predicted: NDArray[np.bool_],
    drawn: NDArray[np.bool_],
    contains: Mapping[int, frozenset[int]],
    reliability: Reliability,
    evidence: Evidence,
) -> None:
    """Count a frame's pixels: at native size for the reliability, on the grid for the evidence."""
    height, width = sample.pixels.shape
    raw, own_predicted = predictor.on_grid(prediction, contains=contains)
    own_drawn = _on_grid(drawn, raw.shape[1:])
    scale = Letterbox(height, width, predictor.input_size).inner[0] / height
    native = torch.nn.functional.interpolate(torch.from_numpy(raw)[None], (height, width), mode="bilinear")[0].numpy()
    calibrated = predictor.calibration.layers(native)
    seen = sector_mask(sample.sector, height=height, width=width)
    for k, class_id in enumerate(int(i) for i in predictor.class_ids[1:]):
        if class_id in sample.annotation.covered:
            reliability.add(k, calibrated[k], drawn[k], near(predicted[k], drawn[k]) & (seen | drawn[k]))
            evidence.add(k, raw[k], own_predicted[k], own_drawn[k], reach=REACH * scale)


def _on_grid(layers: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Masks `(C, H, W)` at native size -> `(C, *shape)` on a coarser grid, sampled at its pixel centres."""
    found = torch.from_numpy(layers)[None].float()
    smaller = torch.nn.functional.interpolate(found, list(shape), mode="nearest-exact")[0] > 0
    return np.asarray(smaller.numpy(), np.bool_)


def _confused(
    index: NDArray[np.uint8],
    drawn: NDArray[np.bool_],
    sample: Sample,
    ids: list[int],
    contains: Mapping[int, frozenset[int]],
) -> NDArray[np.int64]:
    """Numbers of pixels, drawn as by predicted as; undrawn pixels count only if all classes are covered."""
    channel = np.zeros(256, np.int64)
    channel[ids] = np.arange(1, len(ids) + 1)
    truth = np.zeros(index.shape, np.int64)
    for k in sorted(range(len(ids)), key=lambda k: -len(contains.get(ids[k], ()))):  # what lies inside comes later
        truth[drawn[k]] = k + 1
    n = 1 + len(ids)
    counted = np.ones(index.shape, np.bool_) if all(i in sample.annotation.covered for i in ids) else truth > 0
    pairs = truth[counted] * n + channel[index[counted]]
    return np.bincount(pairs, minlength=n * n).reshape(n, n)
