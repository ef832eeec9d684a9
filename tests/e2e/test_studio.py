"""The loop with a real Label Studio: push, physicians, pull, retrain, push again; with servers that die on the way."""

from __future__ import annotations

import os
import re

import httpx
import pytest
from fake_server import serve
from fake_studio import TOKEN, FakeStudio
from physician import region, tick
from studio_contract import answers, differences
from studio_loop import (
    FRAMES,
    IDS,
    PUSH,
    TRAIN,
    Loop,
    catalogue_hash,
    dmr,
    kill_server,
    painted,
    said,
    waiting,
)

from dmr.annotate.phantom.scanner import SIDE
from dmr.annotate.shapes import Shape
from dmr.annotate.studio.server import local as server
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login, credentials_path
from dmr.annotate.system.platform import process_command

pytestmark = pytest.mark.studio
BONE, BONE_ID = "transverse_process", 4
SQUARE = [(10.0, 10.0), (30.5, 10.0), (30.5, 28.25), (10.0, 28.25)]


def test_frames_in_quarantine_are_not_sent(fresh: Loop) -> None:
    with fresh.workspace.session(write=True) as s:
        for frame in s.catalogue.unlabelled_frames():
            s.catalogue.set_rendition_state(frame.frame_id, pixel_sha256=frame.pixel_sha256, state="quarantined")
    result = dmr(*PUSH, code=2)
    assert "nobody has looked at them yet" in result.output and "--pixels-reviewed" in result.output


def test_the_server_keeps_its_secrets_to_its_owner(fresh: Loop) -> None:
    if os.name == "posix":
        assert credentials_path().stat().st_mode & 0o777 == 0o600
        assert server.data_folder().stat().st_mode & 0o777 == 0o700
        local = server.local_server()
        assert local is not None
        assert fresh.login.token not in process_command(local.pid)
    assert fresh.login.token not in (server.data_folder() / "server.log").read_text(encoding="utf-8")
    assert fresh.login.token not in (fresh.workspace.root / "dmr.toml").read_text(encoding="utf-8")
    assert "already" in dmr("studio", "start").output
    assert dmr("studio", "status").output.endswith("up\n")


def test_a_push_shows_every_frame_once_in_the_order_of_the_ranking_and_again_nothing(fresh: Loop) -> None:
    loop, result = fresh, dmr(*PUSH, "--pixels-reviewed")
    assert f"{FRAMES} tasks added" in result.output
    assert "tasks with an empty draft" in result.output
    lines = (loop.workspace.reports_folder / "ranking.csv").read_text(encoding="utf-8").splitlines()[1:]
    ranked = [line.split(",")[1] for line in lines]
    with loop.physician() as physician:
        tasks = physician.tasks()
        assert [t["data"]["frame_id"] for t in tasks] == ranked
        assert [t["data"]["rank"] for t in tasks] == list(range(1, FRAMES + 1))
        assert all(t["data"]["reason"] for t in tasks)
        assert all(len(t["predictions"]) == 1 for t in tasks)
        assert physician.next_task(in_view=True)["data"]["frame_id"] == ranked[0]
        assert physician.next_task(in_view=False)["data"]["frame_id"] == ranked[0]
        image = physician.http.get(tasks[0]["data"]["image"])
        assert image.headers["content-type"] == "image/png"
        assert image.content == (loop.workspace.frames_folder / f"{ranked[0]}.png").read_bytes()
        before = catalogue_hash()
        assert "nothing was changed" in dmr(*PUSH).output
        assert physician.tasks() == tasks
    assert catalogue_hash() == before
    assert "wrong" not in dmr("doctor").output
    with loop.catalogue() as catalogue:
        active = catalogue.active_model()
        assert active is not None
        drafts, blind = catalogue.latest_predictions(active.id), catalogue.blind_audits()
        assert len(blind) == 1
        for task in tasks:
            frame = task["data"]["frame_id"]
            outlines = [s for s in drafts[frame].shapes if not s.hole and frame not in blind]
            assert len(task["predictions"][0]["result"]) == len(outlines)
        assert sum(len(t["predictions"][0]["result"]) for t in tasks) > FRAMES  # the model does draw something


