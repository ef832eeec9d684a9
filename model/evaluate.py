"""A model judged on labelled frames at their native size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import pandas as pd

from ..annotate.raster import shapes_to_layers
from ..annotate.shapes import Frame
from .dataset import Sample
from .metrics import FrameScore, score_mask, score_table
from .predict import Predictor, index_to_layers

BATCH = 16


def evaluate(
    predictor: Predictor,
    samples: Iterable[Sample],
    *,
    names: Mapping[int, str],
    contains: Mapping[int, frozenset[int]],
    on_progress: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Score every frame and covered class that the model predicts; see `metrics.score_table`.

    Args:
        predictor: The model.
        samples: Labelled frames; a few are held at a time.
        names: Class name by id.
        contains: Class id to the ids that lie inside it, for layers.
        on_progress: Called with the number of frames just done.
    """
    ids = [int(i) for i in predictor.class_ids[1:]]
    scores: list[FrameScore] = []
    rest = iter(samples)
    while batch := list(islice(rest, BATCH)):
        frames = [Frame(s.pixels, "", sector=s.sector) for s in batch]
        for sample, prediction in zip(batch, predictor.predict(frames), strict=True):
            height, width = sample.pixels.shape
            predicted = index_to_layers(prediction.index, class_ids=ids, contains=contains)
            drawn = shapes_to_layers(sample.annotation.shapes, class_ids=ids, height=height, width=width)
            scores += [
                score_mask(
                    predicted[k],
                    drawn[k],
                    frame=sample.frame,
                    patient=sample.patient,
                    name=names[class_id],
                    spacing_mm=sample.spacing_mm,
                )
                for k, class_id in enumerate(ids)
                if class_id in sample.annotation.covered
            ]
        if on_progress is not None:
            on_progress(len(batch))
    return score_table(scores)
