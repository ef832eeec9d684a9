"""Frames in, outlines' classes and the uncertainty about them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..annotate.sector import sector_mask
from ..annotate.shapes import Frame
from .augment import standardise
from .device import autocast
from .letterbox import Letterbox
from .network import DMRNet

# Views of test-time augmentation: gamma, and whether mirrored. Up and down are never exchanged: depth is physics.
VIEWS: tuple[tuple[float, bool], ...] = ((1.0, False), (1.0, True), (0.8, False), (1.25, True))

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a network says of one frame.

    Attributes:
        index: `(H, W)` uint8 at the frame's own size: class ids, 0 for background.
        probabilities: `(1 + classes, h, w)` float32 on the network's grid, the mean over the views.
        disagreement: `(1 + classes,)` float32: mean standard deviation between the views, where any class is likely.
        embedding: `(C,)` float16.
    """

    index: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    disagreement: NDArray[np.float32]
    embedding: NDArray[np.float16]


class Predictor:
    """A network with what it takes to use it.

    Args:
        network: Trained.
        class_ids: Its classes, channel 1 first.
        input_size: Side of its grid.
        device: To compute on.
        views: Test-time augmentation; the first view alone decides nothing, the mean of all does.
    """

    def __init__(
        self,
        network: DMRNet,
        *,
        class_ids: Sequence[int],
        input_size: int,
        device: torch.device,
        views: Sequence[tuple[float, bool]] = VIEWS,
    ) -> None:
        self.network = network.to(device).eval()
        self.class_ids = np.array([0, *class_ids], np.uint8)
        self.input_size = input_size
        self.device = device
        self.views = views

    def predict(self, frames: Iterable[Frame], *, batch: int = 8) -> Iterator[Prediction]:
        """Predict frames of any sizes, in their order; memory is flat in their number."""
        for group in _grouped(frames, batch):
            yield from self._predict_batch(group)

    @torch.inference_mode()
    def _predict_batch(self, frames: Sequence[Frame]) -> list[Prediction]:
        boxes = [Letterbox(f.height, f.width, self.input_size) for f in frames]
        grid = np.stack([box.fit(f.pixels) for f, box in zip(frames, boxes, strict=True)])
        x = torch.from_numpy(grid)[:, None].to(self.device).float() / 255
        seen, embeddings = [], []
        for gamma, mirrored in self.views:
            view = standardise(x if gamma == 1.0 else x.pow(gamma))
            with autocast(self.device):
                output = self.network(view.flip(-1) if mirrored else view)
            p = output.logits.float().softmax(1)
            seen.append(p.flip(-1) if mirrored else p)
            embeddings.append(output.embedding.float())
        views = torch.stack(seen)  # (V, B, 1 + classes, S, S)
        mean, spread = views.mean(0), views.std(0, correction=0)
        embedding = torch.stack(embeddings).mean(0).half().cpu().numpy()
        return [
            self._one(f, b, mean[i], spread[i], embedding[i])
            for i, (f, b) in enumerate(zip(frames, boxes, strict=True))
        ]

    def _one(
        self, frame: Frame, box: Letterbox, mean: Tensor, spread: Tensor, embedding: NDArray[np.float16]
    ) -> Prediction:
        index = self.class_ids[box.restore(mean).argmax(0).cpu().numpy()]
        index[~sector_mask(frame.sector, height=frame.height, width=frame.width)] = 0
        likely = (mean[0] < 0.9).float()
        disagreement = (spread * likely).sum((1, 2)) / likely.sum().clamp(min=1)
        return Prediction(
            index=index,
            probabilities=mean[(..., *box.window)].cpu().numpy(),
            disagreement=disagreement.cpu().numpy(),
            embedding=embedding,
        )


def index_to_layers(
    index: NDArray[np.uint8], *, class_ids: Sequence[int], contains: Mapping[int, frozenset[int]]
) -> NDArray[np.bool_]:
    """Layers `(len(class_ids), H, W)` of exclusive classes: a class's own pixels and those of what lies inside it."""
    return np.stack([np.isin(index, [i, *contains.get(i, frozenset())]) for i in class_ids])


def _grouped(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
