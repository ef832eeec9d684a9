"""Over every reader: a class of which anything was left out is not covered; if nobody can tell which, none is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.editing.checkout import Sheet, write_checkout
from dmr.annotate.editing.edits import frame_of, take_up_edits
from dmr.annotate.errors import BrokenInput
from dmr.annotate.formats.annotations import read_annotation
from dmr.annotate.geometry.raster import polygons_to_mask
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.outside import labelme_frames
from dmr.annotate.intake.outside_masks import mask_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Frame
from dmr.annotate.studio.answers.reading import read_annotation as read_studio
from dmr.annotate.studio.projects.payload import regions_to_shapes
from dmr.annotate.workspace import Session, Workspace

HEIGHT, WIDTH = 40, 90
CLASSES: Final = Classes([ClassDef(1, "nerve", ("shenjing",)), ClassDef(2, "muscle"), ClassDef(3, "artery")])
ALL: Final = frozenset({1, 2, 3})
IGNORED: Final = "jizhu"
BOXES: Final = {i: [[x, 5.0], [x + 20, 5.0], [x + 20, 30.0], [x, 30.0]] for i, x in ((1, 5.0), (2, 35.0), (3, 65.0))}
NAMES: Final = {c.id: c.name for c in CLASSES}
PIXELS: Final = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH), np.uint8)

Json = dict[str, Any]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
UNKNOWN_LABEL = st.text(max_size=12).filter(lambda text: CLASSES.find(text) is None)
UNKNOWN_TYPE = st.text(min_size=1, max_size=12).filter(
    lambda text: text not in ("polygon", "ai_polygon", "rectangle", "quadrilateral", "rotation", "oriented_rectangle")
)
# What is done to one shape of a file; whether its label still tells the class.
SPOILT: Final = st.one_of(
    st.fixed_dictionaries({"label": UNKNOWN_LABEL | JUNK.filter(lambda v: not isinstance(v, str))}),
    st.fixed_dictionaries({"points": st.lists(st.lists(st.none() | st.text(max_size=3) | st.booleans()), min_size=1)}),
    st.fixed_dictionaries({"points": st.lists(st.tuples(st.floats(0, 60), st.floats(0, 30)), max_size=2)}),
    st.fixed_dictionaries({"points": st.just([[1, 1], [1.2, 1], [1, 1.2]]) | st.just([[-9, -9], [-5, -9], [-5, -5]])}),
    st.fixed_dictionaries({"points": JUNK.filter(lambda v: not isinstance(v, list))}),
    st.fixed_dictionaries({"shape_type": UNKNOWN_TYPE}),
    st.fixed_dictionaries({"shape_type": st.sampled_from(["point", "line", "linestrip", "circle", "mask"])}),
    st.fixed_dictionaries({"flags": st.just({"hole": 1}) | st.just({"hole": "yes"})}),
)


def shape(class_id: int) -> Json:
    own: Json = {"label": NAMES[class_id], "points": BOXES[class_id], "shape_type": "polygon"}
    return own | {"group_id": None, "flags": {}, "description": ""}


def labelme(shapes: list[Any], image: str = "1_a.png") -> bytes:
    content: Json = {"version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": image, "imageData": None}
    return json.dumps({**content, "imageHeight": HEIGHT, "imageWidth": WIDTH}).encode("utf-8", "surrogatepass")


def spoilt_file(class_id: int, change: Json, *, twice: bool) -> list[Any]:
    """All classes drawn, one shape of one of them spoilt; beside a whole one of its class, where `twice`."""
    shapes: list[Any] = [shape(i) for i in NAMES]
    if twice:
        shapes.append(shape(class_id) | change)
    else:
        shapes[class_id - 1] |= change
    return shapes


def not_to_be_covered(class_id: int, change: Json) -> frozenset[int]:
    """The spoilt class, or all where its label does not tell it any more."""
    return ALL if "label" in change else frozenset({class_id})


def pixels_of(annotation: Annotation, class_id: int) -> NDArray[np.bool_]:
    return polygons_to_mask([s for s in annotation.shapes if s.class_id == class_id], height=HEIGHT, width=WIDTH)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image, for the files that are written beside it."""
    made = tmp_path_factory.mktemp("outlines")
    (made / "1_a.png").write_bytes(encode_png(PIXELS))
    return made


def read_directly(path: Path) -> frozenset[int]:
    return read_annotation(path, CLASSES, coverage="all").covered


def read_for_an_import(path: Path) -> frozenset[int]:
    """As `dmr import` and `dmr evaluate --data` do; a file that is refused covers nothing."""
    report = Report("test")
    items = labelme_frames(
        [path.parent],
        resolve=CLASSES.class_id,
        all_classes=ALL,
        coverage="all",
        report=report,
        ignored=lambda label: label == IGNORED,
    )
    found = list(items)
    assert found or report.failures
    return found[0].annotation.covered if found else frozenset()


