"""`dmr demo`: the main job on simple synthetic frames, start to end. They show the way, not how well it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..annotate.classes import PALETTE, ClassDef
from ..annotate.console import Tell
from ..annotate.errors import UsageError
from ..annotate.frames import encode_png
from ..annotate.importing import import_labelled
from ..annotate.labelme import annotation_to_labelme
from ..annotate.raster import shapes_to_layers
from ..annotate.report import Report
from ..annotate.shapes import Annotation, Ring, Shape
from ..annotate.sources import labelme_frames
from ..annotate.store import write_many
from ..annotate.workspace import Workspace
from ..model.train import Progress
from ..model.training import train_model, train_settings
from .prelabel import prelabel_scans

CLASSES: Final = (
    ClassDef(1, "muscle", color=PALETTE[0], z=10),
    ClassDef(2, "nerve", color=PALETTE[1], z=30, inside="muscle"),
    ClassDef(3, "bone", color=PALETTE[3], z=20),
)
PATIENT: Final = r"^(?P<patient>p\d+)_(?P<frame>\d+)$"
HEIGHT, WIDTH = 192, 240
LABELLED_PATIENTS, NEW_PATIENTS, FRAMES = 10, 4, 6


def draw_frame(rng: np.random.Generator, patient: int, position: float) -> tuple[NDArray[np.uint8], Annotation]:
    """A simple synthetic frame: dark muscle with a bright nerve in it, bone with a shadow, speckle.

    Args:
        rng: Of the speckle.
        patient: Decides where things lie.
        position: Of the probe in the clip, 0 to 1: things slide and change slowly.

    Returns:
        `(HEIGHT, WIDTH)` uint8, and its exact outlines.
    """
    body = np.random.default_rng(patient)
    cx, cy = 90 + 50 * body.random() + 12 * position, 70 + 25 * body.random()
    rx, ry = 42 + 14 * body.random(), 26 + 8 * body.random() + 4 * position
    muscle = _ellipse(cx, cy, rx, ry, tilt=body.uniform(-0.4, 0.4))
    nerve = _ellipse(cx + 14 * body.uniform(-1, 1), cy + 0.35 * ry, 9 + 3 * body.random(), 5 + 2 * position, tilt=0.2)
    bx, by = 170 + 30 * body.random() - 10 * position, 120 + 20 * body.random()
    bone = _ellipse(bx, by, 20 + 6 * body.random(), 8, tilt=body.uniform(-0.3, 0.3))
    shapes = [Shape(1, muscle), Shape(3, bone)]
    if position < 0.85:  # at the clip's end the nerve leaves the view
        shapes.insert(1, Shape(2, nerve))
    layers = shapes_to_layers(shapes, class_ids=(1, 2, 3), height=HEIGHT, width=WIDTH)
    echo = np.full((HEIGHT, WIDTH), 0.42)
    echo[layers[0]] = 0.2
    echo[layers[1]] = 0.5
    edge = layers[0] ^ ndimage.binary_erosion(layers[0], iterations=2)
    echo[edge] = 0.75
    shadow = np.maximum.accumulate(layers[2], axis=0)
    echo[shadow] = 0.08
    echo[layers[2]] = 0.9
    depth = np.linspace(1.1, 0.75, HEIGHT)[:, None]
    speckle = ndimage.gaussian_filter(rng.rayleigh(1.0, (HEIGHT, WIDTH)), (0.6, 1.1))
    bright = ndimage.gaussian_filter(echo, 0.8) * depth * speckle / speckle.mean()
    return np.clip(255 * bright**0.8, 1, 255).astype(np.uint8), Annotation(
        HEIGHT, WIDTH, tuple(shapes), frozenset({1, 2, 3})
    )


def _ellipse(cx: float, cy: float, rx: float, ry: float, *, tilt: float, points: int = 28) -> Ring:
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    x, y = rx * np.cos(t), ry * np.sin(t)
    xs, ys = cx + x * np.cos(tilt) - y * np.sin(tilt), cy + x * np.sin(tilt) + y * np.cos(tilt)
    return tuple((round(float(a), 2), round(float(b), 2)) for a, b in zip(xs, ys, strict=True))


def write_scans(folder: Path, *, patients: range, labelled: bool, seed: int = 0) -> None:
    """Write clips of synthetic patients as PNGs, with Labelme files beside them where `labelled`."""
    names = {c.id: c.name for c in CLASSES}
    files: dict[Path, bytes] = {}
    for patient in patients:
        for k in range(FRAMES):
            rng = np.random.default_rng([seed, patient, k])
            pixels, annotation = draw_frame(rng, patient, k / (FRAMES - 1))
            stem = folder / f"p{patient:02d}_{k:03d}"
            files[stem.with_suffix(".png")] = encode_png(pixels)
            if labelled:
                data = annotation_to_labelme(annotation, names=names, image_path=f"{stem.name}.png")
                files[stem.with_suffix(".json")] = data
    folder.mkdir(parents=True, exist_ok=True)
    write_many(files)


def run_demo(
    folder: Path, *, steps: int, device: torch.device, report: Report, show: Callable[[str], None], tell: Tell
) -> None:
    """Make scans, import, train, pre-label, rank; leave an ordinary workspace.

    Raises:
        UsageError: The folder is there and is no demo's.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "demo-scans").is_dir():
        raise UsageError(folder, "is there already and holds other things", "Name another folder: dmr demo FOLDER")
    (folder / "demo-scans").mkdir(parents=True, exist_ok=True)  # first: it marks the folder as a demo's
    workspace, _ = Workspace.create(folder, classes=CLASSES, patient=PATIENT, coverage="all")
    scans = workspace.root / "demo-scans"
    show(f"1. Simple synthetic frames: {LABELLED_PATIENTS} patients with outlines, {NEW_PATIENTS} without.")
    write_scans(scans / "labelled", patients=range(LABELLED_PATIENTS), labelled=True)
    new = range(LABELLED_PATIENTS, LABELLED_PATIENTS + NEW_PATIENTS)
    write_scans(scans / "new", patients=new, labelled=False)
    with workspace.catalogue() as catalogue:
        ids = {c.name: c.id for c in CLASSES}
        items = labelme_frames(
            [scans / "labelled"],
            resolve=ids.get,
            all_classes=frozenset(ids.values()),
            coverage="all",
            report=report,
        )
        show("2. dmr import: the outlines go into the in-house database.")
        with workspace.lock():
            import_labelled(workspace, catalogue, items, report=report)
        show(f"3. dmr train: DMRNet learns from them ({steps} steps).")
        settings = train_settings(workspace.settings, input=96, steps=steps)
        done = 0

        def on_progress(p: Progress) -> None:
            nonlocal done
            tell("Training", p.step - done, steps, f"loss {p.loss:.2f}")
            done = p.step

        train_model(workspace, catalogue, settings=settings, device=device, report=report, on_progress=on_progress)
        show("4. dmr prelabel: drafts on the new scans, the most informative first.")
        with workspace.lock():
            made = prelabel_scans(workspace, catalogue, [scans / "new"], device=device, report=report, on_progress=tell)
    if made is not None:
        for r in made.ranking[:5]:
            show(f"   {r.rank}. {r.frame_id}  {r.reason}")
        show(f"\nLook at {made.sheet}")
    show(f"Then, in {workspace.root}:  dmr status   dmr open   dmr evaluate   dmr models info")
    show("Synthetic frames show the way, not how well DMRNet does. Its output is a draft for a physician's review.")
