"""Frames that are read again, on a real Label Studio: a second reader, an adjudication, a repeat."""

from __future__ import annotations

from typing import Any

import pytest
from physician import Physician, region
from studio_loop import PUSH, Loop, catalogue_hash, dmr

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.phantom.scanner import SIDE

pytestmark = pytest.mark.studio

SECOND, SENIOR = "second@ward.example", "senior@ward.example"
BONE = "transverse_process"
SQUARE = [(64.0, 60.0), (124.0, 60.0), (124.0, 121.0), (64.0, 121.0)]
QUEUES = f"""
[[studio.queue]]
name = "main"
[[studio.queue]]
name = "twice"
purpose = "second-reading"
reader = "{SECOND}"
share = 1.0
[[studio.queue]]
name = "disputed"
purpose = "adjudication"
[[studio.queue]]
name = "hidden"
purpose = "repeat"
reader = "OWNER"
share = 1.0
after_days = 0
"""


def found(loop: Loop, reading: str) -> dict[str, RevisionRecord]:
    """What stands in a reading, by frame id."""
    with loop.catalogue() as catalogue:
        records = [r for own in catalogue.readings().values() for r in own if r.reading == reading]
        return {r.frame: catalogue.revision(r.sha256).record for r in records}


def at(loop: Loop, queue: str, mail: str | None = None) -> Physician:
    """Somebody at a queue's project."""
    with loop.catalogue() as catalogue:
        known = catalogue.queue(queue)
    assert known is not None
    made = Physician(loop.login, known.project)
    return made if mail is None else made.colleague(mail)


def _near(some: list[list[float]], others: list[list[float]]) -> bool:
    return len(some) == len(others) and all(a == pytest.approx(b) for a, b in zip(some, others, strict=True))


def choice(text: str) -> dict[str, Any]:
    return {"id": "chosen", "type": "choices", "from_name": "choice", "to_name": "image", "value": {"choices": [text]}}


def test_a_frame_is_read_twice_settled_and_repeated(loop: Loop) -> None:
    with loop.physician() as first:
        me = first.ask("GET", "/api/current-user/whoami")["email"]
        toml = loop.workspace.root / "dmr.toml"
        text = toml.read_text(encoding="utf-8")
        toml.write_text(text + QUEUES.replace("OWNER", me), encoding="utf-8")
        agreed, disputed = [t for t in first.tasks() if first.draft_of(t)][:2]
        for task in (agreed, disputed):
            first.submit(task, first.draft_of(task))
        dmr("pull")
        dmr(*PUSH)
    frames = {task["data"]["frame_id"] for task in (agreed, disputed)}

    second = at(loop, "twice", SECOND)
    tasks = {t["data"]["frame_id"]: t for t in second.tasks()}
    assert tasks.keys() >= frames, "the imported frames of the first day are read twice too"
    for task in (agreed, disputed):
        own = tasks[task["data"]["frame_id"]]
        assert second.draft_of(own) == first.draft_of(task), "the same draft"
        square = region(BONE, SQUARE, height=SIDE, width=SIDE)
        second.submit(own, second.draft_of(own) if task is agreed else [square])
    hidden = at(loop, "hidden")
    again = {t["data"]["frame_id"]: t for t in hidden.tasks()}
    assert again.keys() == frames
    hidden.submit(again[agreed["data"]["frame_id"]], [region(BONE, SQUARE, height=SIDE, width=SIDE)])
    assert "3 revisions added" in dmr("pull").output

    assert {r.author for r in found(loop, "second").values()} == {SECOND}
    (repeat,) = found(loop, "repeat").values()
    assert (repeat.author, repeat.draft_model, repeat.blind) == (me, "v1", False)
    with loop.catalogue() as catalogue:
        assert [c.frame for c in catalogue.conflicts()] == [disputed["data"]["frame_id"]]
        truth = catalogue.newest_revisions()[agreed["data"]["frame_id"]].record
    assert (truth.reading, truth.author) == ("first", me)

    dmr(*PUSH)
    senior = at(loop, "disputed", SENIOR)
    (task,) = senior.tasks()
    shown = senior.draft_of(task)
    squares = [r for r in shown if _near(r["value"]["points"], square["value"]["points"])]
    letter = squares[0]["value"]["polygonlabels"][0][0]
    senior.submit(task, [*shown, choice(f"{letter} is right")])
    assert "1 revision added" in dmr("pull").output
    (settled,) = found(loop, "adjudication").values()
    assert settled.author == SENIOR
    assert settled.annotation == found(loop, "second")[disputed["data"]["frame_id"]].annotation, "to the last bit"
    with loop.catalogue() as catalogue:
        assert catalogue.conflicts() == []
        assert catalogue.newest_revisions()[disputed["data"]["frame_id"]].record == settled
    status = dmr("status").output
    for line in ("second-reading: 2 done", "adjudication: 1 done, 0 waiting", "repeat: 1 done, 1 waiting"):
        assert line in status
    before = catalogue_hash()
    assert "nothing was changed" in dmr("pull").output
    assert catalogue_hash() == before

    for one in (second, hidden, senior):  # a project that anybody may delete
        one.ask("DELETE", f"/api/projects/{one.project}/")
    dmr("pull")
    dmr(*PUSH)
    with at(loop, "hidden") as left, at(loop, "twice") as others:
        assert {t["data"]["frame_id"] for t in left.tasks()} == {disputed["data"]["frame_id"]}
        assert not {t["data"]["frame_id"] for t in others.tasks()} & frames
    assert len(found(loop, "second")) == 2
    for one in (second, hidden, senior):
        one.http.close()
