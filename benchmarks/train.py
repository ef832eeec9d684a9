"""DMRNet's small size against MONAI's BasicUNet: same frames, minutes and loop; test patients at native size.

The two networks take turns of a minute, so other work on the machine slows both alike. Each network's minutes are
counted for itself. A network's result is a line of `results/train.csv`. An interrupted round goes on where it stopped.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets.basic_unet import BasicUNet
from parts import add, open_round
from record import commit, record
from torch import nn
from ubpd import CLASSES, is_test_patient, is_validation_patient, samples

from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.system.store import write_atomic
from dmr.model.computing.threads import use_threads
from dmr.model.data.augment import standardise
from dmr.model.data.dataset import Sample, training_set
from dmr.model.data.letterbox import Letterbox
from dmr.model.evaluation.metrics import score_mask, score_table, summarise
from dmr.model.network.dmrnet import SIZES, DMRNet, as_output, parameter_count
from dmr.model.training.settings import TrainSettings
from dmr.model.training.trainer import Trainer, start_at_shares

TURN_SECONDS = 60
# Highest learning rates: for each network the better of 2e-3 and 4e-3, after 5 minutes on development patients.
RATES = {"dmrnet_s": 4e-3, "unet": 2e-3}
NETWORKS = tuple(RATES)
IDS = tuple(c.id for c in CLASSES)


def build(name: str, seed: int, shares: torch.Tensor) -> nn.Module:
    """A network before its first step; both start from the classes' shares, to learn small classes sooner."""
    torch.manual_seed(seed)
    if name == "dmrnet_s":
        network = DMRNet(len(IDS), size=SIZES["s"])
        start_at_shares(network.classifiers, shares)
        return network
    peer = BasicUNet(spatial_dims=2, in_channels=1, out_channels=1 + len(IDS), features=(16, 16, 32, 64, 128, 16))
    start_at_shares([peer.final_conv], shares)
    return peer


@torch.no_grad()
def judge(network: nn.Module, frames: list[Sample], side: int) -> dict[str, float]:
    """Dice per image at native size, of each class and their mean."""
    network.eval()
    scores = []
    for sample in frames:
        height, width = sample.pixels.shape
        box = Letterbox(height, width, side)
        grid = torch.from_numpy(box.fit(sample.pixels))[None, None]
        channels = box.restore(as_output(network(standardise(grid))).logits[0]).argmax(0).numpy()
        drawn = shapes_to_layers(sample.annotation.shapes, class_ids=IDS, height=box.height, width=box.width)
        for k, c in enumerate(CLASSES):
            if c.id in sample.annotation.covered:
                scores.append(
                    score_mask(channels == k + 1, drawn[k], frame=sample.frame, patient=sample.patient, name=c.name)
                )
    summary = summarise(score_table(scores))
    dice = summary["dice"].to_dict()
    return {name: float(dice[name]) for name in [*CLASSES.names, "mean"]}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="minutes of training for each network and seed")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--input", type=int, default=128)
    parser.add_argument("--on", choices=["test", "validation"], default="test", help="patients that are scored")
    parser.add_argument("--state", type=Path, default=Path("build/bench-train"), help="folder for interrupted runs")
    return parser.parse_args()


def patients() -> dict[str, list[Sample]]:
    parts: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    for sample in samples():
        patient = sample.patient or ""
        split = "test" if is_test_patient(patient) else "validation" if is_validation_patient(patient) else "train"
        parts[split].append(sample)
    for name, part in parts.items():
        print(f"{name}: {len(part)} frames of {len({s.patient for s in part})} patients", flush=True)
    return parts


def train_in_turns(trainers: dict[str, Trainer], states: dict[str, Path]) -> None:
    while any(not t.done for t in trainers.values()):
        for name, trainer in trainers.items():
            trainer.run(seconds=TURN_SECONDS)
            buffer = io.BytesIO()
            torch.save(trainer.state(), buffer)
            write_atomic(states[name], buffer.getvalue())
            p = trainer.progress
            print(
                f"{states[name].stem}: {p.seconds / 60:.1f} min, {p.step} steps, loss {p.loss:.3f}, "
                f"validation {p.dice or 0:.3f}, best {p.best or 0:.3f}",
                flush=True,
            )


def scored(name: str, seed: int, trainer: Trainer, frames: list[Sample], on: str) -> dict[str, Any]:
    trainer.network.load_state_dict(trainer.finished_state())
    dice = judge(trainer.network, frames, trainer.settings.input)
    return {
        "network": name,
        "seed": seed,
        "scored": on,
        "commit": commit(),
        "parameters": parameter_count(trainer.network),
        "learning_rate": trainer.settings.learning_rate,
        "minutes": round(trainer.seconds / 60, 2),
        "steps": trainer.step,
        "frames_per_s": round(trainer.step * trainer.settings.batch / trainer.seconds, 1),
        "validation_dice": round(trainer.best or 0, 4),
        **{f"dice_{k}": round(v, 4) for k, v in dice.items()},
    }


def main() -> None:
    args = options()
    print(f"{use_threads()} threads", flush=True)
    parts = patients()
    training, validation = (
        training_set(parts[name], class_ids=IDS, classes=CLASSES, size=args.input) for name in ("train", "validation")
    )
    args.state.mkdir(parents=True, exist_ok=True)
    recipe = f"{args.minutes:g}min-{args.input}px-{args.on}"
    rows = []
    number, done = open_round("train", [f"{name}-{seed}-{recipe}" for seed in range(args.seeds) for name in NETWORKS])
    for seed in range(args.seeds):
        settings = TrainSettings(input=args.input, minutes=args.minutes, steps=10**6, seed=seed, patience=0)
        own_parts = {name: f"{name}-{seed}-{recipe}" for name in NETWORKS}
        states = {name: args.state / f"{number}-{part}.pt" for name, part in own_parts.items()}
        trainers = {}
        for name in NETWORKS:
            if own_parts[name] in done:
                continue
            own = replace(settings, learning_rate=RATES[name])
            network = build(name, seed, training.class_shares())
            trainers[name] = Trainer(network, training, validation, settings=own, device=torch.device("cpu"))
            if states[name].exists():
                trainers[name].load_state(torch.load(states[name], weights_only=True))
        train_in_turns(trainers, states)
        for name, trainer in trainers.items():
            row = scored(name, seed, trainer, parts[args.on], args.on)
            done[own_parts[name]] = row
            add("train", {"round": number, "part": own_parts[name], **row})
        rows += [{k: v for k, v in done[part].items() if k not in ("round", "part")} for part in own_parts.values()]
        print(*rows[-len(NETWORKS) :], sep="\n", flush=True)
    means = {n: float(np.mean([r["dice_mean"] for r in rows if r["network"] == n])) for n in NETWORKS}
    headline = {
        "dice_mean": round(means["dmrnet_s"], 4),
        "dice_minus_unet": round(means["dmrnet_s"] - means["unet"], 4),
        "minutes": round(float(np.mean([r["minutes"] for r in rows])), 2),
    }
    print(headline)
    if args.on == "test":
        print(record("train", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
