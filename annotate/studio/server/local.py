"""The local Label Studio: installed once in a virtual environment, run on loopback; it contacts no other server."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx

from ...errors import StudioError
from ...progress.tell import Tell
from ...system.platform import (
    end_process,
    private_folder,
    process_command,
    python_module,
    start_detached,
    user_cache_folder,
    user_data_folder,
)
from ...system.store import write_atomic
from .credentials import Login, browser_login, kept_token, save_login

VERSION: Final = "1.23.2"
PORT: Final = 8080
USER: Final = "dmr@localhost.local"
_HOST: Final = "127.0.0.1"
# Label Studio's own list of addresses that it never calls, but for loopback, where `dmr serve` listens.
_BANNED: Final = (
    "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,169.254.0.0/16,172.16.0.0/12,192.0.0.0/24,192.0.2.0/24,192.88.99.0/24,"
    "192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,224.0.0.0/4,233.252.0.0/24,240.0.0.0/4,"
    "255.255.255.255/32,::/128,::ffff:0:0/96,::ffff:0:0:0/96,64:ff9b::/96,64:ff9b:1::/48,100::/64,2001:0000::/32,"
    "2001:20::/28,2001:db8::/32,2002::/16,fc00::/7,fe80::/10,ff00::/8"
)
_BOOT_S: Final = 600.0  # the first start sets up its database: one or two minutes, longer on a slow disk
_STOP_S: Final = 30.0
_PORT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The server that `dmr studio start` runs for this user.

    Attributes:
        url: Its address.
        pid: Its process.
        files: The folder whose files it shows: copies of frames, in one folder for each workspace.
    """

    url: str
    pid: int
    files: str

    @property
    def is_running(self) -> bool:
        """Whether its process runs, and is the server rather than a later process with the same id."""
        return "label-studio" in process_command(self.pid)

    @property
    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(httpx.get(f"{self.url}/health", timeout=5).json().get("status") == "UP")
        except (httpx.HTTPError, ValueError, RecursionError, AttributeError):
            return False


def data_folder() -> Path:
    """The folder of its database. It holds what physicians drew, so it is no cache."""
    return user_data_folder() / "studio"


def venv_folder() -> Path:
    """The virtual environment that it is installed in: its dependencies clash with ours."""
    return user_cache_folder() / f"label-studio-{VERSION}"


