"""DMRNet's small size against MONAI's BasicUNet: same frames, same minutes, same loop; test patients, native size.

The two networks take turns of a minute, so that whatever else the machine does meets both alike. Every network's
minutes are counted apart. A run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets import BasicUNet
from record import record
from torch import nn
from ubpd import CLASSES, is_test_patient, is_validation_patient, samples

from dmr.annotate.raster import shapes_to_layers
from dmr.model.augment import standardise
from dmr.model.dataset import Sample, training_set
from dmr.model.device import use_threads
from dmr.model.letterbox import Letterbox
from dmr.model.metrics import score_mask, score_table, summarise
from dmr.model.network import SIZES, DMRNet, parameter_count
from dmr.model.settings import TrainSettings
from dmr.model.train import Trainer, as_output

TURN_SECONDS = 60
IDS = tuple(c.id for c in CLASSES)


def build(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    if name == "dmrnet_s":
        return DMRNet(len(IDS), size=SIZES["s"])
    return BasicUNet(spatial_dims=2, in_channels=1, out_channels=1 + len(IDS), features=(16, 16, 32, 64, 128, 16))


@torch.no_grad()
def judge(network: nn.Module, frames: list[Sample], side: int) -> dict[str, float]:
    """Dice per image at native size, a class and their mean."""
    network.eval()
    scores = []
    for sample in frames:
        box = Letterbox(*sample.pixels.shape, side)
        grid = torch.from_numpy(box.fit(sample.pixels))[None, None]
        channels = box.restore(as_output(network(standardise(grid))).logits[0]).argmax(0).numpy()
        drawn = shapes_to_layers(sample.annotation.shapes, class_ids=IDS, height=box.height, width=box.width)
        for k, c in enumerate(CLASSES):
            if c.id in sample.annotation.covered:
                scores.append(
                    score_mask(channels == k + 1, drawn[k], frame=sample.frame, patient=sample.patient, name=c.name)
                )
    summary = summarise(score_table(scores))
    return {name: float(summary.loc[name, "dice"]) for name in [*CLASSES.names, "mean"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--input", type=int, default=128)
    parser.add_argument(
        "--learning-rate", type=float, default=TrainSettings.__dataclass_fields__["learning_rate"].default
    )
    parser.add_argument("--on", choices=["test", "validation"], default="test", help="patients that are scored")
    parser.add_argument("--state", type=Path, default=Path("build/bench-train"), help="where an interrupted run waits")
    parser.add_argument("--networks", nargs="+", default=["dmrnet_s", "unet"])
    args = parser.parse_args()
    print(f"{use_threads()} threads", flush=True)
    every = list(samples())
    parts = {
        "train": [
            s for s in every if not is_test_patient(s.patient or "") and not is_validation_patient(s.patient or "")
        ],
        "validation": [s for s in every if is_validation_patient(s.patient or "")],
        "test": [s for s in every if is_test_patient(s.patient or "")],
    }
    for name, part in parts.items():
        print(f"{name}: {len(part)} frames of {len({s.patient for s in part})} patients", flush=True)
    sets = {
        name: training_set(parts[name], class_ids=IDS, classes=CLASSES, size=args.input)
        for name in ("train", "validation")
    }
    args.state.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(args.seeds):
        settings = TrainSettings(
            input=args.input, minutes=args.minutes, steps=10**6, seed=seed, patience=0, learning_rate=args.learning_rate
        )
        trainers, done = {}, {}
        for name in args.networks:
            result = args.state / f"{name}-{seed}.json"
            if result.exists():
                done[name] = json.loads(result.read_text(encoding="utf-8"))
                continue
            network = build(name, seed)
            trainers[name] = Trainer(
                network, sets["train"], sets["validation"], settings=replace(settings), device=torch.device("cpu")
            )
            saved = args.state / f"{name}-{seed}.pt"
            if saved.exists():
                trainers[name].load_state(torch.load(saved, weights_only=True))
        while any(not t.done for t in trainers.values()):
            for name, trainer in trainers.items():
                trainer.run(seconds=TURN_SECONDS)
                torch.save(trainer.state(), args.state / f"{name}-{seed}.pt")
                p = trainer.progress
                print(
                    f"seed {seed} {name}: {p.seconds / 60:.1f} min, {p.step} steps, loss {p.loss:.3f}, "
                    f"validation {p.dice or 0:.3f}, best {p.best or 0:.3f}",
                    flush=True,
                )
        for name, trainer in trainers.items():
            trainer.network.load_state_dict(trainer.finished_state())
            dice = judge(trainer.network, parts[args.on], args.input)
            done[name] = {
                "network": name,
                "seed": seed,
                "scored": args.on,
                "parameters": parameter_count(trainer.network),
                "minutes": round(trainer.seconds / 60, 2),
                "steps": trainer.step,
                "frames_per_s": round(trainer.step * settings.batch / trainer.seconds, 1),
                "validation_dice": round(trainer.best or 0, 4),
                **{f"dice_{k}": round(v, 4) for k, v in dice.items()},
            }
            (args.state / f"{name}-{seed}.json").write_text(json.dumps(done[name]), encoding="utf-8")
        rows += [done[name] for name in args.networks]
        for name in args.networks:
            print(done[name], flush=True)
    ours = [r for r in rows if r["network"] == "dmrnet_s"]
    theirs = [r for r in rows if r["network"] == "unet"]
    if args.on == "test" and ours and theirs:
        dice = float(np.mean([r["dice_mean"] for r in ours]))
        headline = {
            "dice_mean": round(dice, 4),
            "dice_minus_unet": round(dice - float(np.mean([r["dice_mean"] for r in theirs])), 4),
            "minutes": args.minutes,
        }
        print(headline, record("train", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
