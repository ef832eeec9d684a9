"""Points and what smart tools leave are no outlines: they are told, block nothing, and make no class absent."""

from __future__ import annotations

from typing import Any

import pytest
from odd_submissions import LABELS, classes, drawn, ignore_ganglion, keypoint, shown, strange, truth, vector
from physician import Physician
from studio_round import HEIGHT, PLEXUS, PSOAS, WIDTH, Round

from dmr.annotate.studio.pulling.marks import TOLD

SMART = """<RectangleLabels name="box" toName="image" smart="true"><Label value="lumbar_plexus"/></RectangleLabels>
<KeyPointLabels name="click" toName="image" smart="true"><Label value="lumbar_plexus"/></KeyPointLabels></View>"""


def box_of(class_id: int, control: str = "box") -> dict[str, Any]:
    value = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": [LABELS[class_id]]}
    return {
        "id": "b",
        "type": "rectanglelabels",
        "from_name": control,
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": value,
    }


def ellipse_of(class_id: int, **value: Any) -> dict[str, Any]:
    own = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 30, "ellipselabels": [LABELS[class_id]]} | value
    return box_of(class_id, "ellipse") | {"id": "e", "type": "ellipselabels", "value": own}


def offer_smart_tools(round_: Round) -> None:
    project = round_.server.studio.projects[0]
    project["label_config"] = project["label_config"].removesuffix("</View>") + SMART


def test_a_point_is_told_and_its_class_is_neither_absent_nor_present_while_outlines_are_taken(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS), keypoint(PLEXUS)])
    report = round_.pull()
    assert report.failures == []
    assert report.oddities[TOLD] == [round_.frames[0].frame_id]
    assert shown(truth(round_)) == {PSOAS}
    assert truth(round_).covered == classes(round_) - {PLEXUS}
    physician.update(annotation, [drawn(PSOAS), keypoint(PLEXUS), drawn(PLEXUS, id="outlined")])
    assert list(round_.pull().oddities) == [TOLD]
    assert truth(round_).covered == classes(round_)
    assert round_.pull().oddities == {}, "it is told once"


@pytest.mark.parametrize("labels", [[], ["ganglion"]], ids=["no label", "a label that is no class"])
def test_a_point_that_may_stand_for_any_class_makes_none_absent(
    labels: list[str], round_: Round, physician: Physician
) -> None:
    point = keypoint(PLEXUS)
    point["value"]["keypointlabels"] = labels
    physician.submit(physician.tasks()[0], [drawn(PSOAS), point])
    assert round_.pull().failures == []
    assert truth(round_).covered == {PSOAS}


def test_a_point_with_a_label_that_is_left_out_says_nothing(round_: Round, physician: Physician) -> None:
    ignore_ganglion(round_)
    point = keypoint(PLEXUS)
    point["value"]["keypointlabels"] = ["ganglion"]
    physician.submit(physician.tasks()[0], [drawn(PSOAS), point])
    assert TOLD not in round_.pull().oddities
    assert truth(round_).covered == classes(round_)


def test_beside_something_that_cannot_be_read_a_points_class_is_in_doubt_too(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS)])
    round_.pull()
    physician.update(annotation, [vector(PSOAS), keypoint(PLEXUS)])
    assert len(round_.pull().failures) == 1
    assert truth(round_).covered == classes(round_) - {PSOAS, PLEXUS}
    physician.update(annotation, [strange(), keypoint(PLEXUS)])
    round_.pull()
    assert truth(round_).covered == frozenset()


def test_what_smart_tools_leave_blocks_nothing_and_is_no_outline(round_: Round, physician: Physician) -> None:
    offer_smart_tools(round_)
    click = keypoint(PSOAS) | {"from_name": "click"}
    annotation = physician.submit(physician.tasks()[0], [drawn(PSOAS), click, box_of(PSOAS)])
    report = round_.pull()
    assert (report.failures, dict(report.oddities)) == ([], {})
    assert len(truth(round_).shapes) == 1
    assert truth(round_).covered == classes(round_)
    physician.update(annotation, [drawn(PSOAS), box_of(PLEXUS)])
    assert list(round_.pull().oddities) == [TOLD], "a box that nobody accepted is all that is said of the plexus"
    assert truth(round_).covered == classes(round_) - {PLEXUS}


def test_a_label_that_was_put_on_an_accepted_outline_too_is_the_same_outline(
    round_: Round, physician: Physician
) -> None:
    offer_smart_tools(round_)
    outline = drawn(PSOAS)
    again = [
        outline | {"type": kind, "from_name": name, "value": outline["value"] | {kind: [LABELS[PSOAS]]}}
        for kind, name in (("keypointlabels", "click"), ("rectanglelabels", "box"), ("ellipselabels", "ellipse"))
    ]
    physician.submit(physician.tasks()[0], [outline, *again])
    report = round_.pull()
    assert (report.failures, dict(report.oddities)) == ([], {})
    assert len(truth(round_).shapes) == 1


def test_another_class_on_an_outline_is_refused(round_: Round, physician: Physician) -> None:
    outline = drawn(PSOAS)
    other = outline | {"type": "ellipselabels", "from_name": "ellipse"}
    other["value"] = outline["value"] | {"ellipselabels": [LABELS[PLEXUS]]}
    physician.submit(physician.tasks()[0], [outline, other])
    (line,) = round_.pull().failures
    assert "an outline of 'lumbar_plexus' has no number as its x" in line


def test_a_rectangle_of_a_plain_tool_is_an_outline_whatever_its_list_is_called(
    round_: Round, physician: Physician
) -> None:
    physician.submit(physician.tasks()[0], [box_of(PSOAS), ellipse_of(PLEXUS)])
    report = round_.pull()
    assert report.failures == []
    assert shown(truth(round_)) == {PSOAS, PLEXUS}
    assert "1 outline drawn as a rectangle, 1 outline drawn as an ellipse" in report.lines()[-1]


def test_an_ellipse_that_is_moved_is_a_new_revision_and_one_that_is_not_is_none(
    round_: Round, physician: Physician
) -> None:
    annotation = physician.submit(physician.tasks()[0], [ellipse_of(PSOAS)])
    assert round_.pull().counts["revisions added"] == 1
    before = truth(round_)
    assert round_.pull().counts["revisions added"] == 0
    physician.update(annotation, [ellipse_of(PSOAS, rotation=31)])
    assert round_.pull().counts["revisions added"] == 1
    assert truth(round_) != before


def test_a_point_alone_is_held_like_every_submission_without_outlines(round_: Round, physician: Physician) -> None:
    physician.submit(physician.tasks()[0], [keypoint(PLEXUS)])
    assert round_.pull().counts["revisions added"] == 0
    assert not round_.s.catalogue.labelled_frames()
