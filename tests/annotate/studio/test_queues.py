"""The project of a queue: found again whatever was changed about it, and known to be another one."""

from __future__ import annotations

from dataclasses import replace

from physician import Physician
from studio_round import FRAMES, Round

from dmr.annotate.settings.studio import QueueSettings, StudioSettings
from dmr.annotate.studio.projects.queues import MAIN, open_queue, queue_settings
from dmr.annotate.studio.pushing.push import push


def test_a_project_that_is_gone_is_noted_and_what_was_pulled_stays(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    round_.pull()
    round_.server.studio.projects.clear()
    report = round_.pull()
    (noted,) = report.oddities
    assert "its project is gone from Label Studio" in noted
    assert len(round_.s.catalogue.newest_revisions()) == 1
    assert round_.states() == ["-"] * FRAMES


def test_a_project_whose_description_was_changed_is_known_by_its_frames(round_: Round, physician: Physician) -> None:
    round_.server.studio.projects[0]["description"] = "Ours"
    report = round_.pull()
    assert report.oddities == {"the project's description no longer has the word by which dmr finds it": ["main"]}
    for task in round_.server.studio.tasks:
        task["data"] = {}
    report = round_.pull()
    assert "its project is gone from Label Studio; what was pulled from it is kept" in report.oddities


def test_a_project_that_took_anothers_place_begins_anew(round_: Round, physician: Physician) -> None:
    studio = round_.server.studio
    studio.projects.append(studio.projects[0] | {"id": 2})
    studio.projects[0]["description"] = "no mark"
    opened = open_queue(round_.s, round_.client, MAIN, create=False)
    assert opened is not None
    assert opened.project.id == 2
    assert round_.states() == ["-"] * FRAMES


def test_a_queue_that_dmr_toml_does_not_name_any_more_is_pulled_too(round_: Round, physician: Physician) -> None:
    task = physician.tasks()[0]
    physician.submit(task, physician.draft_of(task))
    settings = round_.s.workspace.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[[studio.queue]]\nname = "second"\n', encoding="utf-8")
    round_.s.workspace = type(round_.s.workspace).at(round_.s.workspace.root)
    assert round_.pull().counts["revisions added"] == 1


def test_a_frame_that_another_queue_takes_is_not_shown_any_more_and_still_can_be_submitted(
    round_: Round, physician: Physician
) -> None:
    outgoing = round_.outgoing()
    moved = outgoing[0].frame.frame_id
    opened = physician.task(moved)
    push(round_.s, round_.client, outgoing[1:], queue=MAIN, model="v1", away={moved})
    assert physician.tasks()[-1]["data"]["frame_id"] == moved
    assert round_.states() == ["gone", "pushed", "pushed", "pushed"]
    number = physician.submit(opened, [])
    assert round_.pull().counts["revisions added"] == 0
    assert round_.states()[0] == "gone", "a submission that is held does not bring it back"
    physician.delete(number)
    physician.submit(opened, physician.draft_of(opened))
    assert round_.pull().counts["revisions added"] == 1
    assert round_.states()[0] == "labelled"


def test_a_queue_for_second_readings_alone_leaves_the_first_queue_as_it_is(round_: Round) -> None:
    second = QueueSettings("twice", purpose="second-reading")
    assert queue_settings(replace(round_.s.settings, studio=StudioSettings(queues=(second,)))) == (MAIN, second)
