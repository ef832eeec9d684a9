"""DMRNet and its peers on the development set: same patients, steps, augmentation and loss.

Everything is chosen on folds of patients who are not test patients (`--on 0` to `--on 4`). Test patients are scored
only for the recorded table (`--on test`). A run adds its line to `results/peers.csv` when it ends, and a run with a
line is not done again. An interrupted run goes on. Two runs go side by side with a thread each, because that gives
more steps in all than one run with two threads.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from folds import FOLDS, IDS, STATE, Frames, fold, frames, test_patients
from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from parts import add, lines
from torch import Tensor, nn
from ubpd import CLASSES

from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.system.store import write_atomic
from dmr.model.computing.device import autocast
from dmr.model.computing.threads import use_threads
from dmr.model.data.augment import standardise
from dmr.model.data.letterbox import Letterbox
from dmr.model.evaluation.metrics import FrameScore, score_mask, score_table, summarise
from dmr.model.network.dmrnet import SIZES, DMRNet, as_output, parameter_count
from dmr.model.training.settings import TrainSettings
from dmr.model.training.train import NETWORK
from dmr.model.training.trainer import Trainer, start_at_shares

SITTING_S = 60.0


class Nested(nn.Module):
    """UNet++ without deep supervision; it returns a list of one output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x)[0]
        return out


PLANE: dict[str, Any] = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1 + len(IDS)}


def _residual(filters: Sequence[int]) -> nn.Module:
    """A residual-encoder U-Net in the style of nnU-Net."""
    n = len(filters)
    return DynUNet(
        **PLANE,
        kernel_size=[3] * n,
        strides=[1] + [2] * (n - 1),
        upsample_kernel_size=[2] * (n - 1),
        filters=list(filters),
        res_block=True,
        norm_name=("instance", {"affine": True}),
    )


# The widths give each about as many parameters as dmrnet_s.
NETWORKS: dict[str, Callable[[float], nn.Module]] = {
    "dmrnet_s": lambda dropout: DMRNet(len(IDS), size=SIZES["s"], dropout=dropout),
    "unet": lambda _: BasicUNet(**PLANE, features=(24, 24, 48, 96, 240, 24)),
    "attention_unet": lambda _: AttentionUnet(**PLANE, channels=(16, 32, 64, 128, 160), strides=(2, 2, 2, 2)),
    "segresnet": lambda _: SegResNet(**PLANE, init_filters=16, blocks_down=(1, 2, 2, 3)),
    "residual_unet": lambda _: _residual((16, 32, 64, 120, 168)),
    "unet_plus_plus": lambda _: Nested(BasicUNetPlusPlus(**PLANE, features=(16, 24, 48, 96, 208, 16))),
    # These have the widths of their authors or of MONAI.
    "unet_native": lambda _: BasicUNet(**PLANE),
    "attention_unet_native": lambda _: AttentionUnet(**PLANE, channels=(64, 128, 256, 512, 1024), strides=(2, 2, 2, 2)),
    "segresnet_native": lambda _: SegResNet(**PLANE),
    "residual_unet_native": lambda _: _residual((32, 64, 128, 256, 512)),
    "unet_plus_plus_native": lambda _: Nested(BasicUNetPlusPlus(**PLANE)),
}
MATCHED = tuple(name for name in NETWORKS if not name.endswith("_native"))
# Highest learning rates that differ from the settings' 4e-3. We tried 2e-3 and 4e-3 and took the better on fold 0 after
# 300 steps; UNet++ has the U-Net's.
RATES = {"unet": 2e-3, "residual_unet": 2e-3, "segresnet": 2e-3, "unet_plus_plus": 2e-3}


@dataclass(frozen=True, slots=True)
class Run:
    """One training and scoring.

    Attributes:
        network: One of `NETWORKS`.
        on: `test`, or the number of the fold that is left out of training and scored.
        seed: Random seed of weights, order and augmentation.
        changes: Changes to `TrainSettings`, as `name=value`, or `augmentation.name=value` for its augmentation.
    """

    network: str
    on: str
    seed: int
    steps: int
    input: int
    changes: tuple[str, ...] = field(default=())

    @property
    def design(self) -> str:
        """The number of our network's design; empty for peers. A run of another design is another run."""
        return f"{NETWORK}" if self.network.startswith(("dmrnet", "ablation")) else ""

    @property
    def name(self) -> str:
        own = f"{self.network}.{self.design}" if self.design else self.network
        return "-".join([own, self.on, str(self.seed), f"{self.steps}steps", f"{self.input}px", *sorted(self.changes)])

    @property
    def weights(self) -> Path:
        return STATE / f"{self.name}.weights.pt"

    def settings(self) -> TrainSettings:
        base = TrainSettings(
            input=self.input,
            steps=self.steps,
            seed=self.seed,
            patience=0,
            learning_rate=RATES.get(self.network.removesuffix("_native"), TrainSettings().learning_rate),
        )
        return changed(base, self.changes)


def changed(settings: TrainSettings, changes: Sequence[str]) -> TrainSettings:
    for change in changes:
        name, _, text = change.partition("=")
        value = json.loads(text)
        if name.startswith("augmentation."):
            settings = replace(
                settings, augmentation=replace(settings.augmentation, **{name.removeprefix("augmentation."): value})
            )
        else:
            settings = replace(settings, **{name: value})
    return settings


