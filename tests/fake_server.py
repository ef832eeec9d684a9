"""A small server on loopback that answers as Label Studio does, in memory, and fails where a test says so."""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fake_studio import Answer, FakeStudio

PAGE = "<!doctype html><html><body><h1>Gateway</h1></body></html>"


@dataclass
class Fault:
    """What happens to the next requests of a kind instead of what they ask for.

    Attributes:
        method: Of the requests.
        path: A regular expression that is found in their path.
        status: The answer's.
        body: JSON, or a text as it is; None to break the connection without an answer.
        times: How many of them.
        is_done: It is carried out all the same, and only the answer is lost.
        wait_s: The answer takes that long.
        headers: More of the answer's headers.
    """

    method: str
    path: str
    status: int = 500
    body: Any = None
    times: int = 1
    is_done: bool = False
    wait_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeServer:
    """A running server.

    Attributes:
        url: Its address.
        studio: What it holds.
        asked: Every request, as `METHOD /path`.
        faults: Those that are to come.
        most: Bytes of a request that it takes; as nginx, it answers a larger one before it has read it.
        ends_at: The request with which it ends, counted from 1; 0 for none.
        is_down: Whether it has ended.
    """

    url: str
    studio: FakeStudio
    asked: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    most: int = 2**40
    ends_at: int = 0
    is_down: bool = False

    def fail(self, method: str, path: str, **how: Any) -> None:
        """Let the next request of a kind fail."""
        self.faults.append(Fault(method, path, **how))

    def count(self, method: str, path: str) -> int:
        """How many requests of a kind there were."""
        return sum(bool(re.search(rf"^{method} .*{path}", asked)) for asked in self.asked)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a visitor who hangs up, as one does who does not trust a certificate."""


@contextmanager
def serve(studio: FakeStudio, *, port: int = 0, certificate: Path | None = None) -> Iterator[FakeServer]:
    """Run a server on a free port, or on this one; with TLS if it has a certificate."""
    with _Http(("127.0.0.1", port), _Handler) as http:
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if certificate is None else "https"
        http.fake = FakeServer(f"{scheme}://127.0.0.1:{http.server_port}", studio)  # type: ignore[attr-defined]
        http.lock = threading.Lock()  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield http.fake  # type: ignore[attr-defined]
        finally:
            http.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        fake: FakeServer = self.server.fake  # type: ignore[attr-defined]
        address = urlsplit(self.path)
        size = int(self.headers.get("content-length") or 0)
        if fake.is_down:
            self._break()
            return
        if size > fake.most:
            fake.asked.append(f"{self.command} {address.path} too large")
            self.close_connection = True
            told = "<html><h1>413 Request Entity Too Large</h1>nginx</html>"
            self._send(Answer(told, 413, {"Connection": "close"}))
            while size > 0 and (part := self.rfile.read(min(size, 65536))):  # as nginx, so that the answer is read
                size -= len(part)
            return
        sent = self.rfile.read(size)
        fake.asked.append(f"{self.command} {address.path}")
        if is_end := len(fake.asked) == fake.ends_at:
            self._end()
        fault = next((f for f in fake.faults if f.method == self.command and re.search(f.path, address.path)), None)
        answer = None
        if fault is None or fault.is_done:
            with self.server.lock:  # type: ignore[attr-defined]
                token = self.headers.get("authorization", "")
                parameters = dict(parse_qsl(address.query))
                answer = fake.studio.answer(self.command, address.path, parameters, self._body(sent), token)
        if is_end:
            self._break()
            return
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                fake.faults.remove(fault)
            time.sleep(fault.wait_s)
            if fault.body is None:
                self._break()
                return
            answer = Answer(fault.body, fault.status, fault.headers)
        assert answer is not None
        self._send(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_any  # noqa: N815

    def _body(self, sent: bytes) -> Any:
        """JSON, or the files of a form as `(field, name, data)`."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            form = BytesParser(policy=HTTP).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + sent)
            return [
                (
                    part.get_param("name", header="content-disposition"),
                    part.get_filename(),
                    part.get_payload(decode=True),
                )
                for part in form.iter_parts()
            ]
        if kind.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(sent.decode()))
        return json.loads(sent) if sent else None

    def _send(self, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            kind, data = "image/png", answer.body
        elif isinstance(answer.body, str):
            kind, data = "text/html; charset=utf-8", answer.body.encode()
        else:
            kind, data = "application/json", json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"content-type": kind, **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(data)

    def _end(self) -> None:
        """End the server: nobody can reach it any more, and what it was doing is done."""
        self.server.fake.is_down = True  # type: ignore[attr-defined]
        self.server.shutdown()
        self.server.server_close()

    def _break(self) -> None:
        """End the connection as a server does that is killed."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The date in the answer's head: by the clock that annotations have their times of."""
        return format_datetime(self.server.fake.studio._clock, usegmt=True)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""
