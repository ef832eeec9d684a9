"""Tests of how frames are shared out among the queues of Label Studio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dmr.active.dealing import STAYS, Share, deal
from dmr.annotate.catalogue.queues import held_place, studio_place
from dmr.annotate.catalogue.records import TaskRecord, UnreadRecord
from dmr.annotate.errors import WorkspaceError
from dmr.annotate.intake.ingest import add_frames
from dmr.annotate.intake.reading import NamedFrame
from dmr.annotate.scans.images import encode_png
from dmr.annotate.settings.model import QueueSettings
from dmr.annotate.shapes import Frame
from dmr.annotate.studio.pushing.outgoing import Outgoing
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Session, Workspace

FRAMES = 15
FIRST, SECOND = QueueSettings("first"), QueueSettings("second")


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("DMR_HOME", str(tmp_path / "home"))
    workspace, _ = Workspace.create(tmp_path / "ws")
    with workspace.session(write=True) as session:
        pictures = [np.full((16, 16), 16 * n, dtype=np.uint8) for n in range(FRAMES)]
        add_frames(session, [NamedFrame(f"{n}", Frame(p, sha256_hex(encode_png(p)))) for n, p in enumerate(pictures)])
        yield session


@pytest.fixture
def outgoing(s: Session) -> list[Outgoing]:
    return [Outgoing(frame, "") for frame in s.catalogue.frames()]


def pushed(s: Session, share: Share) -> None:
    """Record what a push of these frames records."""
    queue = s.catalogue.queue(share.queue.name) or s.catalogue.put_queue(
        share.queue.name, server="http://127.0.0.1", project=1 + len(s.catalogue.queues())
    )
    known = s.catalogue.queue_tasks(queue.id)
    gone = [TaskRecord(queue=queue.id, frame=f, remote_id=known[f].remote_id, state="gone") for f in share.away]
    there = [TaskRecord(queue=queue.id, frame=o.frame.frame_id, remote_id=n) for n, o in enumerate(share.frames)]
    s.catalogue.put_tasks([*gone, *there])


def ids(share: Share) -> list[str]:
    return [o.frame.frame_id for o in share.frames]


def test_new_frames_go_to_the_queues_in_turn_and_stay_there(s: Session, outgoing: list[Outgoing]) -> None:
    first, second = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    assert first.frames == outgoing[::2]
    assert second.frames == outgoing[1::2]
    pushed(s, first)
    pushed(s, second)
    again = deal(s.catalogue, [FIRST, SECOND], outgoing[::-1], top=None)
    assert [ids(share) for share in again] == [ids(first)[::-1], ids(second)[::-1]]
    assert not any(share.away for share in again)


def test_a_queue_that_comes_later_gets_frames_of_the_one_that_was_alone(s: Session, outgoing: list[Outgoing]) -> None:
    (alone,) = deal(s.catalogue, [FIRST], outgoing, top=None)
    pushed(s, alone)
    first, second = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    assert first.frames[:STAYS] == outgoing[:STAYS], "somebody may have one of the first frames open"
    assert ids(second) == ids(alone)[STAYS::2]
    assert first.away == set(ids(second))
    assert sorted(ids(first) + ids(second)) == sorted(ids(alone))
    pushed(s, second)
    pushed(s, first)
    settled = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    assert [ids(share) for share in settled] == [ids(first), ids(second)]
    assert not any(share.away for share in settled)


def test_a_move_that_was_killed_halfway_is_finished(s: Session, outgoing: list[Outgoing]) -> None:
    (alone,) = deal(s.catalogue, [FIRST], outgoing, top=None)
    pushed(s, alone)
    first, second = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    pushed(s, second)  # and the first queue's push never came
    again = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    assert [ids(share) for share in again] == [ids(first), ids(second)]
    assert again[0].away == set(ids(second))


def test_what_somebody_has_submitted_or_skipped_stays_in_its_queue(s: Session, outgoing: list[Outgoing]) -> None:
    (alone,) = deal(s.catalogue, [FIRST], outgoing, top=None)
    pushed(s, alone)
    queue = s.catalogue.queue("first")
    assert queue is not None
    skipped, unread, held = (ids(alone)[k] for k in (STAYS, STAYS + 2, STAYS + 4))
    s.catalogue.put_tasks([replace(s.catalogue.queue_tasks(queue.id)[skipped], state="skipped")])
    for frame, place in ((unread, studio_place(queue.id, "7")), (held, held_place(queue.id, "8"))):
        s.catalogue.put_unread(UnreadRecord(frame=frame, place=place, lost=None))
    first, second = deal(s.catalogue, [FIRST, SECOND], outgoing, top=None)
    assert {skipped, unread, held} <= set(ids(first))
    assert len(second.frames) == (FRAMES - STAYS - 3 + 1) // 2


def test_frames_beyond_the_top_are_not_added(s: Session, outgoing: list[Outgoing]) -> None:
    first, second = deal(s.catalogue, [FIRST, SECOND], outgoing, top=4)
    assert first.frames + second.frames == [outgoing[0], outgoing[2], outgoing[1], outgoing[3]]


def test_without_a_queue_for_corrections_nothing_is_dealt(s: Session, outgoing: list[Outgoing]) -> None:
    with pytest.raises(WorkspaceError, match='has purpose = "correct"'):
        deal(s.catalogue, [QueueSettings("x", purpose="adjudication")], outgoing, top=None)
