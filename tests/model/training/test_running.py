"""A trainer at its first step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dmr.model.data.dataset import TrainingSet
from dmr.model.network.checkpoint import weights_bytes
from dmr.model.training.resuming import Run
from dmr.model.training.running import new_trainer
from dmr.model.training.settings import TrainSettings

CPU = torch.device("cpu")
RUN = Run("run", "data", TrainSettings(input=32, batch=2), {1: "nerve"}, {})


def blank() -> TrainingSet:
    frames = torch.zeros(2, 32, 32, dtype=torch.uint8)
    return TrainingSet(frames, frames, torch.ones(2, 1, dtype=torch.bool), ("a", "b"))


@pytest.mark.filterwarnings("error")
def test_its_weights_depend_on_the_seed_alone_and_others_draw_as_if_it_had_not_been() -> None:
    def made(seed: int) -> bytes:
        run = replace(RUN, settings=replace(RUN.settings, seed=seed))
        return weights_bytes(new_trainer(run, (blank(), blank()), CPU).network.state_dict())

    torch.manual_seed(5)
    undisturbed = torch.rand(3)
    torch.manual_seed(5)
    first = made(1)
    assert torch.rand(3).equal(undisturbed)
    assert made(1) == first
    assert made(2) != first