def test_what_physicians_submitted_comes_back_to_the_pixel(loop: Loop) -> None:
    with loop.physician() as physician:
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
        tasks = [
            t for t in physician.tasks() if len({tuple(r["value"]["polygonlabels"]) for r in physician.draft_of(t)}) > 1
        ]
        moved, deleted, added, accepted, skipped, drafted, emptied = tasks[:7]
        with loop.catalogue() as catalogue:
            active = catalogue.active_model()
            assert active is not None
            drafts = {f: p.shapes for f, p in catalogue.latest_predictions(active.id).items()}

        regions = physician.draft_of(moved)
        regions[0]["value"]["points"][0][0] += 5.0
        physician.submit(moved, regions)
        by_hand = physician.draft_of(deleted)[1:]
        physician.submit(deleted, by_hand)
        physician.submit(added, [*physician.draft_of(added), region(BONE, SQUARE, height=SIDE, width=SIDE)])
        physician.submit(accepted, physician.accepted(accepted))
        physician.skip(skipped)
        physician.leave_draft(drafted, physician.draft_of(drafted))
        physician.submit(emptied, [tick()])
        result = dmr("pull")
        assert "5 revisions added" in result.output
        assert "1 skipped" in result.output
        assert "1 draft not submitted yet" in result.output
        before = catalogue_hash()
        assert "nothing was changed" in dmr("pull").output
        assert catalogue_hash() == before

    frames = [t["data"]["frame_id"] for t in (moved, deleted, added, accepted, emptied)]
    assert (loop.pixels(frames[3], me) == painted(drafts[frames[3]])).all()
    assert (loop.pixels(frames[0], me) != painted(drafts[frames[0]])).any()
    square_mask = painted((Shape(BONE_ID, tuple(SQUARE)),))
    assert (loop.pixels(frames[2], me) == painted(drafts[frames[2]]) | square_mask).all()
    assert not loop.pixels(frames[4], me).any()
    with loop.catalogue() as catalogue:
        heads = [catalogue.head(frame, me) for frame in frames]
        for head in heads:
            assert head is not None
            assert head.record.origin == "studio"
            assert head.record.annotation.covered == set(IDS)
            assert head.record.lead_time_s == 12.5
            assert head.record.draft_model == active.id
            assert not head.record.blind
            assert catalogue.store.has(str(head.record.raw_sha256))
        unedited = heads[3]
        assert unedited is not None
        assert said(unedited.record.annotation.shapes) == said(drafts[frames[3]])  # to the last bit
        kept = heads[1]
        assert kept is not None
        outlines = [sum(not s.hole for s in shapes) for shapes in (kept.record.annotation.shapes, drafts[frames[1]])]
        assert outlines[0] == outlines[1] - 1
        for task in (skipped, drafted):
            assert catalogue.heads(task["data"]["frame_id"]) == []
        splits = catalogue.splits()
        assert {splits[str(f.patient)] for f in catalogue.frames(frames)} == {"train"}
        counts = catalogue.counts()
        assert (counts["waiting in Label Studio"], counts["skipped in Label Studio"]) == (FRAMES - 6, 1)


def test_two_physicians_on_one_frame_are_both_kept_and_flagged(loop: Loop) -> None:
    with loop.physician() as physician:
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
        task = physician.tasks()[0]
        physician.submit(task, physician.accepted(task))
        dmr("pull")
        other = physician.colleague("second@ward.example")
        other.submit(task, [region(BONE, SQUARE, height=SIDE, width=SIDE)])
        frame = task["data"]["frame_id"]
        with loop.catalogue() as catalogue:
            mine = catalogue.head(frame, me)
        result = dmr("pull")
        assert "authors disagree on a frame" in result.output
    with loop.catalogue() as catalogue:
        assert catalogue.head(frame, me) == mine
        assert catalogue.head(frame, "second@ward.example") is not None
        assert [c.frame for c in catalogue.conflicts()] == [frame]
    assert "open conflicts" in dmr("status").output


