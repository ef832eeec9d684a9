"""The training loop: it learns, stops, and goes on where it was interrupted."""

from __future__ import annotations

import io
from dataclasses import replace
from hashlib import sha256

import pytest
import torch
from PIL import Image
from torch import nn

from dmr.model.data.dataset import TrainingSet
from dmr.model.evaluation.metrics import mean_known
from dmr.model.network.checkpoint import weights_bytes
from dmr.model.network.dmrnet import SIZES, DMRNet
from dmr.model.training.curves import training_curves
from dmr.model.training.grid_dice import class_dice
from dmr.model.training.settings import TrainSettings
from dmr.model.training.trainer import Trainer, start_at_shares

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


def test_dmrnet_of_the_same_seed_has_the_same_hash_also_when_it_was_interrupted() -> None:
    settings = replace(SETTINGS, steps=4, dropout=0.2, balance=0.5)

    def run(*, halt: bool) -> str:
        made = dmrnet(settings)
        if halt:
            while made.step < 2:
                made.run(seconds=1e-9)
            state, made = made.state(), dmrnet(settings)
            made.load_state(state)
        made.run()
        return sha256(weights_bytes(made.finished_state())).hexdigest()

    assert run(halt=False) == run(halt=False) == run(halt=True)


def dmrnet(settings: TrainSettings) -> Trainer:
    torch.manual_seed(settings.seed)
    network = DMRNet(1, size=SIZES["s"], dropout=settings.dropout)
    return Trainer(network, squares(12, seed=1), NOTHING, settings=settings, device=CPU)


def test_what_a_run_looked_like_is_kept_and_drawn() -> None:
    made = trainer(replace(SETTINGS, steps=10), squares(4, seed=3))
    made.run()
    resumed = trainer(replace(SETTINGS, steps=10), squares(4, seed=3))
    resumed.load_state(made.state())

    assert [c.step for c in made.checks] == [5, 10]
    assert resumed.checks == made.checks
    assert made.progress.classes == made.checks[-1].classes
    assert made.checks[-1].dice == made.progress.dice
    picture = Image.open(io.BytesIO(training_curves(made.checks, ["square"])))
    assert picture.size[0] > picture.size[1] > 300


def test_a_run_that_time_ends_between_two_looks_looks_at_its_last_weights() -> None:
    made = trainer(replace(SETTINGS, steps=1000, minutes=1e-9), squares(4, seed=3))
    made.run()

    assert made.done
    assert [c.step for c in made.checks] == [made.step] == [1]
    assert made.best is not None


def test_balance_draws_rare_patients_more_often_and_none_draws_all_alike() -> None:
    few = squares(12, seed=1)
    few = TrainingSet(few.frames, few.targets, few.covered, ("many",) * 11 + ("few",))
    assert few.weights(0).tolist() == [1.0] * 12
    weights = few.weights(1.0)
    assert float(weights[-1]) == pytest.approx(float(weights[:-1].sum()))
    assert float(weights.mean()) == pytest.approx(1)

    made = Trainer(Tiny(), few, NOTHING, settings=replace(SETTINGS, balance=1.0), device=CPU)
    drawn = torch.cat([made._shuffled() for _ in range(200)])
    assert (drawn == 11).float().mean() == pytest.approx(0.5, abs=0.05)
    assert set(drawn.tolist()) == set(range(12))


def test_balance_draws_frames_of_rare_classes_more_often() -> None:
    targets = torch.zeros(10, 4, 4, dtype=torch.uint8)
    targets[:, 0] = 1
    targets[9, 1] = 2
    frames = TrainingSet(targets, targets, torch.ones(10, 2, dtype=torch.bool), ("p",) * 10)
    weights = frames.weights(1.0)
    assert weights[9] > 3 * weights[0]


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
    assert replace(SETTINGS, epochs=3).total_steps(10) == 8  # steps of 4 frames
    assert replace(SETTINGS, epochs=3).total_steps(2) == 3
    assert SETTINGS.total_steps(10) == 30


def test_validation_frames_without_any_structure_decide_nothing() -> None:
    empty = squares(4, seed=3)
    empty.targets.zero_()
    made = trainer(replace(SETTINGS, patience=1), empty)
    made.run()

    assert mean_known(class_dice(made.average, empty, device=CPU)) is None
    assert made.best is None
    assert made.step == SETTINGS.steps
