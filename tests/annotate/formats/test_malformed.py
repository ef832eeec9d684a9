"""Whatever is in a Labelme file: no traceback, nothing written elsewhere, each refusal with file, reason and remedy."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed import corpus, good

from dmr.annotate.errors import DmrError
from dmr.annotate.formats.labelme import labelme_to_annotation, parse_labelme
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.scans.images import encode_png
from dmr.cli import main

CORPUS = dict(corpus())


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import numpy as np

    inside = tmp_path / "ward" / "deep" / "in"
    inside.mkdir(parents=True)
    for name, data in CORPUS.items():
        (inside / f"{name}.json").write_bytes(data)
    (inside / "good.json").write_text(json.dumps(good()), encoding="utf-8")
    (inside / "good.png").write_bytes(encode_png(np.full((64, 64), 90, np.uint8)))
    return inside


def everything(root: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


def assert_told(result: Result) -> None:
    """Every refusal is one line: where, what, what to do."""
    failures = json.loads(result.stdout)["failures"]
    assert failures
    for line in failures:
        assert "\n" not in line
        assert re.fullmatch(r"\S.*?: .+\. .+\.?", line), line


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 150
    assert len(set(CORPUS.values())) > 0.9 * len(CORPUS)


@pytest.mark.parametrize("command", ["labelme-to-mask", "labelme-to-layers"])
def test_converting_the_corpus_refuses_what_cannot_be_used_and_writes_nowhere_else(folder: Path, command: str) -> None:
    root = folder.parents[2]
    before = everything(root)
    out = folder.parents[1] / "out"
    result = run("convert", command, str(folder), str(out), "--classes", "nerve,muscle", "--json")
    assert result.exit_code == 1
    assert_told(result)
    written = set(everything(root)) - set(before)
    assert written
    assert all(p.is_relative_to(out) for p in written)
    assert {p: v for p, v in everything(root).items() if p in before} == before, "originals are kept"
    assert any(p.name == "good.png" for p in written)


def test_converting_the_corpus_to_coco_keeps_the_good_ones(folder: Path) -> None:
    out = folder.parents[1] / "out" / "coco.json"
    out.parent.mkdir()
    result = run("convert", "labelme-to-coco", str(folder), str(out), "--classes", "nerve", "--json")
    assert result.exit_code == 1
    assert_told(result)
    assert "good.png" in {i["file_name"] for i in json.loads(out.read_text(encoding="utf-8"))["images"]}


def test_checking_and_importing_the_corpus_names_each_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(folder)
    checked = run("check", str(folder), "--json")
    assert checked.exit_code == 1
    assert_told(checked)
    assert everything(folder) == before
    assert run("init", str(tmp_path / "w"), "--classes", "nerve").exit_code == 0
    monkeypatch.chdir(tmp_path / "w")
    imported = run("import", str(folder), "--json")
    assert imported.exit_code == 1
    assert_told(imported)
    assert everything(folder) == before
    named = " ".join(json.loads(checked.stdout)["failures"])
    for name in ("empty", "cut_at_50_percent", "deep_list", "shapes_is_text", "coordinate_nan", "key_twice"):
        assert f"{name}.json" in named


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=1000)
@given(st.sampled_from(sorted(good())), st.sampled_from(sorted(good()["shapes"][0])), JUNK, JUNK)
def test_any_value_anywhere_is_used_or_refused(key: str, shape_key: str, value: object, shape_value: object) -> None:
    content = good()
    content["shapes"][0][shape_key] = shape_value
    content["shapes"] = content["shapes"] * 2
    content[key] = value
    use(json.dumps(content).encode("utf-8", errors="surrogatepass"))


@settings(max_examples=1000)
@given(st.sampled_from(sorted(CORPUS)), st.integers(0, 2000), st.binary(max_size=6))
def test_any_bytes_anywhere_are_used_or_refused(name: str, place: int, patch: bytes) -> None:
    data = CORPUS[name][:4000]
    use(data[:place] + patch + data[place + len(patch) :])


def use(data: bytes) -> None:
    with contextlib.suppress(DmrError):
        file = parse_labelme(data, where="file")
        annotation, _ = labelme_to_annotation(file, resolve=lambda _: 1, height=64, width=64)
        polygons_to_mask(annotation.shapes, height=64, width=64)


def test_smells_are_told(tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:, :34] = rng.integers(60, 200, (64, 34))
    square = [[5, 5], [25, 5], [25, 25], [5, 25]]
    for k in range(6):
        content = good()
        labels = ["nerve", "muscle"] if k < 5 else ["nerve"]
        shape = content["shapes"][0]
        content["shapes"] = [{**shape, "label": label, "points": square} for label in labels]
        content["imagePath"] = f"7_{k}.png"
        if k == 0:
            content["shapes"] += [
                {**shape, "points": [[5, 5], [25, 5], [25, 26], [5, 25]]},
                {**shape, "points": [[1, 30], [33, 30], [33, 30.4], [1, 30.4]]},
                {**shape, "label": "vein", "points": [[40, 40], [60, 40], [60, 60]]},
            ]
        (tmp_path / f"7_{k}.json").write_text(json.dumps(content), encoding="utf-8")
        (tmp_path / f"7_{k}.png").write_bytes(encode_png(pixels))
    oddities = json.loads(run("check", str(tmp_path), "--json").stdout)["oddities"]
    assert oddities == {
        "nerve is drawn twice in one place": ["7_0.json"],
        "an outline of nerve is a sliver": ["7_0.json"],
        "something drawn leaves no pixel: it is too thin, outside the frame, or all hole": ["7_0.json"],
        "an outline lies outside the sector": ["7_0.json"],
        "muscle is not drawn, and is on this patient's other frames": ["7_5.json"],
    }
