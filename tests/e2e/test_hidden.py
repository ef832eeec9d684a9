"""No text from outside is shown with `--hide-names`, wherever it stands; `dmr where` turns each short name back."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from labelme_json import labelme, shape
from PIL import Image

from dmr.annotate import hiding
from dmr.annotate.classes import ClassDef
from dmr.annotate.workspace import Workspace
from dmr.cli import main

BOX = [[9, 9], [60, 9], [60, 60], [9, 60]]
SHORT = re.compile(rf"(?:{hiding.KINDS})-[0-9a-f]{{8}}")
RING = "0 .1 .1 .5 .1 .5 .5"
SIZE = {"height": 100, "width": 100}


def word(rng: random.Random, alphabet: str, n: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(n))


LETTERS = "abcdefghijklmnopqrstuvwxyz"
KINDS: dict[str, Callable[[random.Random], list[str]]] = {
    "a birthday": lambda rng: [word(rng, "123456789", 8)],
    "like an id": lambda rng: ["p" + word(rng, "0123456789abcdef", 9)],
    "three words": lambda rng: [f"O{word(rng, LETTERS, 6)}'{word(rng, LETTERS, 6)}", "and", word(rng, LETTERS, 7)],
    "Chinese": lambda rng: [word(rng, "张李王赵陈杨黄吴周徐孙马", 6)],
    "long": lambda rng: [word(rng, LETTERS + "_-", 90).strip("-_")],
}


class Canaries:
    """Makes texts that stand nowhere else, and finds them again."""

    def __init__(self, kind: str) -> None:
        self._rng, self._make = random.Random(kind), KINDS[kind]
        self.pieces: set[str] = set()

    def __call__(self) -> str:
        words = self._make(self._rng)
        self.pieces.update(part for w in words for part in w.split("'") if len(part) > 4)
        return " ".join(words)

    def hits(self, text: str) -> list[str]:
        return [p for p in self.pieces if p in text or p[:20] in text or ascii(p)[1:-1] in text]


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def picture(path: Path, rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(rng.randrange(999)).integers(0, 255, (100, 100), np.uint8)).save(path)


def outlines(folder: Path, c: Canaries, rng: random.Random) -> None:
    """Labelme files with a canary in each place of a text."""
    odd: list[dict[str, Any]] = [
        {},
        {"group_id": c(), "description": c(), "flags": {c(): True, c(): c()}, c(): c(), "attributes": {c(): c()}},
        {"label": c()},
        {"label": c(), "points": [[1, 1]]},
        {"shape_type": c()},
        {"label": c(), "shape_type": "point"},
        {"points": [[c(), 1]]},
        {"points": [[9, 9], [60, 60], [60, 9], [9, 60]]},
        {"shape_type": "mask", "mask": c()},
        {"flags": {"hole": c()}},
        {"label": ""},
    ]
    for number, change in enumerate([*odd, {"all": True}]):
        name = f"{c()}_{number}"
        picture(folder / f"{name}.png", rng)
        shapes = [shape(points=BOX) | (o if change.get("all") else change) for o in (odd if "all" in change else [{}])]
        path = f"{c()}/{c()}.png" if number % 2 else f"{name}.png"
        more = {c(): c(), "flags": {c(): True}, "imagePath": path}
        (folder / f"{name}.json").write_bytes(labelme(*shapes, imageHeight=100, imageWidth=100, **more))
    (folder / f"{c()}.json").write_text(c(), encoding="utf-8")
    (folder / f"{c()}.json").write_text(json.dumps({c(): c()}), encoding="utf-8")
    wrong = labelme(shape(c()), imagePath=f"{c()}.png")
    (folder / f"{c()}.json").write_bytes(wrong)
    (folder / f"{c()}.png").write_text(c(), encoding="utf-8")
    (folder / f"{c()}.dcm").write_text(c(), encoding="utf-8")


def coco(path: Path, c: Canaries) -> None:
    twice, listed = c(), [c() for _ in range(6)]
    images: list[dict[str, Any]] = [{"id": k, "file_name": f"{c()}/{c()}.png", **SIZE} for k in listed]
    images += [{"id": listed[0], "file_name": f"{c()}.png", **SIZE}, {"id": c(), "file_name": f"{c()}.png"}]
    images += [{"id": c()}, {"id": c(), "file_name": f"{c()}.png", "height": 10**6, "width": 10**6}, {c(): c()}]
    images += [{"id": c(), "file_name": name, **SIZE} for name in (images[0]["file_name"], f"{c()}\n.png", "/")]
    categories: list[dict[str, Any]] = [{"id": twice, "name": c()}, {"id": twice, "name": c()}, {"id": c()}]
    rings: list[Any] = [
        [[9, 9, 60, 9, 60, 60]],
        [[c(), 1]],
        {"counts": c(), "size": [100, 100]},
        c(),
        [[1, 2, 3]],
        None,
    ]
    annotations = [
        {"id": c(), "image_id": listed[k], "category_id": twice, "segmentation": ring, c(): c()}
        for k, ring in enumerate(rings)
    ]
    annotations += [{"id": c(), "image_id": c(), "category_id": twice, "segmentation": rings[0]}]
    annotations += [{"id": c(), "image_id": listed[0], "category_id": c(), "segmentation": rings[0]}, {"id": c()}]
    data = {"images": images, "annotations": annotations, "categories": categories, "info": {c(): c()}}
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def yolo(folder: Path, c: Canaries, rng: random.Random) -> None:
    folder.mkdir()
    (folder / "data.yaml").write_text("names:\n" + "".join(f"  - {json.dumps(c())}\n" for _ in range(3)), "utf-8")
    for number, line in enumerate(
        ("0 .1 .1 .5 .1 .5 .5", f"{c()} .1 .1 .5 .1 .5 .5", f"0 {c()}", "7 .1 .1 .5 .1 .5 .5")
    ):
        name = f"{c()}_{number}"
        picture(folder / "images" / f"{name}.png", rng)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{name}.txt").write_text(line + "\n", encoding="utf-8")
    (folder / "labels" / f"{c()}.txt").write_text(f"{RING}\n", encoding="utf-8")


def tables(folder: Path, c: Canaries) -> None:
    """Instance masks, layers, and masks of values that are no class."""
    for part in ("instances", "masks"):
        (folder / part).mkdir()
    for number in range(3):
        name, drawn = c(), np.zeros((100, 100), np.uint16)
        drawn[9:40, 9:40], drawn[50:70, 50:70] = 1, 2
        Image.fromarray(drawn).save(folder / "instances" / f"{name}.png")
        rows = [{"number": 1, "class": c()}, {"number": c(), "class": c()}][: 2 - number % 2]
        content = {"instances": rows, "dmr_lost": [c()]} if number else c()
        (folder / "instances" / f"{name}.instances.json").write_text(json.dumps(content), encoding="utf-8")
        Image.fromarray((drawn * 60).astype(np.uint8)).save(folder / "masks" / f"{c()}.png")
        layer = folder / "layers" / c()
        layer.mkdir(parents=True)
        Image.fromarray((drawn * (255 if number else 60)).astype(np.uint8)).save(layer / f"{c()}.png")


def nifti(source: Path, dst: Path, c: Canaries) -> None:
    """A volume whose list of frames names other classes and frames."""
    source.mkdir()
    (source / "1.json").write_bytes(labelme(shape("a", points=BOX), imageHeight=100, imageWidth=100))
    assert run("convert", "labelme-to-nifti", source, dst).exit_code == 0
    for path in list(dst.iterdir()):
        new = path.with_name(path.name.replace("labels", c()))
        path.rename(new)
        if new.suffix == ".json":
            content = json.loads(new.read_text(encoding="utf-8"))
            content["classes"] = {"1": c()}
            content["frames"] = [{"name": c(), "dmr_lost": [c()]}]
            new.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_from_outside_is_shown_and_each_short_name_is_turned_back(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    if sys.platform == "win32" and kind == "long":
        pytest.skip("paths are too long there")
    c, rng = Canaries(kind), random.Random(kind)
    hospital = tmp_path / c()
    ward = hospital / c() / c()
    outlines(ward, c, rng)
    coco(hospital / "coco.json", c)
    yolo(hospital / "yolo", c, rng)
    tables(hospital, c)
    nifti(hospital / "drawn", hospital / "nifti", c)
    made, _ = Workspace.create(tmp_path / "w", classes=[ClassDef(1, "nerve"), ClassDef(2, "muscle")])
    monkeypatch.chdir(made.root)
    convert: list[tuple[str, Path]] = [
        ("coco-to-labelme", hospital / "coco.json"),
        ("yolo-to-labelme", hospital / "yolo"),
    ]
    convert += [(f"{what}-to-labelme", hospital / what) for what in ("instances", "layers", "nifti")]
    convert += [("mask-to-labelme", hospital / "masks")]
    convert += [(f"labelme-to-{what}", ward) for what in ("mask", "coco", "yolo", "instances", "layers", "nifti")]
    targets = [hospital / f"{c()} {number}" for number in range(len(convert) + 1)]
    for target in targets:
        target.mkdir()
        (target / "kept.md").touch()  # a folder without a file is not found again
    commands: list[tuple[str | Path, ...]] = [
        ("import", ward, "--dry-run"),
        ("import", ward),
        ("import", ward, "--yes"),
        ("import", "--images", ward, "--masks", hospital / "masks"),
        ("check", ward),
        ("ingest", ward),
        ("init", targets[0], "--from", ward),
        ("where", *sorted(ward.glob("*"))[:4]),
        *(("convert", *what, target) for what, target in zip(convert, targets, strict=False)),
        *(("convert", *what, targets[-1], "--classes", "nerve") for what in convert[:5]),
    ]
    shown, leaks = "", []
    for command in commands:
        for more in ((), ("--json",))[: 2 if command[0] in ("check", "init") else 1]:
            told = run(*command, *more, "--hide-names").output
            leaks += [(command[:2], line) for line in told.splitlines() if c.hits(line)]
            shown += re.sub(r"patient = .*|Patients: the pattern .*", "", told)  # a pattern is no text of a file
    assert not leaks, "\n".join(map(str, leaks))
    shorts = sorted(set(SHORT.findall(shown)))
    assert len(shorts) > 20
    back = run("where", *shorts, "--in", tmp_path, "--in", home)
    unknown = [line for line in back.output.splitlines() if "stands for no" in line]
    assert unknown == []
