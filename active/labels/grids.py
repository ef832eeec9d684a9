"""What a model sees in a labelled frame and what is drawn there, on the model's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.classes import Classes
from ...annotate.geometry.raster import shapes_to_layers
from ...model.data.letterbox import Letterbox
from ...model.inference.predict import Prediction, Predictor, layer_probabilities

SMALL: Final = 16  # side of the frames that are compared with one another, pixels


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a model that has not learnt from a frame's patient sees in the frame.

    Attributes:
        frame: The frame's id.
        by: The model, in words.
        class_ids: The model's classes.
        probabilities: `(C, S, S)` uint8: the probability of each class's layer times 255; 0 outside the frame.
        small: `(SMALL, SMALL)` uint8: the frame, scaled down.
    """

    frame: str
    by: str
    class_ids: tuple[int, ...]
    probabilities: NDArray[np.uint8]
    small: NDArray[np.uint8]


def seen(
    item: LabelledFrame,
    pixels: NDArray[np.uint8],
    prediction: Prediction,
    *,
    predictor: Predictor,
    by: str,
    classes: Classes,
) -> Seen:
    """A prediction of a labelled frame, a byte a pixel."""
    ids = tuple(int(i) for i in predictor.class_ids[1:])
    size = predictor.input_size
    grid = np.zeros((len(ids), size, size), np.uint8)
    layers = layer_probabilities(prediction.probabilities, class_ids=ids, contains=classes.contained)
    box = Letterbox(item.frame.height, item.frame.width, size)
    grid[(..., *box.window)] = np.rint(255 * layers).astype(np.uint8)
    return Seen(item.frame.frame_id, by, ids, grid, scaled_down(pixels))


def drawn_layers(item: LabelledFrame, *, class_ids: Sequence[int], size: int) -> NDArray[np.bool_]:
    """`(C, S, S)`: what is drawn of each class."""
    box = Letterbox(item.frame.height, item.frame.width, size)
    shapes = [box.fit_shape(s) for s in item.annotation.shapes]
    return shapes_to_layers(shapes, class_ids=class_ids, height=size, width=size)


def scaled_down(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame as `(SMALL, SMALL)` uint8."""
    return np.asarray(Image.fromarray(pixels).resize((SMALL, SMALL), Image.Resampling.BOX))


def look_of(small: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Grey values `(SMALL * SMALL,)` of mean 0 and length 1: their products tell how alike two frames look."""
    centred = small.astype(np.float64).ravel()
    centred -= centred.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9))
