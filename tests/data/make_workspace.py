"""Make `workspace-VERSION.zip` with the dmr that is installed: a small workspace for the tests of later versions.

Run it as `python tests/data/make_workspace.py FOLDER`. Everything in it is synthetic. Frames are a quarter of the
phantom's in width and height, and weights are rounded to few values, so that the file is small. The model still draws.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import httpx
import safetensors.torch
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fake_server import FakeServer, serve
from fake_studio import TOKEN, FakeStudio

SMALLER = 4  # times, in width and height
LARGE = 200  # values: each weight of a smaller tensor is kept, rounded
DEEPEST = ("bottleneck", "encoder.3", "skip.3", "fuse.3", "up.3")
TRAIN = ("--size", "s", "--input", "64", "--threads", "1", "--device", "cpu")
DRAW = ("--threads", "1", "--device", "cpu")


def dmr(*arguments: str) -> str:
    """Run a command as from a shell."""
    from dmr.cli import main

    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    print(f"$ dmr {' '.join(arguments)}\n{result.output}")
    assert result.exit_code == 0
    return result.output


def thinned(name: str, weights: Tensor) -> Tensor:
    """Each filter's weights as minus one, zero or one times their mean size, rounded; none at the deepest level."""
    if weights.dtype != torch.float32:
        return weights
    if weights.ndim > 1 and name.startswith(DEEPEST):
        return torch.zeros_like(weights)
    if weights.ndim > 1 and weights.numel() >= LARGE:
        flat = weights.flatten(1)
        kept = flat.abs() > 0.7 * flat.abs().mean(1, keepdim=True)
        mean = (flat.abs() * kept).sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1)
        weights = (flat.sign() * kept * mean).reshape(weights.shape)
    mantissa, exponent = torch.frexp(weights)
    return torch.ldexp((mantissa * 4).round() / 4, exponent)


def write_scans(folder: Path, *, patients: int, seed: int, first: int, labelled: bool) -> None:
    """Small phantom frames, with outlines beside them where `labelled`; patients are numbered from `first` on."""
    drawn = folder.with_name("drawn")
    dmr("phantom", str(drawn), "--patients", str(patients), "--frames", "2", "--seed", str(seed))
    folder.mkdir()
    for path in sorted(drawn.glob("*.png")):
        number, frame = path.stem.split("_")
        target = folder / f"{int(number) - 1 + first:04}_{frame}.png"
        with Image.open(path) as image:
            small = image.size[0] // SMALLER, image.size[1] // SMALLER
            image.resize(small, Image.Resampling.BOX).save(target, optimize=True)
        if labelled:
            said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            said |= {"imagePath": target.name, "imageWidth": small[0], "imageHeight": small[1]}
            for shape in said["shapes"]:
                shape["points"] = [[round(x / SMALLER, 2), round(y / SMALLER, 2)] for x, y in shape["points"]]
            target.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")
    for path in drawn.iterdir():
        path.unlink()
    drawn.rmdir()


class Written:
    """Takes the place of what writes weights, so that they take little room."""

    def __init__(self) -> None:
        self.as_zeros = False
        self._save = safetensors.torch.save
        safetensors.torch.save = self  # type: ignore[assignment]

    def __call__(self, state: dict[str, Tensor]) -> bytes:
        return self._save({n: torch.zeros_like(t) if self.as_zeros else thinned(n, t) for n, t in state.items()})


def edit(path: Path) -> None:
    """Move the first outline of a sheet, as somebody does in Labelme."""
    said = json.loads(path.read_text(encoding="utf-8"))
    said["shapes"][0]["points"] = [[x + 2.0, y] for x, y in said["shapes"][0]["points"]]
    path.write_text(json.dumps(said), encoding="utf-8")


def label(server: FakeServer, frame: int, **more: object) -> None:
    """Submit a frame's draft as it is, as a physician does on the server's page; frames are counted from 0."""
    task = server.studio.tasks[frame]["id"]
    draft = next(p for p in server.studio.predictions if p["task"] == task)
    body = {"result": draft["result"], "lead_time": 12.5, "parent_prediction": draft["id"], **more}
    headers = {"Authorization": f"Token {TOKEN}"}
    httpx.post(f"{server.url}/api/tasks/{task}/annotations/", json=body, headers=headers).raise_for_status()


def exchange(saved: Path) -> None:
    """Push to a server, label two frames there, pull; the server's tables go to a file."""
    with serve(FakeStudio()) as server:
        os.environ |= {"DMR_STUDIO_URL": server.url, "DMR_STUDIO_TOKEN": TOKEN}
        dmr("push", "--pixels-reviewed", *DRAW)
        label(server, 0)
        label(server, 1, was_cancelled=True)
        dmr("pull")
        tables = {name: table for name, table in vars(server.studio).items() if isinstance(table, list)}
        saved.write_text(json.dumps(tables), encoding="utf-8")
    del os.environ["DMR_STUDIO_URL"], os.environ["DMR_STUDIO_TOKEN"]


def make(folder: Path) -> None:
    """The workspace, its home, what its server holds, and scans that it does not know yet."""
    write_scans(folder / "labelled", patients=4, seed=0, first=1, labelled=True)
    write_scans(folder / "scans", patients=2, seed=1, first=5, labelled=False)
    write_scans(folder / "later", patients=1, seed=2, first=7, labelled=False)
    dmr("init", str(folder / "ws"), "--coverage", "all")
    os.chdir(folder / "ws")
    dmr("import", str(folder / "labelled"))
    written = Written()
    dmr("train", "--steps", "60", *TRAIN)
    dmr("prelabel", str(folder / "scans"), *DRAW)
    ranked = [line.split(",")[1] for line in Path("reports/ranking.csv").read_text(encoding="utf-8").splitlines()[1:]]
    edit(Path("annotations", f"{ranked[0]}.json"))
    dmr("import")
    exchange(folder / "studio.json")
    written.as_zeros = True  # a second version, which has learnt nothing
    dmr("retrain", "--steps", "3", "--no-pull", *TRAIN)
    edit(min(path for path in Path("annotations").glob("*.json") if path.stem not in ranked))  # not taken up yet
    dmr("status")


def main() -> None:
    from dmr import __version__

    target = Path(sys.argv[1]).resolve() / f"workspace-{__version__}.zip"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DMR_HOME"] = str(folder / "home")
        make(folder)
        os.chdir(folder.parent)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as opened:
            opened.write(folder / "studio.json", "studio.json")
            for part in ("ws", "home", "later"):
                for path in sorted((folder / part).rglob("*")):
                    # Curves and contact sheets are for people to look at, and large.
                    is_picture = part == "ws" and path.suffix == ".png" and path.parent.name != "frames"
                    if path.is_file() and path.suffix != ".lock" and path.name != ".lock" and not is_picture:
                        opened.write(path, path.relative_to(folder).as_posix())
    print(f"{target}: {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