def local_server() -> LocalServer | None:
    """The server that was last started, running or not; None before the first start."""
    try:
        return LocalServer(**json.loads(_state_path().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def install(*, wheels: Path | None = None, tell: Tell) -> bool:
    """Install Label Studio if it is missing: about 1 GB.

    Args:
        wheels: A folder with all its wheels, for a PC without internet: `pip download label-studio==... -d DIR`.
        tell: Gets the progress.

    Returns:
        Whether anything had to be installed.

    Raises:
        StudioError: The installation fails.
    """
    folder = venv_folder()
    done = folder / "installed"
    if done.is_file():
        return False
    tell(f"Installing Label Studio {VERSION}", 0, None, "only once: about 1 GB, a few minutes")
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was interrupted
    folder.parent.mkdir(parents=True, exist_ok=True)
    source = ["--no-index", "--find-links", str(wheels.absolute())] if wheels else []
    steps = [
        [*python_module("venv"), str(folder)],
        [*python_module("pip", python=_program("python")), "install", "-q", *source, f"label-studio=={VERSION}"],
    ]
    for step in steps:
        result = subprocess.run(
            step, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False, cwd=folder.parent
        )
        if result.returncode:
            said = [line for line in result.stderr.splitlines() if line.strip()]
            remedy = "Without internet: pip download label-studio==" + VERSION
            remedy += " -d DIR on another PC of the same kind, and dmr studio start --wheels DIR here"
            raise StudioError(
                folder, f"cannot install Label Studio ({said[-1][:200] if said else 'no reason'})", remedy
            )
    write_atomic(done, VERSION.encode())
    return True


def start(*, port: int | None = None, wheels: Path | None = None, tell: Tell) -> tuple[LocalServer, bool]:
    """Start the local server unless it runs, and install it first if needed.

    Args:
        port: Port to listen on. None for its last port, or else 8080 or the first free port above.
        wheels: See `install`.
        tell: Gets the progress.

    Returns:
        The server, and whether it was started now.

    Raises:
        StudioError: It cannot be installed or does not come up.
    """
    before = local_server()
    if before is not None and before.is_running:
        if not before.answers:
            _wait(before, log=_log_path())
        return before, False
    install(wheels=wheels, tell=tell)
    data, files = private_folder(data_folder()), data_folder() / "frames"
    files.mkdir(parents=True, exist_ok=True)
    kept = int(before.url.rpartition(":")[2]) if before else PORT
    url = f"http://{_HOST}:{port or _free_port(kept)}"
    password, token = _secrets(url, before)
    tell("Starting Label Studio", 0, None, "the first time takes one or two minutes")
    with _log_path().open("ab") as log:
        pid = start_detached(
            _command(url, data), environment=_environment(data, files, password, token), log=log, folder=data
        )
    server = LocalServer(url, pid, str(files))
    write_atomic(_state_path(), json.dumps(asdict(server)).encode())
    _wait(server, log=_log_path())
    save_login(Login(url, token), password=password, user=USER)
    return server, True


def stop() -> LocalServer | None:
    """Stop the local server, and return it; None if none is running.

    Raises:
        StudioError: The process does not end.
    """
    server = local_server()
    if server is None or not server.is_running:
        return None
    end_process(server.pid)
    deadline = time.monotonic() + _STOP_S
    while server.is_running:
        if time.monotonic() > deadline:
            raise StudioError(
                server.url, f"process {server.pid} does not end", "End it by hand, for example in the task manager"
            )
        time.sleep(0.2)
    # The system lets go of its port a moment later; a start before that would take another one.
    deadline = time.monotonic() + _PORT_S
    while not _is_free(int(server.url.rpartition(":")[2])) and time.monotonic() < deadline:
        time.sleep(0.1)
    return server


def serve_frame(server: LocalServer, workspace_id: str, picture: Path) -> str:
    """Put a frame into the folder that the local server shows, as a hard link if possible, else as a copy.

    Returns:
        The image's address in a task.
    """
    target = Path(server.files) / workspace_id / picture.name
    if not (target.is_file() and _same_file(target, picture)):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_suffix(".new")
        aside.unlink(missing_ok=True)
        try:
            os.link(picture, aside)
        except OSError:  # another disk, or a disk without hard links
            shutil.copyfile(picture, aside)
        aside.replace(target)
    return f"/data/local-files/?d={workspace_id}/{picture.name}"


def _same_file(a: Path, b: Path) -> bool:
    return a.samefile(b) or (a.stat().st_size == b.stat().st_size and a.read_bytes() == b.read_bytes())


def _state_path() -> Path:
    return data_folder() / "server.json"


def _log_path() -> Path:
    return data_folder() / "server.log"


def _program(name: str) -> Path:
    return venv_folder() / ("Scripts" if sys.platform == "win32" else "bin") / name


def _secrets(url: str, before: LocalServer | None) -> tuple[str, str]:
    """Password and token. They are made at the first start, because the server's database keeps them."""
    for known in (url, before.url if before else url):
        login, token = browser_login(known), kept_token(known)
        if login and token:
            return login[1], token
    return secrets.token_urlsafe(12), secrets.token_hex(20)


def _command(url: str, data: Path) -> list[str]:
    port = url.rpartition(":")[2]
    program = str(_program("label-studio"))
    return [program, "start", "--no-browser", "--internal-host", _HOST, "--port", port, "--data-dir", str(data)]


def _environment(data: Path, files: Path, password: str, token: str) -> dict[str, str]:
    """The server's settings: it contacts no other server, and no secret is in its command line."""
    own = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "DJANGO_DB": "sqlite",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(files),
        "LABEL_STUDIO_USERNAME": USER,
        "LABEL_STUDIO_PASSWORD": password,
        "LABEL_STUDIO_USER_TOKEN": token,
        "PYTHONUTF8": "1",
        # It may call `dmr serve` on this computer, and no other address of a private network.
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "USER_ADDITIONAL_BANNED_SUBNETS": _BANNED,
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LABEL_STUDIO_", "DMR_", "DJANGO_"))}
    return inherited | own


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        if _is_free(port):
            return port
    raise StudioError(
        _HOST, f"no port from {first} to {first + 99} is free", "Choose another: dmr studio start --port N"
    )


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        if sys.platform != "win32":  # there, the option means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just released counts as free
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _wait(server: LocalServer, *, log: Path) -> None:
    deadline = time.monotonic() + _BOOT_S
    while not server.answers:
        if not server.is_running:
            raise StudioError(server.url, "Label Studio ended while it started", f"The reason is in {log}")
        if time.monotonic() > deadline:
            raise StudioError(server.url, f"Label Studio is not up after {_BOOT_S:g} s", f"Read {log}")
        time.sleep(0.5)
