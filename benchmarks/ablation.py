"""From a residual U-Net to DMRNet, one module at a time: same frames, steps, augmentation and loss.

Two folds, one seed. Runs are as in `peers.py`: they can be resumed, and add lines to `results/peers.csv`. Test patients
are not used.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pandas as pd
import peers
import torch.nn.functional as F
from folds import IDS, frames
from peers import Run, perform, recorded
from peers_table import CLASSES, load
from record import record
from torch import Tensor, nn

from dmr.model.network.blocks import AEH
from dmr.model.network.dmrnet import LEVELS, SIZES, DMRNet
from dmr.model.network.layers import ConvNorm, JoinNorm

STAGES = ("residual U-Net", "+ AMD", "+ DAR", "+ BASA", "+ AEH", "+ ER-MHA (DMRNet)")


class Down(nn.Module):
    """A strided residual block."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.MaxPool2d(2), ConvNorm(cin, cout, 1, act=False))
        self.local = nn.Sequential(ConvNorm(cin, cout, stride=2), ConvNorm(cout, cout, separable=True, act=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.local(x) + self.shortcut(x))


class Up(nn.Module):
    """A pointwise convolution, then bilinear upsampling."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.reduce(x), scale_factor=2.0, mode="bilinear", align_corners=False)


class Skip(nn.Module):
    """A plain skip connection: the encoder's features, unchanged."""

    def forward(self, skip: Tensor, above: Tensor | None, below: Tensor) -> tuple[Tensor, None]:  # noqa: ARG002
        return skip, None


class Unattended(nn.Module):
    """Stands in for BASA, and changes nothing."""

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return x, None


class Fuse(nn.Module):
    """A residual block on both inputs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = JoinNorm([channels] * 2, channels)
        self.local = nn.Sequential(
            ConvNorm(channels, channels, separable=True), ConvNorm(channels, channels, separable=True, act=False)
        )

    def forward(self, up: Tensor, skip: Tensor) -> Tensor:
        fused = self.enter(up, skip)
        return F.relu(fused + self.local(fused))


def build(stage: int, dropout: float) -> DMRNet:
    """`dmrnet_s` without the modules that come after this stage."""
    size = SIZES["s"]
    w = size.widths
    network = DMRNet(len(IDS), size=size, dropout=dropout)
    if stage < 1:
        network.encoder = nn.ModuleList(Down(w[i], w[i + 1]) for i in range(LEVELS))
    if stage < 2:
        network.skip = nn.ModuleList(Skip() for _ in range(LEVELS))
    elif stage < 3:
        for skip in network.skip:
            skip.basa = Unattended()
    if stage < 4:
        network.up = nn.ModuleList(Up(w[i + 1], w[i]) for i in range(LEVELS))
        network.fuse = nn.ModuleList(Fuse(w[i]) for i in range(LEVELS))
        if network.full is not None:
            network.full.up = Up(w[0], network.full.enter[0].out_channels)  # type: ignore[assignment, arg-type]
    elif stage < 5:
        network.fuse = nn.ModuleList(AEH(w[i], separable=True) for i in range(LEVELS))
    if stage < 5:
        network.bottleneck = nn.ModuleList()
    return network


NAMES = tuple(f"ablation_{k}" for k in range(len(STAGES) - 1))
for number, name in enumerate(NAMES):
    maker: Callable[[float], nn.Module] = partial(build, number)
    peers.NETWORKS[name] = maker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", default="0,1")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--input", type=int, default=128)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    order = [*NAMES, "dmrnet_s"]
    runs = [Run(n, k, 0, args.steps, args.input) for k in args.folds.split(",") for n in order]
    os.environ["OMP_NUM_THREADS"] = "1"
    done = recorded()
    missing = [run for run in runs if run.name not in done]
    if missing:
        frames(args.input)
        with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            for told in pool.map(perform, missing):
                print(told, flush=True)
    table, _ = load()
    table = table[table["run"].isin(run.name for run in runs)]
    rows = []
    for stage, name in zip(STAGES, order, strict=True):
        own: pd.DataFrame = table[table["network"] == name]
        rows.append(
            {
                "network": stage,
                "folds": len(own),
                "parameters": int(own["parameters"].iloc[0]),
                "minutes": round(float(own["minutes"].mean()), 1),
                "dice_mean": round(float(own["dice_mean"].mean()), 4),
                **{f"dice_{c}": round(float(own[f"dice_{c}"].mean()), 4) for c in CLASSES},
                "dice_by_fold": [round(float(d), 4) for d in own.sort_values("on")["dice_mean"]],
            }
        )
    print(pd.DataFrame(rows).to_string())
    headline = {"dice_first": rows[0]["dice_mean"], "dice_last": rows[-1]["dice_mean"], "steps": args.steps}
    print(record("ablation", headline=headline, rows=rows))


if __name__ == "__main__":
    main()
