"""What a push sends: everything once, in order, and nothing that somebody drew is touched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from physician import Physician
from studio_round import FRAMES, HEIGHT, WIDTH, Round

from dmr.annotate.errors import StudioError, UsageError
from dmr.annotate.studio.pushing.outgoing import Outgoing


def test_a_push_shows_every_frame_once_in_order_with_its_draft_and_its_picture(round_: Round) -> None:
    report = round_.push()
    assert report.counts["tasks added"] == FRAMES
    studio = round_.server.studio
    assert [t["data"]["frame_id"] for t in studio.tasks] == [f.frame_id for f in round_.frames]
    assert [t["data"]["rank"] for t in studio.tasks] == [1, 2, 3, 4]
    assert studio.tasks[0]["data"]["reason"] == "1. border uncertain"
    with round_.physician() as physician:
        tasks = physician.tasks()
    assert [t["data"]["rank"] for t in tasks] == [1, 2, 3, 4], "the lowest score comes first"
    plexus, psoas = tasks[0]["predictions"][0]["result"]
    assert (psoas["original_width"], psoas["original_height"], psoas["image_rotation"]) == (WIDTH, HEIGHT, 0)
    assert plexus["value"]["polygonlabels"] == ["lumbar_plexus"]
    assert len(psoas["value"]["points"]) == 4 + 4 + 2, "the hole goes out by a seam"
    for task, frame in zip(studio.tasks, round_.frames, strict=True):
        sent = studio.files[task["data"]["image"].removeprefix("/data/")]
        assert sent == round_.s.workspace.absolute(frame.path).read_bytes()


def test_a_project_made_by_a_push_serves_the_lowest_score_first_and_shows_drafts(round_: Round) -> None:
    round_.push()
    (project,) = round_.server.studio.projects
    assert project["sampling"] == "Uncertainty sampling"
    assert project["show_collab_predictions"] is True
    assert project["model_version"].startswith("v1-")
    (view,) = round_.server.studio.views
    assert view["data"]["ordering"] == ["tasks:predictions_score"]
    assert "tasks:data.rank" in view["data"]["hiddenColumns"]["explore"]
    assert "tasks:data.reason" not in view["data"]["hiddenColumns"]["explore"]


def test_a_push_that_is_repeated_sends_nothing(round_: Round) -> None:
    round_.push()
    before = round_.s.catalogue.catalogue_hash()
    asked = len(round_.server.asked)
    report = round_.push()
    assert report.counts["tasks added"] == report.counts["drafts replaced"] == 0
    assert report.counts["tasks unchanged"] == FRAMES
    assert not [a for a in round_.server.asked[asked:] if not a.startswith("GET ")]
    assert round_.s.catalogue.catalogue_hash() == before


def test_a_new_models_drafts_take_the_place_of_the_old_ones(round_: Round) -> None:
    round_.push()
    round_.draw("v2", left=10.0)
    report = round_.push(model="v2")
    assert report.counts["drafts replaced"] == FRAMES
    assert len(round_.server.studio.tasks) == FRAMES
    predictions = round_.server.studio.predictions
    assert {p["model_version"][:2] for p in predictions[FRAMES:]} == {"v2"}
    assert round_.server.studio.projects[0]["model_version"] == predictions[-1]["model_version"]


def test_another_order_is_told_by_score_and_by_the_reason_of_the_first_frames(round_: Round) -> None:
    round_.push()
    turned = round_.outgoing()[::-1]
    round_.push(turned)
    with round_.physician() as physician:
        tasks = physician.tasks()
    assert [t["data"]["frame_id"] for t in tasks] == [o.frame.frame_id for o in turned]
    assert [t["data"]["reason"][:2] for t in tasks] == ["1.", "2.", "3.", "4."]
    assert [t["data"]["image"] for t in tasks] == [t["data"]["image"] for t in round_.server.studio.tasks[::-1]]


def test_frames_that_come_later_are_added_and_those_that_are_labelled_stay(round_: Round) -> None:
    first, *rest = round_.outgoing()
    round_.push([first])
    with round_.physician() as physician:
        physician.submit(physician.tasks()[0], physician.draft_of(physician.tasks()[0]))
    round_.pull()
    report = round_.push(rest)
    assert report.counts["tasks added"] == len(rest)
    assert [a["task"] for a in round_.server.studio.annotations] == [1]


def test_a_frame_that_was_skipped_is_not_sent_again(round_: Round, physician: Physician) -> None:
    physician.skip(physician.tasks()[1])
    round_.pull()
    round_.draw("v2")
    report = round_.push(model="v2")
    assert report.counts["drafts replaced"] == FRAMES - 1


def test_without_a_model_frames_go_out_empty_and_an_empty_draft_is_counted(round_: Round) -> None:
    round_.push(model=None)
    assert all(p["result"] == [] for p in round_.server.studio.predictions)
    assert round_.server.studio.projects[0]["model_version"].startswith("no-model-")
    first, *rest = round_.outgoing()
    assert first.draft is not None
    report = round_.push([Outgoing(first.frame, "?", replace(first.draft, shapes=())), *rest])
    assert report.counts["tasks with an empty draft"] == 1


def test_nothing_to_send_makes_the_project_and_no_task(round_: Round) -> None:
    report = round_.push([])
    assert len(round_.server.studio.projects) == 1
    assert report.counts["tasks added"] == 0


def test_a_frame_in_quarantine_is_not_sent_and_the_others_are(round_: Round) -> None:
    first, *rest = round_.outgoing()
    unseen = Outgoing(replace(first.frame, reviewed_at=None, state="quarantined"), "?")
    report = round_.push([*rest, unseen])
    assert report.counts["tasks added"] == len(rest)
    assert any(line.startswith("Not sent: 1 frame in quarantine") for line in report.words)
    assert first.frame.frame_id not in {task.frame_id for task in round_.client.tasks(1)}


def test_nothing_is_sent_where_all_frames_are_in_quarantine(round_: Round) -> None:
    first, *_ = round_.outgoing()
    unseen = Outgoing(replace(first.frame, reviewed_at=None, deid=None), "?")
    with pytest.raises(UsageError, match="nobody has looked at them yet"):
        round_.push([unseen])
    assert round_.server.asked == []


def test_a_picture_that_is_gone_is_named_and_the_others_are_sent(round_: Round) -> None:
    gone = round_.frames[1]
    round_.s.workspace.absolute(gone.path).unlink()
    report = round_.push()
    (line,) = report.failures
    assert f"{gone.path}: is missing" in line
    assert report.counts["tasks added"] == FRAMES - 1
    for frame in round_.frames:
        round_.s.workspace.absolute(frame.path).unlink(missing_ok=True)
    round_.server.studio.tasks.clear()
    assert len(round_.push().failures) == FRAMES, "none is left to send"


@pytest.mark.parametrize(
    ("method", "path", "is_done"),
    [
        pytest.param("POST", "/import$", False, id="before the pictures came"),
        pytest.param("POST", "/import$", True, id="after the pictures came"),
        pytest.param("PATCH", "/projects/", True, id="after the version was chosen"),
        pytest.param("GET", "/dm/views", False, id="before the view was made"),
    ],
)
def test_a_push_that_broke_goes_on_and_nothing_is_there_twice(
    method: str, path: str, is_done: bool, round_: Round
) -> None:
    round_.server.fail(method, path, is_done=is_done, times=3)
    with pytest.raises(StudioError, match="does not answer"):
        round_.push()
    round_.server.faults.clear()
    round_.push()
    assert sorted(t["data"]["frame_id"] for t in round_.server.studio.tasks) == sorted(
        f.frame_id for f in round_.frames
    )
    shown = round_.server.studio.projects[0]["model_version"]
    assert sum(p["model_version"] == shown for p in round_.server.studio.predictions) == FRAMES
    assert len(round_.server.studio.projects) == len(round_.server.studio.views) == 1
    asked = len(round_.server.asked)
    round_.push()
    assert not [a for a in round_.server.asked[asked:] if not a.startswith("GET ")]


@pytest.mark.parametrize("is_done", [False, True], ids=["before they came", "after they came"])
def test_a_push_that_broke_while_it_replaced_drafts_leaves_one_draft_a_task(is_done: bool, round_: Round) -> None:
    round_.push()
    round_.draw("v2")
    round_.server.fail("POST", "/import/predictions", is_done=is_done)
    with pytest.raises(StudioError, match="does not answer"):
        round_.push(model="v2")
    shown = round_.server.studio.projects[0]["model_version"]
    assert shown.startswith("v1-"), "whoever labels meanwhile sees the old ones"
    round_.push(model="v2")
    assert [p["model_version"][:2] for p in round_.server.studio.predictions] == ["v1"] * FRAMES + ["v2"] * FRAMES


def test_tasks_whose_answer_was_lost_are_not_made_again(round_: Round) -> None:
    round_.push([])
    images = round_.server.count("POST", "/import")
    round_.server.fail("POST", "/import$", is_done=True, times=1)
    with pytest.raises(StudioError):
        round_.push()
    assert round_.server.count("POST", "/import") == images + 1, "no import is tried again by itself"
    round_.push()
    assert len(round_.server.studio.tasks) == FRAMES


def test_a_picture_that_the_server_did_not_keep_is_told(round_: Round) -> None:
    round_.push(round_.outgoing()[:1])
    round_.server.fail("POST", "/import$", status=201, body={"file_upload_ids": []})
    with pytest.raises(StudioError, match=r"does not answer as Label Studio does, asked for 3 pictures: it kept no f"):
        round_.push()


def test_a_local_server_shows_files_of_this_disk_and_nothing_is_uploaded(round_: Round, tmp_path: Path) -> None:
    files = tmp_path / "home" / "data" / "studio" / "frames"
    files.mkdir(parents=True)
    state = {"url": round_.server.url, "pid": 1, "files": str(files)}
    (files.parent / "server.json").write_text(json.dumps(state), encoding="utf-8")
    round_.server.studio.root = str(files)
    round_.push(round_.outgoing()[:2])
    round_.push()
    assert [name.rpartition("-")[2] for name in round_.server.studio.files] == ["instructions.png"], "and no frame"
    assert len(round_.server.studio.storages) == 1
    own = round_.s.catalogue.meta("workspace_id")
    assert {t["data"]["image"] for t in round_.server.studio.tasks} == {
        f"/data/local-files/?d={own}/{Path(f.path).name}" for f in round_.frames
    }
    for frame in round_.frames:
        served = files / own / Path(frame.path).name
        assert served.read_bytes() == round_.s.workspace.absolute(frame.path).read_bytes()


def test_a_local_server_that_does_not_serve_the_folder_gets_the_pictures(round_: Round, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "data" / "studio"
    folder.mkdir(parents=True)
    state = {"url": round_.server.url, "pid": 1, "files": str(tmp_path / "elsewhere")}
    (folder / "server.json").write_text(json.dumps(state), encoding="utf-8")
    round_.push()
    assert len(round_.server.studio.files) == FRAMES + 1, "and the picture of the instructions"


def test_a_class_that_is_new_gets_a_label_in_the_project(round_: Round) -> None:
    round_.push()
    project = round_.server.studio.projects[0]
    full = project["label_config"]
    project["label_config"] = "\n".join(line for line in full.splitlines() if "psoas_major" not in line)
    assert "psoas_major" not in project["label_config"]
    round_.push()
    assert "psoas_major" in round_.server.studio.projects[0]["label_config"]
    project["label_config"] = full.replace("psoas_major", "Muskel")
    with pytest.raises(StudioError, match="class 'psoas_major' has no label in it, and its label 'Muskel' is no class"):
        round_.push()


def test_an_interface_that_cannot_be_read_is_told(round_: Round) -> None:
    round_.push()
    for config, told in (("<View/>", "has no PolygonLabels"), ("<View", "is no XML")):
        round_.server.studio.projects[0]["label_config"] = config
        with pytest.raises(StudioError, match=rf"project 'ws: main': its labelling interface {told}"):
            round_.push()
