"""A request that is too large for the server goes in smaller parts, each thing once and in order."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from fake_server import FakeServer
from physician import region
from studio_round import FRAMES, Round

from dmr.annotate.errors import StudioError
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.sizes import in_parts, json_size


def test_tasks_go_in_parts_that_the_server_takes_and_their_numbers_are_theirs(
    client: StudioClient, server: FakeServer
) -> None:
    server.most = 600
    tasks = [{"data": {"image": "x" * 150, "frame_id": f"f{k}"}} for k in range(7)]
    numbers = client.import_tasks(1, tasks)
    assert [(t["id"], t["data"]) for t in server.studio.tasks] == [
        (n, t["data"]) for n, t in zip(numbers, tasks, strict=True)
    ]
    assert server.count("POST", "/import too large") > 1
    assert server.count("POST", "/import$") >= 3


def test_a_push_to_a_server_that_takes_little_sends_everything_once(round_: Round) -> None:
    round_.push([])  # the project with its instructions is more
    round_.server.most = 2500
    assert round_.push().counts["tasks added"] == FRAMES
    assert round_.server.count("POST", "/import too large") > 0
    studio = round_.server.studio
    assert [t["data"]["frame_id"] for t in studio.tasks] == [f.frame_id for f in round_.frames]
    for task, frame in zip(studio.tasks, round_.frames, strict=True):
        sent = studio.files[task["data"]["image"].removeprefix("/data/")]
        assert sent == round_.s.workspace.absolute(frame.path).read_bytes()
    round_.draw("v2", left=9.0)
    assert round_.push(model="v2").counts["drafts replaced"] == FRAMES
    assert round_.server.count("POST", "/predictions too large") > 0
    version = studio.projects[0]["model_version"]
    assert sorted(p["task"] for p in studio.predictions if p["model_version"] == version) == [1, 2, 3, 4]


@pytest.mark.parametrize("most", [100, 900], ids=["picture", "task"])
def test_one_thing_that_is_too_large_is_told_and_the_next_push_goes_on(most: int, round_: Round) -> None:
    round_.push([])
    round_.server.most = most
    with pytest.raises(StudioError, match=r"\(413\)\. Raise its limit, such as client_max_body_size of nginx"):
        round_.push()
    assert round_.server.count("POST", "/import too large") >= 3, "all, half of them, one"
    round_.server.most = 2**40
    assert round_.push().counts["tasks added"] == FRAMES
    assert len(round_.server.studio.tasks) == FRAMES


def test_another_refusal_is_not_tried_in_parts(client: StudioClient, server: FakeServer) -> None:
    server.fail("POST", "/import$", status=500, body={"detail": "disk full"})
    with pytest.raises(StudioError, match="disk full"):
        client.import_tasks(1, [{"data": {}}] * 4)
    assert server.count("POST", "/import$") == 1


def test_what_label_studio_would_choke_on_is_parted_before_it_is_sent() -> None:
    sent: list[Sequence[int]] = []

    def send(some: Sequence[int]) -> int:
        sent.append(some)
        return len(some)

    assert list(in_parts([1, 2, 3, 4, 5], send, size=lambda _: 40, most=100)) == [2, 1, 2]
    assert [n for some in sent for n in some] == [1, 2, 3, 4, 5]
    sent.clear()
    assert list(in_parts([1], send, size=lambda _: 400, most=100)) == [1], "the server says whether it is too large"
    assert list(in_parts([], send, size=lambda _: 400)) == [0]


def test_the_size_of_a_task_is_no_smaller_than_its_json() -> None:
    third = [(100 / 3 + k / 7, 200 / 3) for k in range(500)]
    task = {
        "data": {"image": "x" * 100, "frame_id": "f" * 32, "rank": 1, "reason": "y" * 200},
        "predictions": [
            {
                "model_version": "v1-12345678",
                "score": 0.123456789,
                "result": [region("psoas_major", third, height=480, width=640)] * 5,
            }
        ],
    }
    assert len(json.dumps(task)) <= json_size(task) <= 2 * len(json.dumps(task))
    assert json_size({"task": 7, **task["predictions"][0]}) == json_size(task)  # type: ignore[index]