@pytest.mark.parametrize("read", [read_directly, read_for_an_import])
def test_a_whole_file_covers_every_class(read: Callable[[Path], frozenset[int]], folder: Path) -> None:
    (folder / "1_a.json").write_bytes(labelme([shape(1)]))
    assert read(folder / "1_a.json") == ALL


@pytest.mark.parametrize("read", [read_directly, read_for_an_import])
@settings(max_examples=150)
@given(class_id=st.sampled_from(sorted(ALL)), change=SPOILT, twice=st.booleans())
def test_a_spoilt_shape_of_a_labelme_file_takes_its_class_away(
    read: Callable[[Path], frozenset[int]], folder: Path, class_id: int, change: Json, twice: bool
) -> None:
    path = folder / "1_a.json"
    path.write_bytes(labelme(spoilt_file(class_id, change, twice=twice)))
    assert read(path) & not_to_be_covered(class_id, change) == frozenset()


@settings(max_examples=300)
@given(class_id=st.sampled_from(sorted(ALL)), key=st.sampled_from(sorted(shape(1))), value=JUNK)
def test_a_class_that_any_value_anywhere_makes_vanish_is_not_called_absent(
    folder: Path, class_id: int, key: str, value: Any
) -> None:
    path = folder / "1_a.json"
    path.write_bytes(labelme(spoilt_file(class_id, {key: value}, twice=False)))
    try:
        annotation = read_annotation(path, CLASSES, coverage="all")
    except BrokenInput:  # such as Infinity, which is no number of JSON's
        return
    if class_id in annotation.covered:
        assert pixels_of(annotation, class_id).any() or (key == "label" and value in NAMES.values())


@settings(max_examples=60)
@given(change=SPOILT.filter(lambda change: "label" not in change))
def test_an_ignored_label_takes_nothing_away(folder: Path, change: Json) -> None:
    path = folder / "1_a.json"
    path.write_bytes(labelme([*(shape(i) for i in NAMES), shape(1) | change | {"label": IGNORED}]))
    assert read_for_an_import(path) == ALL


