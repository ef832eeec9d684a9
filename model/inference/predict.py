"""Predict frames: the class of each pixel, and how uncertain it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...annotate.scans.sector import sector_mask
from ...annotate.shapes import Frame
from ...annotate.system.pipeline import ahead, batched
from ..data.augment import standardise
from ..data.letterbox import Letterbox
from .calibration import Calibration
from .engine import Engine

# Views of test-time augmentation: gamma, and whether mirrored. Never upside down: echoes change with depth.
VIEWS: tuple[tuple[float, bool], ...] = ((1.0, False), (1.0, True), (0.8, False), (1.25, True))
BATCH = 8  # frames that are prepared at a time


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One way to show a frame to an engine.

    A prediction is the mean over several looks, and their spread is its disagreement.

    Several views with one engine are test-time augmentation. One view with several engines is an ensemble. The same
    view repeated with an engine that drops features at random is Monte Carlo dropout.

    Attributes:
        engine: The engine that computes a network.
        gamma: Exponent of the brightness.
        mirrored: Whether left and right are exchanged.
    """

    engine: Engine
    gamma: float = 1.0
    mirrored: bool = False

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames `(B, 1, S, S)` in 0 to 1 -> logits `(B, 1 + classes, S, S)` and embedding `(B, C)`."""
        view = standardise(frames if self.gamma == 1.0 else frames.pow(self.gamma))
        logits, embedding = self.engine(view.flip(-1) if self.mirrored else view)
        return (logits.flip(-1) if self.mirrored else logits), embedding


def views(*engines: Engine, of: Sequence[tuple[float, bool]] = VIEWS) -> list[Look]:
    """Looks with every view and every engine."""
    return [Look(engine, gamma, mirrored) for engine in engines for gamma, mirrored in of]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The prediction for one frame.

    Attributes:
        index: `(H, W)` uint8 at the frame's own size: class ids, 0 for background.
        probabilities: `(1 + classes, h, w)` float32 on the network's grid, the mean over the looks.
        spread: `(1 + classes, h, w)` float32 on the network's grid, the standard deviation between the looks.
        disagreement: `(1 + classes,)` float32: mean standard deviation between the looks, over the pixels where a class
            is likely.
        embedding: `(C,)` float16.
    """

    index: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    spread: NDArray[np.float32]
    disagreement: NDArray[np.float32]
    embedding: NDArray[np.float16]


