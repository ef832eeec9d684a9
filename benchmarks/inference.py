"""Compare the engines on a trained network, and measure how much of the fastest one's speed `dmr prelabel` keeps.

Frames are real ones from the development set. The network is `dmrnet_s` on a grid of 256. Its weights come from
`peers.py` if they are there; else it is trained for some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from folds import IDS, STATE, Frames, frames, test_patients
from numpy.typing import NDArray
from record import record
from torch import Tensor
from ubpd import CLASSES, FOLDER

from dmr.active.drafts import predict_missing
from dmr.active.prelabel import prelabel_scans
from dmr.annotate.catalogue.records import ModelRecord
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.scans.images import encode_png, read_frames
from dmr.annotate.workspace import Workspace
from dmr.model.computing.telemetry import import_onnxruntime
from dmr.model.computing.threads import use_threads
from dmr.model.data.augment import standardise
from dmr.model.inference.engine import BATCH, Engine, OpenVinoEngine, TorchEngine, fast_precision, inference_part
from dmr.model.inference.predict import VIEWS, Predictor, views
from dmr.model.network.checkpoint import Card, save_model, weights_bytes
from dmr.model.network.dmrnet import SIZES, DMRNet, multiply_adds
from dmr.model.training.settings import TrainSettings
from dmr.model.training.train import NETWORK
from dmr.model.training.trainer import Trainer, start_at_shares
from dmr.model.versions.export import export_onnx

SIZE = 256
CPU = torch.device("cpu")
DEFAULT = fast_precision()


def weights(minutes: float) -> dict[str, Tensor]:
    """The weights of a network on this grid: from `peers.py`, or trained now for some minutes."""
    trained = sorted(STATE.glob(f"dmrnet_s.{NETWORK}-*-{SIZE}px*.weights.pt"))
    path = trained[0] if trained else STATE / f"inference.{NETWORK}-{SIZE}px.weights.pt"
    if not path.exists():
        print(f"Training a network for {minutes:g} minutes ...", flush=True)
        data = frames(SIZE)
        part = data.part(data.patients - test_patients(data.patients))
        settings = TrainSettings(input=SIZE, steps=10**6, minutes=minutes, batch=8, patience=0)
        torch.manual_seed(0)
        network = DMRNet(len(IDS), size=SIZES["s"])
        start_at_shares(network.classifiers, part.grid.class_shares())
        trainer = Trainer(network, part.grid, data.part(set()).grid, settings=settings, device=CPU)
        trainer.run()
        torch.save(trainer.finished_state(), path)
    found: dict[str, Tensor] = torch.load(path, weights_only=True)
    return found


class Compiled(TorchEngine):
    """torch.compile, which needs a C++ compiler on the PC."""

    name = "torch.compile bf16"

    def __init__(self, network: DMRNet) -> None:
        super().__init__(network, CPU)
        self.network = torch.compile(inference_part(network).network)  # type: ignore[assignment]


class Eager:
    """The network as it is, in float32."""

    name = "eager float32"

    def __init__(self, network: DMRNet) -> None:
        self.network = network

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        outputs = [self.network(part) for part in torch.split(frames, BATCH)]
        return torch.cat([o.logits for o in outputs]), torch.cat([o.embedding for o in outputs])


class OnnxRuntime:
    """ONNX Runtime in float32; it has no bfloat16 on CPUs."""

    name = "onnxruntime float32"

    def __init__(self, network: DMRNet, folder: Path) -> None:
        onnxruntime = import_onnxruntime()

        path = folder / "network.onnx"
        export_onnx(network, path, size=SIZE)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        answers = [self.session.run(None, {"frames": part.numpy()}) for part in torch.split(frames, BATCH)]
        return torch.from_numpy(np.concatenate([a[0] for a in answers])), torch.from_numpy(
            np.concatenate([a[1] for a in answers])
        )


def engines(network: DMRNet, folder: Path) -> dict[str, Callable[[], Engine]]:
    return {
        "eager float32": lambda: Eager(network),
        "eager bf16 autocast": lambda: TorchEngine(network, CPU),
        "eager float32, channels outermost": lambda: Eager(inference_part(network).network),
        "torch.compile bf16 autocast": lambda: Compiled(network),
        "onnxruntime float32": lambda: OnnxRuntime(network, folder),
        "openvino f32": lambda: OpenVinoEngine(network, size=SIZE, precision="f32"),
        "openvino bf16": lambda: OpenVinoEngine(network, size=SIZE, precision="bf16"),
    }


def matmul_gflops(dtype: torch.dtype) -> float:
    """The machine's speed in matrix multiplication, the best of some tries."""
    a = torch.randn(2048, 2048).to(dtype)
    best = 0.0
    for _ in range(8):
        began = time.perf_counter()
        torch.mm(a, a)
        best = max(best, 2 * 2048**3 / (time.perf_counter() - began) / 1e9)
    return best