@settings(max_examples=100)
@given(class_id=st.sampled_from(sorted(ALL)), value=st.integers(4, 255), whole=st.booleans())
def test_a_value_of_a_mask_that_is_no_class_leaves_none_covered(
    tmp_path_factory: pytest.TempPathFactory, class_id: int, value: int, whole: bool
) -> None:
    folder = tmp_path_factory.mktemp("masks")
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    for i, box in BOXES.items():
        (x, y), (right, low) = box[0], box[2]
        index[int(y) : int(low), int(x) : int(right)] = i
    places = np.argwhere(index == class_id)
    for row, column in places if whole else places[:5]:
        index[row, column] = value
    for name, data in (("images/1_a.png", PIXELS), ("masks/1_a.png", index)):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(encode_png(data))
    report = Report("test")
    found = list(mask_frames(folder / "images", folder / "masks", classes=CLASSES, coverage="all", report=report))
    assert len(report.failures) == 1
    assert not any(item.annotation.covered for item in found)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A workspace with the frame."""
    made, _ = Workspace.create(
        tmp_path_factory.mktemp("workspace") / "w", classes=list(CLASSES), coverage="all", ignore=[IGNORED]
    )
    with made.session(write=True) as s:
        add_frames(s, [NamedFrame("1_a", Frame(PIXELS, source_sha256="0" * 64))])
        yield s


@settings(max_examples=60)
@given(class_id=st.sampled_from(sorted(ALL)), change=SPOILT, twice=st.booleans())
def test_a_spoilt_edit_is_refused_or_takes_its_class_away(
    session: Session, class_id: int, change: Json, twice: bool
) -> None:
    (frame,) = session.catalogue.frames()
    for old in session.workspace.annotations_folder.glob("*.json"):
        old.unlink()
    write_checkout(session.workspace, [Sheet(frame, Annotation(HEIGHT, WIDTH, (), frozenset()))])
    (path,) = session.workspace.annotations_folder.glob("*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["shapes"] = spoilt_file(class_id, change, twice=twice)
    content["flags"] = {"reviewed": True}
    path.write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))
    report = Report("test")
    taken = take_up_edits(Session(session.workspace, session.catalogue, report, _writes=True), path.parent)

    if not taken:
        assert report.failures
        return
    head = session.catalogue.head(frame_of(path), "labelme")
    assert head is not None
    assert head.record.annotation.covered & not_to_be_covered(class_id, change) == frozenset()


REGION: Final = {
    "id": "r",
    "type": "polygonlabels",
    "original_width": WIDTH,
    "original_height": HEIGHT,
    "image_rotation": 0,
}


def region(class_id: int) -> Json:
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in BOXES[class_id]]
    return REGION | {
        "id": f"r{class_id}",
        "value": {"points": points, "closed": True, "polygonlabels": [NAMES[class_id]]},
    }


def submitted(results: list[Any]) -> Annotation | None:
    """What a submitted task becomes: it covers every class; None where it is refused."""
    answer = {"id": 1, "completed_by": 1, "updated_at": "2026-01-31T08:00:00Z", "result": results}
    annotation = read_studio(answer)
    if annotation.problem:
        return None
    try:
        shapes = regions_to_shapes(annotation.regions, classes=CLASSES, height=HEIGHT, width=WIDTH)
    except ValueError:
        return None
    return Annotation(HEIGHT, WIDTH, shapes, ALL)


def assert_nothing_vanished(results: list[Any], class_id: int) -> None:
    found = submitted(results)
    if found is not None:
        for i in ALL:
            assert np.array_equal(pixels_of(found, i), pixels_of_box(i)) or (
                i == class_id and pixels_of(found, i).any()
            )


def pixels_of_box(class_id: int) -> NDArray[np.bool_]:
    found = submitted([region(class_id)])
    assert found is not None
    return pixels_of(found, class_id)


@settings(max_examples=300)
@given(class_id=st.sampled_from(sorted(ALL)), data=st.data())
def test_a_region_that_any_value_spoils_is_drawn_or_the_annotation_is_refused(class_id: int, data: Any) -> None:
    results: list[Any] = [region(i) for i in NAMES]
    spoilt = results[class_id - 1]
    place, keys = data.draw(st.sampled_from([(spoilt, sorted(spoilt)), (spoilt["value"], sorted(spoilt["value"]))]))
    key = data.draw(st.sampled_from(keys))
    if data.draw(st.booleans()):
        del place[key]
    else:
        place[key] = data.draw(JUNK)
    assert_nothing_vanished(results, class_id)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"value": {**region(1)["value"], "polygonlabels": ["nerve", "muscle"]}}, id="two labels"),
        pytest.param({"value": {**region(1)["value"], "polygonlabels": []}}, id="no label"),
        pytest.param({"type": "brushlabels", "value": {"format": "rle", "rle": [1]}}, id="a brush"),
        pytest.param({"type": "polygon", "value": {"points": [[1, 1], [9, 1], [9, 9]]}}, id="an outline alone"),
        pytest.param({"value": None}, id="no value"),
        pytest.param({"type": None}, id="no type"),
    ],
)
@pytest.mark.parametrize("without_size", [False, True], ids=["with its size", "by the API, without"])
def test_a_region_of_another_kind_is_refused(change: Json, without_size: bool) -> None:
    results = [region(1) | change, region(2), region(3)]
    if without_size:
        for name in ("original_width", "original_height"):
            del results[0][name]
    assert submitted(results) is None


def test_a_polygon_without_the_size_of_its_image_is_never_passed_over() -> None:
    results = [region(1), region(2), region(3)]
    for name in ("original_width", "original_height", "image_rotation"):
        del results[0][name]
    assert_nothing_vanished(results, 1)


def test_what_is_said_of_a_frame_as_a_whole_is_no_region() -> None:
    choice = {"id": "c", "type": "choices", "from_name": "q", "to_name": "image", "value": {"choices": ["good"]}}
    found = submitted([choice, region(1), {"from_id": "a", "to_id": "b", "type": "relation"}])
    assert found is not None
    assert {s.class_id for s in found.shapes} == {1}


@pytest.mark.parametrize(
    "ring",
    [
        pytest.param([*BOXES[1], *BOXES[1]], id="traced twice"),
        pytest.param([[-30, 10], [5, -30], [-30, -30]], id="only its bounding box touches the frame"),
    ],
)
def test_an_outline_without_pixels_is_never_covered(ring: list[list[float]], folder: Path) -> None:
    (folder / "1_a.json").write_bytes(labelme([shape(1) | {"points": ring}, shape(2)]))
    for read in (read_directly, read_for_an_import):
        assert read(folder / "1_a.json") & {1} == frozenset()
    percent = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in ring]
    assert submitted([region(1) | {"value": region(1)["value"] | {"points": percent}}]) is None


@pytest.mark.parametrize("said", ["nerve", None, {"nerve": True}])
def test_a_list_of_complete_classes_that_cannot_be_read_adds_none(said: object, folder: Path) -> None:
    content = json.loads(labelme([shape(1)])) | {"dmr_covered": said}
    (folder / "1_a.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_for_an_import(folder / "1_a.json") <= {1}
