"""Decode scan files in a child process: what a damaged or hostile file does to it, it does to nobody else.

One child serves many files. It is replaced when it dies, is silent for too long, or has run out of memory.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np

from ...errors import BrokenInput
from ...shapes import Frame
from ...system.platform import python_module
from .messages import receive, send
from .values import ALL, Decoded, Source, Span

MEMORY_MIB: Final = 2048
SILENT_S: Final = 10.0  # a frame takes some hundredths of a second
_START_S: Final = 120.0  # on a busy PC with a cold disk, importing alone takes long
_PIPE: Final = 1 << 20  # bytes
_WAITING: Final = 4  # frames decoded ahead
_AGAIN: Final = "Export it again from the scanner, or take a copy that is whole"

_Message = tuple[dict[str, Any], bytes]


class Decoder:
    """The child process and its replacements. Use it as a context manager.

    Args:
        silent_s: Seconds without an answer after which a file is given up.
        memory_mib: Memory that the child may have.

    Example:
        >>> outlines = dmr.draw_phantom(tmp / "scans", patients=1, frames=2)
        >>> with dmr.Decoder() as decoder:
        ...     [decoded.frame.index for decoded in decoder.frames(outlines[0].with_suffix(".png"))]
        [0]
    """

    def __init__(self, *, silent_s: float = SILENT_S, memory_mib: int = MEMORY_MIB) -> None:
        self._silent_s, self._memory_mib = silent_s, memory_mib
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def frames(self, path: Path, *, span: Span = ALL, where: object = None) -> Generator[Decoded]:
        """The frames of a scan file, one at a time.

        Args:
            path: The file.
            span: The wanted frames of a clip.
            where: What to call the file in an error; None for its path.

        Raises:
            BrokenInput: It cannot be decoded. Frames before the damage were given.
        """
        where = path if where is None else where
        child = self._started()
        child.ask({"path": str(path), "first": span.first, "every": span.every})
        source: Source | None = None
        whole, loads = False, False
        try:
            while True:
                header, pixels = self._next(child, where, _START_S if loads else self._silent_s)
                loads = "loads" in header
                if (what := header.get("error")) is not None:
                    whole = not header.get("ends")
                    raise BrokenInput(where, what, header.get("remedy") or _AGAIN)
                if "source" in header:
                    source = _source(header["source"])
                elif "end" in header:
                    whole = True
                    return
                elif "size" in header and source is not None:
                    yield _decoded(source, header, pixels)
        finally:
            if not whole:  # what the child still has to say would be taken for the next file
                self.close()

    def tags(self, path: Path, names: Sequence[str], *, where: object = None) -> Any:
        """Some tags of a DICOM file, with its transfer syntax, as pydicom reads them.

        Args:
            path: The file.
            names: Keywords of the elements.
            where: What to call the file in an error; None for its path.

        Raises:
            BrokenInput: They cannot be read.
        """
        from .header import MOST_BYTES, read_tags

        where = path if where is None else where
        child = self._started()
        child.ask({"path": str(path), "tags": list(names)})
        loads = False
        while True:
            try:
                header, data = self._next(child, where, _START_S if loads else self._silent_s)
            except BaseException:
                self.close()
                raise
            loads = "loads" in header
            if (what := header.get("error")) is not None:
                raise BrokenInput(where, what, header.get("remedy") or _AGAIN)
            if "syntax" in header and len(data) <= MOST_BYTES:
                return read_tags(header["syntax"], data)

    def _started(self) -> _Child:
        if self._child is None or not self._child.is_alive:
            self.close()
            self._child = _Child(self._memory_mib)
            if self._child.next(_START_S) is None:
                self.close()
                raise BrokenInput("the decoder", "does not start", "Close other programs, and try again")
        return self._child

    def _next(self, child: _Child, where: object, wait_s: float) -> _Message:
        message = child.next(wait_s)
        if message is not None:
            return message
        if child.is_alive:
            what = f"takes longer than {wait_s:g} s a frame: it is damaged, or this computer is very busy"
            raise BrokenInput(where, what, _AGAIN)
        raise BrokenInput(where, "is damaged: decoding it ends the decoder", _AGAIN)


class _Child:
    """A running child, and a thread that reads what it says."""

    def __init__(self, memory_mib: int) -> None:
        options: dict[str, Any] = {}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NO_WINDOW}
        command = [*python_module("dmr.annotate.scans.decoding.worker"), str(memory_mib)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._stdout: IO[bytes] = self._process.stdout
        _widen(self._stdout)
        self._said: Queue[_Message | None] = Queue(_WAITING)
        self._closed = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any]) -> None:
        with suppress(OSError):  # it has died, and `next` says so
            send(self._stdin, request)

    def next(self, wait_s: float) -> _Message | None:
        """Its next message; None if it has died, or says nothing for so long."""
        try:
            return self._said.get(timeout=wait_s)
        except Empty:
            return None

    def end(self) -> None:
        self._closed = True
        self._process.kill()
        while self._thread.is_alive():  # it may wait for room
            try:
                self._said.get(timeout=0.05)
            except Empty:
                continue
        self._process.wait()
        for stream in (self._stdin, self._stdout):
            with suppress(OSError):
                stream.close()

    def _listen(self) -> None:
        while not self._closed:
            try:
                message = receive(self._stdout)
            except (OSError, ValueError):
                message = None
            if message is None:
                self._process.wait()
                self._said.put(None)
                return
            self._said.put(message)


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold some frames, where the system can: through a narrow one each frame takes many turns."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # it may be forbidden
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def _source(told: dict[str, Any]) -> Source:
    for name in ("removed", "notes", "spacing_mm"):
        told[name] = None if told[name] is None else tuple(told[name])
    told["regions"] = tuple(tuple(box) for box in told["regions"])
    return Source(**told)


def _decoded(source: Source, header: dict[str, Any], pixels: bytes) -> Decoded:
    height, width = header["size"]
    frame = Frame(
        np.frombuffer(pixels, np.uint8).reshape(height, width),
        source.sha256,
        index=header["index"],
        spacing_mm=source.spacing_mm,
        notes=(*source.notes, *header["notes"]),
        time_ms=header["time_ms"],
    )
    return Decoded(source, frame, coloured=header["coloured"])