class Predictor:
    """One or several networks, ready to predict frames.

    Args:
        looks: The looks; a prediction is the mean over them.
        class_ids: Ids of the classes, channel 1 first.
        input_size: Side of the network's grid, pixels.
        calibration: Corrects the probabilities; outlines do not depend on it.

    Example:
        >>> model = dmr.load_model(workspace.models_folder / "v1", device="cpu")
        >>> isinstance(model, dmr.Predictor)
        True
    """

    def __init__(
        self,
        looks: Sequence[Look],
        *,
        class_ids: Sequence[int],
        input_size: int,
        calibration: Calibration | None = None,
    ) -> None:
        self.looks = tuple(looks)
        self.class_ids = np.array([0, *class_ids], np.uint8)
        self.input_size = input_size
        self.calibration = calibration or Calibration.none(len(class_ids))

    def predict(self, frames: Iterable[Frame | NDArray[np.uint8]]) -> Iterator[Prediction]:
        """Predict frames of any size, in their order, with only a few in memory.

        Another thread reads and predicts the next frames while the caller works on the last ones.

        Args:
            frames: Frames, or their pixels alone, `(height, width)` uint8: the whole picture counts as sector then.
        """
        values = (frame if isinstance(frame, Frame) else Frame(frame, source_sha256="") for frame in frames)
        for group, answers in ahead(self._looked_at(values)):
            for k, (frame, box) in enumerate(group):
                yield self._one(frame, box, *(answer[k] for answer in answers))

    def _looked_at(
        self, frames: Iterable[Frame]
    ) -> Iterator[tuple[list[tuple[Frame, Letterbox]], tuple[Tensor, Tensor, Tensor]]]:
        for group in batched(frames, BATCH):
            boxes = [Letterbox(f.height, f.width, self.input_size) for f in group]
            grid = np.stack([box.fit(f.pixels) for f, box in zip(group, boxes, strict=True)])
            yield list(zip(group, boxes, strict=True)), self.look(torch.from_numpy(grid)[:, None])

    @torch.inference_mode()
    def look(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at frames on the network's grid, `(B, 1, S, S)` uint8.

        Returns:
            On the CPU: mean probabilities and their standard deviation between the looks, both
            `(B, 1 + classes, S, S)`, and the mean embedding `(B, C)`.
        """
        x = frames.float() / 255
        n = len(self.looks)
        mean = squares = embedding = torch.zeros(())
        for k, look in enumerate(self.looks):
            logits, own = look(x)
            p = logits.cpu().softmax(1)
            if k == 0:
                mean, squares, embedding = p / n, p.square().div_(n), own.cpu() / n
            else:  # in place: the network leaves little processor time for copies
                mean.add_(p, alpha=1 / n)
                squares.addcmul_(p, p, value=1 / n)
                embedding += own.cpu() / n
        spread = squares.sub_(mean.square()).clamp_(min=0).sqrt_()
        return mean, spread, embedding

    @torch.inference_mode()
    def _one(self, frame: Frame, box: Letterbox, mean: Tensor, spread: Tensor, embedding: Tensor) -> Prediction:
        index = self.class_ids[most_likely(box.restore(mean).numpy())]
        index[~sector_mask(frame.sector, height=frame.height, width=frame.width)] = 0
        if frame.sector is not None:  # outside the sector nothing is outlined, and no class is likely
            beyond = ~torch.from_numpy(sector_mask(box.fit_ring(frame.sector), height=box.size, width=box.size))
            mean[:, beyond] = 0
            mean[0, beyond] = 1
            spread[:, beyond] = 0
        likely = (mean[0] < 0.9).float()
        disagreement = (spread * likely).sum((1, 2)) / likely.sum().clamp(min=1)
        return Prediction(
            index=index,
            probabilities=mean[(..., *box.window)].numpy(),
            spread=spread[(..., *box.window)].numpy(),
            disagreement=disagreement.numpy(),
            embedding=embedding.half().numpy(),
        )

    def on_grid(
        self, prediction: Prediction, *, contains: Mapping[int, frozenset[int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """A prediction's uncorrected probabilities and masks, by layer on the network's grid: `(classes, h, w)`."""
        ids = [int(i) for i in self.class_ids[1:]]
        index = self.class_ids[most_likely(prediction.probabilities)]
        layers = layer_probabilities(prediction.probabilities, class_ids=ids, contains=contains)
        return layers, index_to_layers(index, class_ids=ids, contains=contains)

    def guessed_dice(self, prediction: Prediction, *, contains: Mapping[int, frozenset[int]]) -> list[float]:
        """The guessed Dice of each class; see `Calibration.dice`."""
        layers, masks = self.on_grid(prediction, contains=contains)
        return [self.calibration.dice(p, mask) for p, mask in zip(layers, masks, strict=True)]


def most_likely(p: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`(C, H, W)` -> `(H, W)`: the argmax, taken class by class because numpy's takes six times as long."""
    index = np.zeros(p.shape[1:], np.uint8)
    largest = p[0].copy()
    for k in range(1, len(p)):
        index[p[k] > largest] = k
        np.maximum(largest, p[k], out=largest)
    return index


def index_to_layers(
    index: NDArray[np.uint8], *, class_ids: Sequence[int], contains: Mapping[int, frozenset[int]]
) -> NDArray[np.bool_]:
    """Class ids `(H, W)` -> layers `(len(class_ids), H, W)`: a class's own pixels and those of classes inside it."""
    layers = np.stack([index == i for i in class_ids])
    for k, i in enumerate(class_ids):
        for j in contains.get(i, ()):
            layers[k] |= index == j
    return layers


def layer_probabilities(
    probabilities: NDArray[np.float32], *, class_ids: Sequence[int], contains: Mapping[int, frozenset[int]]
) -> NDArray[np.float32]:
    """Softmax `(1 + C, h, w)` -> layers `(C, h, w)`: a class's own probability plus those of classes inside it."""
    channel = {class_id: k + 1 for k, class_id in enumerate(class_ids)}
    members = [[channel[i], *(channel[j] for j in contains.get(i, ()) if j in channel)] for i in class_ids]
    return np.stack([probabilities[m].sum(0) for m in members]).clip(0, 1)
