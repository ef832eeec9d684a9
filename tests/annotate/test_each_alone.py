"""Whatever one file holds, the others go on: random bytes and random JSON among good files, over every batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed import corpus, good

from dmr.annotate.classes import ClassDef
from dmr.annotate.editing.checkout import Sheet, write_checkout
from dmr.annotate.editing.edits import sync_checkout
from dmr.annotate.intake.check import check_outlines
from dmr.annotate.intake.importing import import_labelled
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.intake.outside import labelme_frames
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation
from dmr.annotate.workspace import Session, Workspace

CORPUS: Final = dict(corpus())
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file's bytes: any, or JSON with anything in one place of a Labelme file, or one of the corpus."""
    kind = draw(st.sampled_from(["bytes", "json", "file", "shape", "corpus"]))
    if kind == "bytes":
        return draw(st.binary(max_size=200))
    if kind == "corpus":
        return CORPUS[draw(st.sampled_from(sorted(CORPUS)))]
    content: Any = good()
    if kind == "json":
        content = draw(JUNK)
    elif kind == "file":
        content[draw(st.sampled_from(sorted(content)))] = draw(JUNK)
    else:
        content["shapes"][0][draw(st.sampled_from(sorted(content["shapes"][0])))] = draw(JUNK)
    return json.dumps(content).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A workspace, and in `outlines/` beside it two good files with their images and the image of a third."""
    root = tmp_path_factory.mktemp("alone")
    (root / "outlines").mkdir()
    random = np.random.default_rng(3)
    for name in ("1_a", "2_b", "3_odd"):
        (root / "outlines" / f"{name}.png").write_bytes(encode_png(random.integers(0, 255, (64, 64), np.uint8)))
    for name in ("1_a", "2_b"):
        text = json.dumps(good() | {"imagePath": f"{name}.png"})
        (root / "outlines" / f"{name}.json").write_text(text, encoding="utf-8")
    made, _ = Workspace.create(root / "w", classes=[ClassDef(1, "nerve")])
    with made.session(write=True) as s:
        yield s


def renewed(s: Session) -> Session:
    """The same session with a report of its own."""
    return Session(s.workspace, s.catalogue, Report("test"), _writes=True)


@settings(max_examples=60)
@given(data=files())
def test_an_import_takes_the_good_files_whatever_one_holds(session: Session, data: bytes) -> None:
    folder = session.workspace.root.parent / "outlines"
    (folder / "3_odd.json").write_bytes(data)
    s = renewed(session)
    report = s.report
    items = labelme_frames(
        [folder], resolve={"nerve": 1}.get, all_classes=frozenset({1}), coverage="all", report=report
    )
    ids = import_labelled(s, items)

    refused = [line for line in report.failures if "was left out; the notes say what" not in line]
    assert len(ids) == 3 - len(refused)
    assert all("3_odd.json" in line for line in report.failures)


@settings(max_examples=60)
@given(data=files())
def test_a_check_reads_the_good_files_whatever_one_holds(session: Session, data: bytes) -> None:
    folder = session.workspace.root.parent / "outlines"
    (folder / "3_odd.json").write_bytes(data)
    report = Report("check")
    check_outlines([folder], settings=session.settings, report=report)

    assert all("3_odd.json" in line for line in report.failures)


@settings(max_examples=60)
@given(data=files(), number=st.integers(0, 10**6))
def test_the_good_edits_are_taken_up_whatever_one_holds(session: Session, data: bytes, number: int) -> None:
    s = renewed(session)
    ingest_scans(s, [s.workspace.root.parent / "outlines"])
    frames = s.catalogue.frames()
    folder = s.workspace.annotations_folder
    for old in folder.iterdir():
        old.unlink()
    write_checkout(s.workspace, [Sheet(f, Annotation(64, 64, (), frozenset())) for f in frames])
    odd, sound = sorted(folder.glob("*.json"))[:2]
    odd.write_bytes(data)
    content = json.loads(sound.read_text(encoding="utf-8"))
    points = [[1.0, 1.0], [9.0, 1.0], [9.0, 9.0 + number / 10**6]]
    content["shapes"] = [good()["shapes"][0] | {"points": points}]
    sound.write_text(json.dumps(content), encoding="utf-8")
    sync_checkout(s)

    head = s.catalogue.head(sound.stem, "labelme")
    assert head is not None
    assert [list(point) for point in head.record.annotation.shapes[0].points] == points
    assert all(odd.name in line for line in s.report.failures)


@settings(max_examples=40)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([".png", ".jpg", ".tif", ".bmp", ".json"]))
def test_a_scan_of_any_bytes_stops_no_other(
    session: Session, tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("scans")
    for name in ("1_a.png", "2_b.png"):
        (folder / name).write_bytes((session.workspace.root.parent / "outlines" / name).read_bytes())
    (folder / f"1_odd{suffix}").write_bytes(data)
    s = renewed(session)

    assert len(ingest_scans(s, [folder])) == 2
    assert all(f"1_odd{suffix}" in line for line in s.report.failures)


def test_an_unreadable_annotation_stops_no_import(session: Session) -> None:
    """A folder in a file's place cannot be read by anybody, whatever their rights."""
    folder = session.workspace.root.parent / "outlines"
    (folder / "3_odd.json").unlink(missing_ok=True)
    s = renewed(session)
    ingest_scans(s, [folder])
    sheets = s.workspace.annotations_folder
    for old in sheets.iterdir():
        old.unlink()
    write_checkout(s.workspace, [Sheet(f, Annotation(64, 64, (), frozenset())) for f in s.catalogue.frames()])
    odd, sound = sorted(sheets.glob("*.json"))[:2]
    odd.unlink()
    odd.mkdir()
    content = json.loads(sound.read_text(encoding="utf-8"))
    sound.write_text(json.dumps(content | {"flags": {"reviewed": True}}), encoding="utf-8")
    sync_checkout(s)
    odd.rmdir()

    assert s.report.counts["edits taken up"] == 1
    assert [odd.name in line for line in s.report.failures] == [True]