def side_by_side(network: DMRNet, grid: Tensor, *, rounds: int, folder: Path) -> list[dict[str, Any]]:
    """Each engine's frames a second, in turns, and how well its masks agree with those of the eager engine."""
    x = standardise(grid)
    made = {name: make() for name, make in engines(network, folder).items()}
    masks = {}
    for name, engine in made.items():
        predictor = Predictor(views(engine), class_ids=IDS, input_size=SIZE)
        masks[name] = predictor.look(grid)[0].argmax(1).numpy()
    seconds = dict.fromkeys(made, float("inf"))
    for _ in range(rounds):
        for name, engine in made.items():
            began = time.perf_counter()
            engine(x)
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    work = 2 * multiply_adds(network, size=SIZE) / 1e9
    rate = {p: matmul_gflops(p) for p in (torch.float32, torch.bfloat16)}
    eager = next(iter(made))
    rows = []
    for name in made:
        fps = len(x) / seconds[name]
        dice = class_dice(masks[name], masks[eager])
        rows.append(
            {
                "engine": name,
                "frames_per_s": round(fps, 1),
                "speedup_vs_eager": round(seconds[eager] / seconds[name], 2),
                "gflop_per_s": round(fps * work, 1),
                "share_of_matmul": round(fps * work / rate[torch.bfloat16 if "bf16" in name else torch.float32], 3),
                **{f"dice_{n}": round(d, 4) for n, d in dice.items()},
                **{f"pooled_{n}": round(d, 4) for n, d in class_dice(masks[name], masks[eager], pooled=True).items()},
            }
        )
        print(rows[-1], flush=True)
    return rows


def class_dice(a: NDArray[np.int64], b: NDArray[np.int64], *, pooled: bool = False) -> dict[str, float]:
    """Each class's Dice: the mean over the frames in which a mask has it, or pooled over all pixels."""
    found = {}
    for k, c in enumerate(CLASSES, 1):
        both = ((a == k) & (b == k)).sum((1, 2))
        size = (a == k).sum((1, 2)) + (b == k).sum((1, 2))
        if pooled:
            both, size = both.sum(keepdims=True), size.sum(keepdims=True)
        found[c.name] = float((2 * both[size > 0] / size[size > 0]).mean()) if size.any() else float("nan")
    return found


def workspace_with(network: DMRNet, folder: Path, *, size: int = SIZE) -> Workspace:
    """A workspace whose active model is this network."""
    workspace, _ = Workspace.create(folder, classes=list(CLASSES))
    data = weights_bytes(network.state_dict())
    card = Card("v1", "s", size, tuple(CLASSES.names), IDS, sha256(data).hexdigest(), {})
    save_model(workspace.models_folder / "v1", data, card)
    with workspace.catalogue() as catalogue, catalogue.transaction():
        catalogue.add_model(ModelRecord(id="v1", sha256=card.weights_sha256, class_ids=IDS, dataset=None))
        catalogue.activate("v1", reason="benchmark")
    return workspace


def pipeline(network: DMRNet, scans: list[Path], folder: Path) -> dict[str, Any]:
    """Seconds to read scans, and seconds to draw drafts on them."""
    workspace = workspace_with(network, folder / "workspace")
    with workspace.session(write=True, device="cpu") as s:
        began = time.perf_counter()
        ids = ingest_scans(s, scans)
        read = time.perf_counter() - began
        records = list(s.catalogue.frames(ids))
        began = time.perf_counter()
        predict_missing(s, records)
        drawn = time.perf_counter() - began
    return {"frames": len(ids), "read_s": round(read, 1), "draw_s": round(drawn, 1)}


def bare(network: DMRNet, grid: Tensor) -> float:
    """Frames a second of the fast engine alone; a frame is shown in all views of a prediction."""
    engine = OpenVinoEngine(network, size=SIZE)
    x = standardise(grid)
    engine(x[:BATCH])
    began = time.perf_counter()
    for _ in VIEWS:
        engine(x)
    return len(x) / (time.perf_counter() - began)


