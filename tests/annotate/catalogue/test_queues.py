"""Queues, tasks, annotations as last seen, and cycles are kept by name and frame, not by a server's numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import (
    CycleRecord,
    FrameRecord,
    ModelRecord,
    RemoteAnnotation,
    RevisionRecord,
    TaskRecord,
)

SERVER = "http://127.0.0.1:8080"


def test_a_queue_is_known_by_its_name_and_may_move(catalogue: Catalogue) -> None:
    queue = catalogue.put_queue("main", server=SERVER, project=1)
    moved = catalogue.put_queue("main", server=SERVER, project=7)
    assert moved == replace(queue, project=7)
    assert catalogue.queues() == [moved]
    other = catalogue.put_queue("b", server=SERVER, project=1, reader="ann")
    assert [q.id for q in catalogue.queues()] == [queue.id, other.id]
    assert catalogue.queue("none") is None


def test_tasks_are_kept_by_frame_and_replaced(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> None:
    frames = [make_frame(n) for n in range(3)]
    catalogue.add_frames(frames)
    queue = catalogue.put_queue("main", server=SERVER, project=1)
    tasks = [TaskRecord(queue=queue.id, frame=f.frame_id, remote_id=n, rank=n) for n, f in enumerate(frames)]
    catalogue.put_tasks(tasks)
    catalogue.put_tasks([replace(tasks[1], remote_id=99, state="labelled")])
    kept = catalogue.queue_tasks(queue.id)
    assert kept == {t.frame: t for t in (tasks[0], replace(tasks[1], remote_id=99, state="labelled"), tasks[2])}
    assert catalogue.counts()["waiting in Label Studio"] == 2


def test_a_project_that_is_gone_takes_no_revision_with_it(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    frame = make_frame(1)
    catalogue.add_frames([frame])
    queue = catalogue.put_queue("main", server=SERVER, project=1)
    revision = catalogue.append_revision(make_revision(frame)).sha256
    catalogue.put_tasks([TaskRecord(queue=queue.id, frame=frame.frame_id, remote_id=5)])
    seen = RemoteAnnotation(
        queue=queue.id, remote_id=3, frame=frame.frame_id, author="ann", raw_sha256="0" * 64, revision=revision
    )
    catalogue.put_remote_annotation(seen)
    catalogue.put_remote_annotation(replace(seen, state="skipped"))
    assert catalogue.remote_annotations(queue.id) == {3: replace(seen, state="skipped")}
    catalogue.drop_queue_tasks(queue.id)
    assert catalogue.queue_tasks(queue.id) == {}
    assert catalogue.remote_annotations(queue.id) == {}
    assert catalogue.newest_revisions()[frame.frame_id].sha256 == revision


def test_cycles_are_kept_in_order_with_their_figures(catalogue: Catalogue) -> None:
    for name in ("v1", "v2"):
        catalogue.add_model(ModelRecord(id=name, sha256="0" * 64, class_ids=(1,)))
    first = CycleRecord(incumbent=None, candidate="v1", test_version=None, verdict="promoted", bounds={})
    second = CycleRecord(incumbent="v1", candidate="v2", test_version=None, verdict="undecided", bounds={"patients": 3})
    kept = [catalogue.add_cycle(cycle) for cycle in (first, second)]
    assert catalogue.cycles() == kept
    assert [cycle.id for cycle in kept] == [1, 2]


def test_the_model_before_is_the_one_that_was_active_last(catalogue: Catalogue) -> None:
    assert catalogue.model_before() is None
    for name in ("v1", "v2", "v3"):
        catalogue.add_model(ModelRecord(id=name, sha256="0" * 64, class_ids=(1,)))
    catalogue.activate("v1", reason="first")
    assert catalogue.model_before() is None
    catalogue.activate("v3", reason="better")
    assert catalogue.model_before() == "v1"
    catalogue.activate("v1", reason="rollback")
    assert catalogue.model_before() == "v3"


def test_frames_are_marked_as_looked_at_once(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> None:
    frames = [make_frame(n) for n in range(2)]
    catalogue.add_frames(frames)
    assert catalogue.mark_reviewed([frames[0].frame_id]) == 1
    assert catalogue.mark_reviewed(f.frame_id for f in frames) == 1
    again = replace(frames[0], pixel_sha256="1" * 64)  # other pixels are another picture
    catalogue.add_frames([again])
    assert [f.reviewed_at is None for f in catalogue.frames()] == [True, False]
