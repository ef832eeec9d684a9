"""A project that an older dmr made gets the layout of a new one, and nothing that was drawn is lost."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from physician import Physician
from studio_round import Round

from dmr.annotate.report import Report
from dmr.annotate.studio.interface.config import label_config
from dmr.annotate.studio.interface.smart import has_smart, with_smart
from dmr.annotate.studio.projects.layout import renew_layouts

OLD = (
    '<View><Header value="$reason"/><Image name="image" value="$image"/><PolygonLabels name="label" toName="image">'
    '<Label value="psoas_major" background="#010203"/><Label value="ganglion" background="#040506"/>'
    "</PolygonLabels></View>"
)


def renewed(round_: Round, config: str) -> tuple[Report, str]:
    """The report, and the project's interface afterwards."""
    project = round_.server.studio.projects[0]
    project["label_config"] = config
    report = round_.s.report = Report("studio layout")
    renew_layouts(round_.s, round_.client)
    return report, str(project["label_config"])


def labels(config: str, control: str = "PolygonLabels") -> dict[str, str]:
    (found,) = ElementTree.fromstring(config).iter(control)
    return {own.get("value", ""): own.get("background", "") for own in found}


def test_an_older_project_is_laid_out_once_and_its_labels_keep_their_colours(
    round_: Round, physician: Physician
) -> None:
    round_.server.studio.projects[0]["expert_instruction"] = "old"
    report, config = renewed(round_, OLD)
    assert report.counts["projects laid out"] == 1
    names = [c.name for c in round_.s.settings.classes.active]
    assert list(labels(config)) == [*labels(label_config(round_.s.settings.classes)), "ganglion"]
    assert (labels(config)["psoas_major"], labels(config)["ganglion"]) == ("#010203", "#040506")
    assert sorted(labels(config, "EllipseLabels")) == sorted(names)
    assert 'value="$clip"' in config
    assert "Ctrl" in round_.server.studio.projects[0]["expert_instruction"]
    again, same = renewed(round_, config)
    assert (again.counts["projects laid out"], again.counts["projects unchanged"]) == (0, 1)
    assert same == config
    assert round_.push().failures == []


def test_what_was_submitted_before_is_pulled_as_it_is(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    before = round_.s.catalogue.newest_revisions()
    renewed(round_, OLD)
    assert round_.pull().counts["revisions added"] == 0
    assert round_.s.catalogue.newest_revisions() == before


def test_a_class_that_gets_its_label_now_was_not_absent_before(round_: Round, physician: Physician) -> None:
    round_.server.studio.projects[0]["label_config"] = OLD
    round_.s.catalogue.set_offered(1, {1: ""})
    task, other = physician.tasks()[:2]
    physician.submit(task, [region for region in physician.draft_of(task) if "psoas_major" in str(region)])
    renewed(round_, OLD)
    drawn = [region for region in physician.draft_of(other) if "psoas_major" in str(region)]
    physician.submit(other, drawn, lead_time=0.0)
    round_.pull()
    newest = round_.s.catalogue.newest_revisions()
    covered = [newest[t["data"]["frame_id"]].record.annotation.covered for t in (task, other)]
    assert covered[0] == {1}
    assert covered[1] == {c.id for c in round_.s.settings.classes.active}


def test_the_tool_for_boxes_stays(round_: Round, physician: Physician) -> None:
    _, config = renewed(round_, with_smart(OLD))
    assert has_smart(config)
    assert "Outline from a box" in round_.server.studio.projects[0]["expert_instruction"]


@pytest.mark.parametrize("name", ["polygons", "ring"])
def test_an_interface_that_dmr_did_not_make_stays(name: str, round_: Round, physician: Physician) -> None:
    foreign = OLD.replace('name="label"', f'name="{name}"')
    report, config = renewed(round_, foreign)
    assert config == foreign
    (line,) = report.failures
    assert f"'{name}'" in line


def test_a_refusal_of_label_studio_is_told_and_nothing_changes(round_: Round, physician: Physician) -> None:
    round_.server.fail("PATCH", "/api/projects/1/", status=400, body={"detail": "it does not fit"})
    report, config = renewed(round_, OLD)
    assert config == OLD
    (line,) = report.failures
    assert "keeps its layout" in line