def build(network: str, seed: int, shares: Tensor, *, dropout: float = 0.0) -> nn.Module:
    """A network before its first step; all start from the classes' shares."""
    torch.manual_seed(seed)
    made = NETWORKS[network](dropout)
    if isinstance(made, DMRNet):
        last: Sequence[nn.Conv2d] = made.classifiers
    else:
        last = [m for m in made.modules() if isinstance(m, nn.Conv2d) and m.out_channels == 1 + len(IDS)][-1:]
    start_at_shares(last, shares)
    return made


@torch.inference_mode()
def scores(network: nn.Module, data: Frames, side: int) -> list[FrameScore]:
    """Score every frame and covered class at native size, with one view."""
    network.eval()
    cpu = torch.device("cpu")
    found = []
    for sample in data.native:
        height, width = sample.pixels.shape
        box = Letterbox(height, width, side)
        grid = torch.from_numpy(box.fit(sample.pixels))[None, None]
        with autocast(cpu):
            logits = as_output(network(standardise(grid))).logits[0].float()
        channels = box.restore(logits.softmax(0)).argmax(0).numpy()
        drawn = shapes_to_layers(sample.annotation.shapes, class_ids=IDS, height=height, width=width)
        for k, c in enumerate(CLASSES):
            if c.id in sample.annotation.covered:
                predicted = channels == k + 1
                found.append(score_mask(predicted, drawn[k], frame=sample.frame, patient=sample.patient, name=c.name))
    return found


def perform(run: Run) -> str:
    """Train and score a run, and add its line; an interrupted run goes on where it stopped."""
    use_threads(1)
    data = frames(run.input)
    held = test_patients(data.patients) if run.on == "test" else fold(data.patients, int(run.on))
    training = data.part(data.patients - held - test_patients(data.patients))
    scored = data.part(held)
    settings = run.settings()
    network = build(run.network, run.seed, training.grid.class_shares(), dropout=settings.dropout)
    nobody = training.part(set())
    trainer = Trainer(network, training.grid, nobody.grid, settings=settings, device=torch.device("cpu"))
    state = STATE / f"{run.name}.pt"
    if state.exists():
        trainer.load_state(torch.load(state, weights_only=True))
    pause = STATE / "PAUSE"  # while this file is there, runs wait
    while not trainer.done:
        trainer.run(seconds=SITTING_S / 6)
        while pause.exists():
            time.sleep(1)
        if trainer.seconds // SITTING_S != (trainer.seconds - SITTING_S / 6) // SITTING_S:
            buffer = io.BytesIO()
            torch.save(trainer.state(), buffer)
            write_atomic(state, buffer.getvalue())
            print(f"{run.name}: step {trainer.step}, loss {trainer.progress.loss:.3f}", flush=True)
    finished = trainer.finished_state()
    torch.save(finished, run.weights)
    if run.name in recorded():  # only the weights were missing
        state.unlink(missing_ok=True)
        return f"{run.name}: weights"
    network.load_state_dict(finished)
    table = score_table(scores(network, scored, run.input))
    summary = summarise(table)
    order = {p: i for i, p in enumerate(sorted(held))}  # patients get numbers, not names
    by_patient = [
        {"patient": order[str(p)], "class": name, "frames": len(rows), "dice_sum": round(float(rows["dice"].sum()), 5)}
        for (p, name), rows in table[table["drawn"] > 0].groupby(["patient", "name"], sort=True)
    ]
    row = {
        "run": run.name,
        **asdict(run),
        "changes": " ".join(sorted(run.changes)),
        "design": run.design,
        "parameters": parameter_count(network),
        "learning_rate": settings.learning_rate,
        "minutes": round(trainer.seconds / 60, 2),
        "training_patients": len(training.patients),
        "scored_patients": len(held),
        **{f"dice_{n}": round(float(v), 4) for n, v in summary["dice"].to_dict().items()},
        "iou_mean": round(float(summary["iou"]["mean"]), 4),
        **{f"hd95_{n}": round(float(v), 2) for n, v in summary["hd95"].to_dict().items()},
        "dice_pooled_mean": round(float(summary["dice_pooled"]["mean"]), 4),
        "patients": by_patient,
    }
    table.to_csv(STATE / f"{run.name}.frames.csv", index=False)
    add("peers", row)
    state.unlink(missing_ok=True)
    return f"{run.name}: {row['dice_mean']:.4f} " + " ".join(f"{n} {row[f'dice_{n}']:.3f}" for n in CLASSES.names)


def recorded() -> set[str]:
    """The names of the runs that have a line."""
    return {row["run"] for row in lines("peers")}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=",".join(MATCHED))
    parser.add_argument("--on", default="test", help="test, or folds as 0,1,2,3,4")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--input", type=int, default=128)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other training settings")
    parser.add_argument(
        "--weights",
        action="store_true",
        help="train runs again that have a line but no weights; only the same machine gives the same weights",
    )
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    args = options()
    assert FOLDS == 5
    runs = [
        Run(network, on, int(seed), args.steps, args.input, tuple(args.set))
        for seed in args.seeds.split(",")
        for on in args.on.split(",")
        for network in args.networks.split(",")
    ]
    done = recorded()
    runs = [run for run in runs if run.name not in done or (args.weights and not run.weights.exists())]
    print(f"{len(runs)} runs to do", flush=True)
    frames(args.input)
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for told in pool.map(perform, runs):
            print(told, flush=True)


if __name__ == "__main__":
    main()