def memory_mb() -> float:
    """Memory of this process; nan if the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def many_scans(count: int, folder: Path) -> Iterator[Path]:
    """Write `count` different files: real frames at half their size, with some pixels changed to tell them apart."""
    images = sorted((FOLDER / "images").iterdir())
    for k in range(count):
        frame = next(read_frames(images[k % len(images)]))
        small = frame.pixels[::2, ::2].copy()
        small[0, :4] = [k % 256, k // 256 % 256, k // 65536, 77]
        path = folder / f"{k % len(images)}_{k}.png"
        path.write_bytes(encode_png(small))
        yield path


def flat(network: DMRNet, count: int, folder: Path) -> list[dict[str, Any]]:
    """Memory while `dmr prelabel` works on `count` scans in one run."""
    source = folder / "scans"
    source.mkdir()
    for _ in many_scans(count, source):
        pass
    workspace = workspace_with(network, folder / "many", size=128)
    rows: list[dict[str, Any]] = []
    done = dict.fromkeys(("Reading scans", "Drawing drafts"), 0)

    def tell(what: str, more: int, of: int | None, note: str = "") -> None:  # noqa: ARG001
        before = done.setdefault(what, 0)
        done[what] = before + more
        if done[what] // 1000 != before // 1000:
            rows.append({"what": what, "frames": done[what], "memory_mb": round(memory_mb())})
            print(rows[-1], flush=True)

    began = time.perf_counter()
    with workspace.session(write=True, tell=tell, device="cpu") as s:
        prelabel_scans(s, [source])
    seconds = round(time.perf_counter() - began)
    rows.append({"what": "all of prelabel", "frames": count, "memory_mb": round(memory_mb()), "seconds": seconds})
    print(rows[-1], flush=True)
    return rows


def batches(data: Frames, count: int) -> Tensor:
    """`count` frames on the grid, evenly spaced."""
    at = torch.linspace(0, len(data.native) - 1, count).long()
    return data.grid.frames[at][:, None]


def scans(count: int) -> Iterator[Path]:
    images = sorted((FOLDER / "images").iterdir())
    yield from images[:: max(1, len(images) // count)][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=64, help="frames to compare the engines on")
    parser.add_argument("--scans", type=int, default=369, help="scans for the whole of prelabel")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=5, help="minutes of training, if there is no trained network")
    parser.add_argument("--flat", type=int, default=0, help="only watch the memory, over this many scans")
    args = parser.parse_args()
    print(f"{use_threads()} threads", flush=True)
    network = DMRNet(len(IDS), size=SIZES["s"])
    network.load_state_dict(weights(args.minutes))
    network.eval()
    if args.flat:
        with tempfile.TemporaryDirectory() as folder:
            rows = flat(network, args.flat, Path(folder))
        drawn = [r["memory_mb"] for r in rows if r["what"] == "Drawing drafts"]
        growth = {"frames": args.flat, "memory_mb_first": drawn[0], "memory_mb_last": drawn[-1]}
        print(record("memory", headline=growth, rows=rows))
        return
    grid = batches(frames(SIZE), args.frames)
    with tempfile.TemporaryDirectory() as folder:
        rows = side_by_side(network, grid, rounds=args.rounds, folder=Path(folder))
        alone = bare(network, grid)
        whole = pipeline(network, list(scans(args.scans)), Path(folder))
        again = bare(network, grid)
    alone = (alone + again) / 2
    whole["bare_frames_per_s"] = round(alone, 1)
    whole["draw_frames_per_s"] = round(whole["frames"] / whole["draw_s"], 1)
    whole["frames_per_s"] = round(whole["frames"] / (whole["draw_s"] + whole["read_s"]), 1)
    print(whole, flush=True)
    fast = next(r for r in rows if r["engine"] == f"openvino {DEFAULT}")
    headline = {
        "speedup_vs_eager": fast["speedup_vs_eager"],
        "dice_fast_vs_eager": min(fast[f"dice_{n}"] for n in CLASSES.names),
        "pipeline_share": round(whole["frames_per_s"] / alone, 3),
        "draw_share": round(whole["draw_frames_per_s"] / alone, 3),
    }
    print(headline)
    print(record("inference", headline=headline, rows=[*rows, whole]))


if __name__ == "__main__":
    main()