def test_a_correction_follows_the_one_before_and_a_deletion_is_a_tombstone(loop: Loop) -> None:
    with loop.physician() as physician:
        me = physician.ask("GET", "/api/current-user/whoami")["email"]
        task = physician.tasks()[0]
        frame = task["data"]["frame_id"]
        annotation = physician.submit(task, physician.accepted(task))
        dmr("pull")
        drawn = region(BONE, SQUARE, height=SIDE, width=SIDE)
        physician.update(annotation, [*physician.draft_of(task), drawn])
        dmr("pull")
        with loop.catalogue() as catalogue:
            first, second = catalogue.history(frame)
            assert second.previous == first.sha256
            assert catalogue.newest_revisions()[frame].sha256 == second.sha256
        physician.delete(annotation)
        assert "1 withdrawn" in dmr("pull").output
        with loop.catalogue() as catalogue:
            assert frame not in catalogue.newest_revisions()
            assert [r.withdrawn for r in catalogue.history(frame)] == [False, True]
            assert catalogue.head(frame, me) is not None
        before = catalogue_hash()
        dmr("pull")
        assert catalogue_hash() == before
        physician.submit(task, physician.accepted(task))  # drawn again: it counts again
        dmr("pull")
        with loop.catalogue() as catalogue:
            assert frame in catalogue.newest_revisions()


def test_a_task_that_was_deleted_keeps_its_outlines(loop: Loop) -> None:
    with loop.physician() as physician:
        done, undone, *_ = physician.tasks()
        physician.submit(done, physician.accepted(done))
        dmr("pull")
        frame = done["data"]["frame_id"]
        with loop.catalogue() as catalogue:
            truth = catalogue.newest_revisions()[frame].sha256
        physician.delete_task(done)
        physician.delete_task(undone)
        result = dmr("pull")
        assert "a task was deleted in Label Studio; what was pulled from it is kept: 2" in result.output
        with loop.catalogue() as catalogue:
            assert catalogue.newest_revisions()[frame].sha256 == truth
        assert "1 task added" in dmr(*PUSH).output  # the one that nobody has labelled
        frames = [t["data"]["frame_id"] for t in physician.tasks()]
        assert undone["data"]["frame_id"] in frames
        assert frame not in frames
        assert len(set(frames)) == len(frames)


def test_a_renamed_label_is_told_in_one_line_and_an_alias_mends_it(loop: Loop) -> None:
    settings = loop.workspace.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    with loop.physician() as physician:
        project = f"/api/projects/{physician.project}/"
        config = physician.ask("GET", project)["label_config"]
        config = config.replace("</PolygonLabels>", '<Label value="Knochen"/></PolygonLabels>')
        physician.ask("PATCH", project, json={"label_config": config})
        task = physician.tasks()[0]
        physician.submit(task, [region("Knochen", SQUARE, height=SIDE, width=SIDE)])
        failed = dmr("pull", code=1)
        assert "the label 'Knochen' is no class" in failed.output
        with loop.catalogue() as catalogue:
            assert task["data"]["frame_id"] not in catalogue.newest_revisions()
        settings.write_text(text.replace('aliases = ["hengtu"]', 'aliases = ["hengtu", "Knochen"]'), encoding="utf-8")
        assert "1 revision added" in dmr("pull").output
        with loop.catalogue() as catalogue:
            truth = catalogue.newest_revisions()[task["data"]["frame_id"]]
        assert {s.class_id for s in truth.record.annotation.shapes} == {BONE_ID}


