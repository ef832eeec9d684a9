"""Run `dmr serve`: listen, answer, pull, and stop in order."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Final

from ...annotate import hiding
from ...annotate.errors import UsageError, WorkspaceError
from ...annotate.report import Report
from ...annotate.studio.projects.backend import Backend
from ...annotate.studio.server.credentials import need_login, serve_secret
from ...annotate.system.platform import exclusive_lock
from ...annotate.workspace import Workspace
from .drafting import Drafter
from .log import LOG_NAME, ServeLog, on_terminal
from .outlining import Outliner
from .retraining import Retraining
from .turns import Turns

try:
    import uvicorn

    from .app import Serving, make_app
except ImportError as error:
    _what = f"needs {(error.name or 'a library').partition('.')[0]}, which is not installed"
    raise UsageError("dmr serve", _what, "Run: pip install 'dmrnet[serve]'") from error

HOST: Final = "127.0.0.1"
PORT: Final = 9090
_LOCK: Final = ".serve.lock"
_GRACE_S: Final = 10  # seconds that requests under way get when it stops
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))


class Server(uvicorn.Server):
    """uvicorn, for which Ctrl-C and SIGTERM are the usual end and no failure."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; the second one waits for nobody."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        del sig, frame
        self.force_exit, self.should_exit = self.should_exit, True


def make_server(serving: Serving) -> Server:
    """A server for one workspace, silent: what happens is in the log of `dmr serve`."""
    config = uvicorn.Config(
        make_app(serving),
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    return Server(config)


def serve(
    workspace: Workspace, *, report: Report, host: str, port: int, address: str | None, connect: bool, device: str
) -> None:
    """Answer Label Studio until a signal stops it.

    Args:
        workspace: The workspace.
        report: Gets counts.
        host: The address to listen at.
        port: The port to listen at.
        address: How Label Studio reaches this server; None for host and port.
        connect: Set the projects up.
        device: What computes, as in `--device`.

    Raises:
        UsageError: It cannot listen there, or nobody could reach it.
        WorkspaceError: Another `dmr serve` works here, or no model is active.
        StudioError: No Label Studio is set up.
    """
    need_login(workspace.settings)
    reached = _reached(host, port, address, connect=connect)
    with workspace.catalogue() as catalogue:
        backend = Backend(reached, serve_secret(catalogue.meta("workspace_id")))
    with _alone(workspace), listening(host, port) as listener:
        log = ServeLog(workspace.reports_folder, echo=on_terminal)
        with _hiding_names(), closing(log):
            _run(workspace, listener, log=log, report=report, backend=backend, connect=connect, device=device)


def _run(
    workspace: Workspace,
    listener: socket.socket,
    *,
    log: ServeLog,
    report: Report,
    backend: Backend,
    connect: bool,
    device: str,
) -> None:
    retraining = Retraining(workspace.root, device=device, log=log)
    turns: Turns | None = None
    drafter = Drafter(
        workspace.root,
        device=device,
        is_own_work=lambda: retraining.is_running or (turns is not None and turns.is_pulling),
    )
    version = drafter.load()
    outliner = Outliner(workspace.root, device=device, log=log)
    outlined_by = outliner.load()
    wanted = backend if connect else None
    turns = Turns(workspace.root, drafter=drafter, retraining=retraining, log=log, backend=wanted)
    serving = Serving(drafter, outliner, turns, log, backend.authorization)
    host, port = listener.getsockname()[:2]
    log(f"started: {version} answers at {host}, port {port}; the log is reports/{LOG_NAME}; Ctrl-C stops it")
    log(f"boxes: answered by {outlined_by}")
    if not _is_loopback(host):
        log("warning: other computers reach it, and drafts and the secret are not encrypted on the way")
    try:
        make_server(serving).run(sockets=[listener])
    finally:
        retraining.stop()  # a second Ctrl-C waits for nothing else
        log("stopped")
    report.count("tasks answered", serving.answered)
    report.count("pulls", turns.done)
    report.count("trainings started", retraining.started)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises UsageError."""
    where = f"{host}, port {port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"dmr serve cannot listen there ({error.strerror or error})"
        raise UsageError(where, what, "Choose a free port of this computer: dmr serve --port N") from error
    with listener:
        yield listener


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """The only `dmr serve` of a workspace. Raises WorkspaceError."""
    lock = exclusive_lock(workspace.root / _LOCK, wait_s=0)
    try:
        lock.__enter__()
    except TimeoutError:
        raise WorkspaceError(workspace.root, "a dmr serve works here already", "Stop it first, or use it") from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


@contextmanager
def _hiding_names() -> Iterator[None]:
    """Hide names from here on, as with `--hide-names`: a log is read by others, and kept."""
    if hiding.hider() is not None:
        yield
        return
    hiding.start(wanted=True)
    try:
        yield
    finally:
        hiding.start(wanted=False)


def _reached(host: str, port: int, address: str | None, *, connect: bool) -> str:
    if address is not None:
        if not address.startswith(("http://", "https://")) or "@" in address:
            what = "expected http:// or https:// and a host, without user or password"
            raise UsageError("--address", what, "Correct it")
        return address.rstrip("/")
    if connect and host in ("0.0.0.0", "::"):
        what = f"{host} is no address that Label Studio can call"
        raise UsageError("--connect", what, "Say how it reaches this computer: --address http://NAME:PORT")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
