"""What somebody changes by hand in the project or in dmr.toml is said, put right, or does no harm."""

from __future__ import annotations

import re

import pytest
from fake_studio import OWNER
from physician import Physician
from studio_round import FRAMES, PLEXUS, PSOAS, Round

from dmr.annotate.studio.doctor import examine
from dmr.annotate.studio.server.credentials import Login, save_login
from dmr.annotate.workspace import Workspace

CHANGES: dict[str, tuple[dict[str, object], str, bool]] = {
    "sampling": ({"sampling": "Sequential sampling"}, "order: 'Sequential sampling'. In the project's Settings", False),
    "drafts": ({"show_collab_predictions": False}, "drafts: drafts are not shown to annotators", False),
    "people": ({"maximum_annotations": 3}, "people: each frame is shown to 3 people. If one is enough", True),
}


def shuffled(round_: Round) -> None:
    """Turn the labels of the project around."""
    project = round_.server.studio.projects[0]
    lines = re.findall(r" *<Label .*\n", project["label_config"])
    assert len(lines) > 3
    project["label_config"] = project["label_config"].replace("".join(lines), "".join(reversed(lines)))


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_of_the_project_is_said_by_push_and_doctor_and_left_as_it_is(
    change: str, round_: Round, login: Login
) -> None:
    values, told, is_fine = CHANGES[change]
    save_login(login)
    assert round_.push().words == []
    project = round_.server.studio.projects[0]
    project |= values
    (words,) = round_.push().words
    assert words.startswith(f"Project 'ws: main', {told}")
    assert {name: project[name] for name in values} == values
    found = [f for f in examine(round_.s) if f.what.startswith("queue main,") and f.told in words]
    assert [f.is_fine for f in found] == [is_fine]


@pytest.mark.parametrize("version", ["", "something"])
def test_another_version_of_drafts_is_put_right_by_the_next_push(version: str, round_: Round) -> None:
    round_.push()
    project = round_.server.studio.projects[0]
    shown = project["model_version"]
    project["model_version"] = version
    round_.push()
    assert project["model_version"].startswith("v1-") and project["model_version"] != shown
    assert round_.push().counts["tasks unchanged"] == FRAMES


def test_a_view_that_was_deleted_comes_back_with_the_next_drafts(round_: Round) -> None:
    round_.push()
    round_.server.studio.views.clear()
    round_.draw("v2", left=9.0)
    round_.push(model="v2")
    assert [v["data"]["title"] for v in round_.server.studio.views] == ["Most informative first"]


def test_labels_in_another_order_are_the_same_labels(round_: Round, physician: Physician) -> None:
    shuffled(round_)
    assert round_.push().counts["tasks unchanged"] == FRAMES
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    head = round_.s.catalogue.head(task["data"]["frame_id"], OWNER)
    assert head is not None
    assert {s.class_id for s in head.record.annotation.shapes} == {PSOAS, PLEXUS}
    assert head.record.annotation.covered == frozenset(c.id for c in round_.s.settings.classes.active)


def test_classes_in_another_order_in_dmr_toml_are_the_same_classes(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    before = round_.s.catalogue.catalogue_hash()
    path = round_.s.workspace.root / "dmr.toml"
    start, *classes = re.split(r"(?m)^(?=\[\[class\]\])", path.read_text(encoding="utf-8"))
    last, _, rest = classes[-1].partition("\n[")
    moved = [f"{last}\n", *reversed(classes[:-1])]
    path.write_text(start + "\n".join(moved) + (f"\n[{rest}" if rest else ""), encoding="utf-8")
    round_.s.workspace = Workspace.at(round_.s.workspace.root)
    names = re.findall(r'(?m)^name = "(.*)"', path.read_text(encoding="utf-8"))
    assert names.index("lumbar_plexus") < names.index("psoas_major"), "they do stand in another order"
    assert round_.pull().counts["revisions added"] == 0
    assert round_.push(round_.outgoing()[1:]).counts["tasks unchanged"] == FRAMES - 1
    assert round_.s.catalogue.catalogue_hash() == before


def test_a_label_that_was_taken_out_comes_back_and_is_not_absent_where_it_was_not_there(
    round_: Round, physician: Physician
) -> None:
    project = round_.server.studio.projects[0]
    full = project["label_config"]
    project["label_config"] = re.sub(r' *<Label value="lumbar_plexus".*\n', "", full)
    assert project["label_config"] != full
    without, later = physician.tasks()[:2]
    psoas = [r for r in physician.draft_of(without) if r["value"]["polygonlabels"] == ["psoas_major"]]
    physician.submit(without, psoas, lead_time=0.0)
    round_.pull()
    round_.push()
    assert "lumbar_plexus" in project["label_config"]
    round_.server.studio.now()
    round_.server.studio.now()
    physician.submit(later, psoas, lead_time=0.0)
    round_.pull()
    covered = [round_.s.catalogue.head(t["data"]["frame_id"], OWNER) for t in (without, later)]
    assert [h is not None and PLEXUS in h.record.annotation.covered for h in covered] == [False, True]
