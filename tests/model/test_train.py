"""The training loop: it learns, stops, and goes on where it was interrupted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from dmr.model.dataset import TrainingSet
from dmr.model.network import SIZES, DMRNet
from dmr.model.settings import TrainSettings
from dmr.model.train import Trainer, class_dice, mean_known, start_at_shares

SETTINGS = TrainSettings(input=32, steps=30, batch=4, check_every=5, patience=0, learning_rate=1e-2)
CPU = torch.device("cpu")


def squares(n: int, *, seed: int) -> TrainingSet:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(40, 90, (n, 32, 32), generator=generator, dtype=torch.uint8)
    targets = torch.zeros(n, 32, 32, dtype=torch.uint8)
    for i in range(n):
        top, left = torch.randint(4, 16, (2,), generator=generator).tolist()
        frames[i, top : top + 12, left : left + 12] = 220
        targets[i, top : top + 12, left : left + 12] = 1
    return TrainingSet(frames, targets, torch.ones(n, 1, dtype=torch.bool), ("p",) * n)


NOTHING = squares(0, seed=0)


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.net(x)
        return result


def trainer(settings: TrainSettings = SETTINGS, validation: TrainingSet = NOTHING) -> Trainer:
    return Trainer(Tiny(), squares(12, seed=1), validation, settings=settings, device=CPU)


def test_it_learns_what_is_easy() -> None:
    validation = squares(6, seed=2)
    made = trainer(replace(SETTINGS, steps=60), validation)
    before = mean_known(class_dice(made.average, validation, device=CPU)) or 0.0
    made.run()

    assert made.best is not None
    assert made.best > max(0.8, before + 0.2)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = trainer(), trainer()
    first.run()
    second.run()

    assert all(
        torch.equal(a, b)
        for a, b in zip(first.finished_state().values(), second.finished_state().values(), strict=True)
    )


def test_an_interrupted_run_goes_on_as_if_it_had_not_been() -> None:
    straight, halted = trainer(validation=squares(4, seed=3)), trainer(validation=squares(4, seed=3))
    straight.run()
    while halted.step < 13:
        halted.run(seconds=1e-9)
    resumed = trainer(validation=squares(4, seed=3))
    resumed.load_state(halted.state())
    resumed.run()

    assert resumed.step == straight.step
    assert resumed.best == straight.best
    assert all(torch.equal(a, straight.finished_state()[k]) for k, a in resumed.finished_state().items())


def test_it_stops_early_when_the_validation_frames_gain_nothing() -> None:
    made = trainer(replace(SETTINGS, steps=1000, patience=2, learning_rate=1e-9), squares(4, seed=4))
    made.run()

    assert made.step < 50


def test_without_validation_frames_the_last_average_is_kept() -> None:
    made = trainer(replace(SETTINGS, steps=3))
    made.run()

    assert made.best is None
    assert torch.equal(next(iter(made.finished_state().values())), next(iter(made.average.state_dict().values())))


def test_an_untrained_network_predicts_each_class_as_often_as_it_is_drawn() -> None:
    torch.manual_seed(0)
    network = DMRNet(2, size=SIZES["s"])
    shares = torch.tensor([0.9, 0.095, 0.005])
    start_at_shares(network.classifiers, shares)
    output = network.train()(torch.randn(2, 1, 64, 64))
    for logits in (output.logits, *output.aux):
        torch.testing.assert_close(logits.float().softmax(1).mean((0, 2, 3)), shares, atol=0.05, rtol=0.9)
    assert len(network.classifiers) == 1 + len(output.aux)


def test_minutes_end_a_run_too() -> None:
    made = trainer(replace(SETTINGS, steps=10**6, minutes=0.001))
    made.run()

    assert made.step < 1000


def test_dmrnet_trains_in_the_loop() -> None:
    torch.manual_seed(0)
    made = Trainer(
        DMRNet(1, size=SIZES["s"]), squares(8, seed=1), NOTHING, settings=replace(SETTINGS, steps=3), device=CPU
    )
    made.run()

    assert torch.isfinite(torch.tensor(made.progress.loss))


@pytest.mark.parametrize("change", [{"size": "xl"}, {"input": 100}, {"batch": 0}], ids=["size", "input", "batch"])
def test_settings_that_cannot_work_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(SETTINGS, **change)  # type: ignore[arg-type]


def test_epochs_decide_the_steps_where_given() -> None:
    assert replace(SETTINGS, epochs=3).total_steps(10) == 9
    assert SETTINGS.total_steps(10) == 30


def test_validation_frames_without_any_structure_decide_nothing() -> None:
    empty = squares(4, seed=3)
    empty.targets.zero_()
    made = trainer(replace(SETTINGS, patience=1), empty)
    made.run()

    assert mean_known(class_dice(made.average, empty, device=CPU)) is None
    assert made.best is None
    assert made.step == SETTINGS.steps