def test_a_server_killed_in_the_middle_of_pull_loses_nothing(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with loop.physician() as physician:
        for task in physician.tasks()[:2]:
            physician.submit(task, physician.accepted(task))
    requests = 0
    send = httpx.Client.send

    def dies(client: httpx.Client, request: httpx.Request, **options: object) -> httpx.Response:
        nonlocal requests
        requests += 1
        if requests == 5:
            kill_server()
        return send(client, request, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(httpx.Client, "send", dies)
        result = dmr("pull", code=1)
    assert "Label Studio does not answer" in result.output
    assert "Label Studio does not answer" in dmr(*PUSH, code=1).output
    assert "is stopped" in dmr("doctor", code=1).output
    dmr("studio", "start")
    assert "2 revisions added" in dmr("pull").output


def test_retrain_makes_and_judges_a_model_and_sends_its_drafts(loop: Loop) -> None:
    with loop.physician() as physician:
        for task in physician.tasks()[:4]:
            physician.submit(task, [*physician.draft_of(task), region(BONE, SQUARE, height=SIDE, width=SIDE)])
    result = dmr("retrain", *TRAIN)
    assert re.search(r"Gate: v2 against v1 is (promoted|rejected|undecided)", result.output)
    with loop.catalogue() as catalogue:
        (cycle,) = catalogue.cycles()
        assert (cycle.incumbent, cycle.candidate) == ("v1", "v2")
        assert cycle.bounds["patients"] == len({p for p, s in catalogue.splits().items() if s == "test"})
        active = catalogue.active_model()
    assert active is not None
    assert active.id == ("v2" if cycle.verdict == "promoted" else "v1")
    assert cycle.verdict in dmr("status").output
    dmr("models", "promote", "v2", "--because", "the test goes on with it")
    dmr(*PUSH)
    with loop.physician() as physician:
        left = waiting(physician.tasks())
        assert left
        for task in left:
            assert {p["model_version"][:3] for p in task["predictions"][-1:]} == {"v2-"}
        assert physician.next_task(in_view=True)["data"]["rank"] == 1
    before = catalogue_hash()
    assert "no new model" in dmr("retrain", *TRAIN).output
    assert catalogue_hash() == before
    assert "v1 is the active model again" in dmr("models", "rollback").output


@pytest.mark.parametrize("call", ["import_tasks", "import_predictions"])
def test_a_server_killed_in_the_middle_of_push_gets_everything_once(
    call: str, fresh: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    if call == "import_predictions":  # half of the tasks are there, so the rest gives them another place
        dmr(*PUSH, "--pixels-reviewed", "--top", str(FRAMES // 2))
    send = getattr(StudioClient, call)

    def dies(client: StudioClient, *arguments: object) -> object:
        answer = send(client, *arguments)
        kill_server()
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(StudioClient, call, dies)
        assert "does not answer" in dmr(*PUSH, "--pixels-reviewed", code=1).output
    dmr("studio", "start")
    dmr(*PUSH)
    with fresh.physician() as physician:
        tasks = physician.tasks()
    assert len({t["data"]["frame_id"] for t in tasks}) == len(tasks) == FRAMES
    assert len({t["predictions"][-1]["model_version"] for t in tasks}) == 1
    before = catalogue_hash()
    assert "nothing was changed" in dmr(*PUSH).output
    assert catalogue_hash() == before


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({"DMR_STUDIO_TOKEN": "0" * 40}, "Label Studio refuses the token", id="bad token"),
        pytest.param(
            {"DMR_STUDIO_URL": "http://127.0.0.1:9", "DMR_STUDIO_TOKEN": "x"}, "does not answer", id="no server"
        ),
        pytest.param({"DMR_STUDIO_URL": "http://127.0.0.1:9"}, "there is no token", id="no token"),
    ],
)
def test_a_login_that_does_not_work_is_told_in_one_line(
    variables: dict[str, str], told: str, fresh: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = catalogue_hash()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for command in ("pull", "push"):
        result = dmr(command, code=1)
        assert told in result.output
    assert catalogue_hash() == before


def test_the_fake_of_the_fast_tests_answers_as_the_real_server_does(fresh: Loop) -> None:
    with serve(FakeStudio()) as fake:
        assert differences(answers(fresh.login), answers(Login(fake.url, TOKEN))) == []
