"""The frames' pictures on the server: the local one shows a folder of this disk, any other gets uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalogue.records import FrameRecord
from ...errors import BrokenInput
from ...workspace import Session
from ..interface.neighbours import clip_markdown, neighbours
from ..server.local import LocalServer, local_server, serve_frame

if TYPE_CHECKING:
    from ..server.client import StudioClient


@dataclass(frozen=True, slots=True)
class Shown:
    """What a task shows of its frame: the address of the picture, and the frames beside it in the clip as Markdown."""

    image: str
    clip: str


@dataclass(slots=True)
class Pictures:
    """Puts the pictures of one project where its server shows them.

    Attributes:
        s: The session; its report gets what is missing.
        client: The server.
        project: The project's number.
    """

    s: Session
    client: StudioClient
    project: int
    _addresses: dict[Path, str] = field(default_factory=dict)

    def put(self, frames: Sequence[FrameRecord]) -> dict[str, Shown]:
        """Send the pictures of some frames and of the frames beside them. Those without a picture are missing here."""
        near = neighbours(self.s.catalogue, frames)
        there = [frame for frame in frames if self._is_there(frame)]
        beside = [n.frame for frame in there for n in near.get(frame.frame_id, ())]
        self._send([self._path(frame) for frame in (*there, *beside)])
        return {
            frame.frame_id: Shown(
                self._addresses[self._path(frame)],
                clip_markdown(
                    [
                        (self._addresses[path], n.words)
                        for n in near.get(frame.frame_id, ())
                        if (path := self._path(n.frame)) in self._addresses
                    ]
                ),
            )
            for frame in there
        }

    def _send(self, paths: Sequence[Path]) -> None:
        new = [path for path in dict.fromkeys(paths) if path not in self._addresses and path.is_file()]
        if not new:
            return
        workspace_id = self.s.catalogue.meta("workspace_id")
        served = self._served_folder(workspace_id)
        if served is not None:
            self._addresses |= {path: serve_frame(served, workspace_id, path) for path in new}
            return
        stored = dict(self.client.upload(self.project, ((path.name, path.read_bytes()) for path in new)))
        self._addresses |= {path: stored[path.name] for path in new}

    def _served_folder(self, workspace_id: str) -> LocalServer | None:
        """The local server, if frames are pushed to it and it shows files of this disk."""
        server = local_server()
        if server is None or server.url != self.client.url or not self.client.shows_local_files:
            return None
        folder = Path(server.files) / workspace_id
        folder.mkdir(parents=True, exist_ok=True)
        return server if self.client.add_local_storage(self.project, str(folder)) else None

    def _path(self, frame: FrameRecord) -> Path:
        return self.s.workspace.absolute(frame.path)

    def _is_there(self, frame: FrameRecord) -> bool:
        path = self._path(frame)
        if path.is_file():
            return True
        remedy = "Restore it from a backup, or ingest its scan again"
        self.s.report.fail_once(BrokenInput(self.s.workspace.relative(path), "is missing", remedy))
        return False
