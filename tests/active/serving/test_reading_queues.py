"""Projects in which frames are read again get no live draft: it could be a newer one, or the outlines themselves."""

from __future__ import annotations

from fake_server import FakeServer
from fake_studio import TOKEN
from reading_queues import SECOND, add_queue, push_again
from served import SECRET, served
from studio_round import FRAMES, Round

from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.studio.projects.backend import Backend
from dmr.annotate.studio.pulling.pull import pull
from dmr.annotate.studio.server.client import StudioClient
from dmr.annotate.studio.server.credentials import Login
from dmr.annotate.workspace import Workspace


def test_a_second_reader_gets_no_live_draft(pushed: Workspace, studio: FakeServer, frames: list[FrameRecord]) -> None:
    with pushed.session(write=True) as s, StudioClient(Login(studio.url, TOKEN)) as client:
        round_ = Round(s, client, studio)
        with round_.physician() as physician:
            for task in physician.tasks():
                physician.submit(task, physician.draft_of(task))
        pull(s, client)
        add_queue(round_, f'name = "twice"\npurpose = "second-reading"\nreader = "{SECOND}"\nshare = 1.0')
        assert push_again(round_).counts["tasks added"] == FRAMES
    with served(pushed.root, backend=Backend(studio.url, SECRET)) as running:
        running.wait_for(lambda: running.turns.done)
        ids = [f.frame_id for f in frames]
        assert running.ask(ids, project=2) == [[] for _ in ids]
        assert all(answer != [] for answer in running.ask(ids, project=1))
    assert [b["project"] for b in studio.studio.backends] == [1]
