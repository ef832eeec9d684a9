"""Everything that differs between operating systems: folders, file rights, locks, kinds of disk."""

from __future__ import annotations

import getpass
import os
import re
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any

import platformdirs

from ..console import say
from ..faults import about

# File systems whose locks or shared memory are unsafe between machines. Under WSL, 9p and drvfs are Windows disks.
_NETWORK = re.compile(
    r"9p|afpfs|afs|beegfs|ceph|cifs|davfs|drvfs|glusterfs|gpfs|lustre|ncpfs|nfs4?|smb[23]|smbfs|webdav"
    r"|fuse\.(davfs|glusterfs|rclone|s3fs|sshfs)"
)
_LINUX_MOUNTS = Path("/proc/self/mounts")
_LESS_URGENT = 10  # niceness of what may take hours beside other work
_DRIVE_REMOTE = 4  # winbase.h, GetDriveType


def fsync_file(path: Path) -> None:
    """Make a file that was written and closed survive a power cut."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))  # Windows needs write access to sync
    try:
        with about(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut. Windows has no such call, and NTFS needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with about(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_screen() -> bool:
    """Whether a program with windows can start here. On systems other than Linux, it is assumed."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def owner_only(path: Path) -> bool:
    """Let only its owner read and write a file.

    Returns:
        Whether it worked. On Windows this is a best effort by `icacls`, and administrators can still read the file.
    """
    if sys.platform == "win32":
        rights = ["/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"]
        return (
            subprocess.run([_windows("icacls.exe"), str(path), *rights], capture_output=True, check=False).returncode
            == 0
        )
    path.chmod(0o600)
    return True


def folder_mode(folder: Path) -> int:
    """The rights for what is made in a folder: never more than the folder's own, so what is private stays private."""
    return 0o777 if sys.platform == "win32" else folder.stat().st_mode & 0o777


def workspace_mode(root: Path) -> int:
    """The rights for the folders of a workspace: its owner's alone, or the group's too where that may write in it.

    A folder in which the group may write was shared on purpose; in one that everybody may read nobody may have thought
    of it.
    """
    if sys.platform == "win32":
        return 0o777
    mode = root.stat().st_mode
    return mode & 0o770 if mode & 0o020 else 0o700


def open_to_others(folder: Path) -> bool:
    """Whether every user of this computer can read a folder."""
    return sys.platform != "win32" and bool(folder.stat().st_mode & 0o007)


def is_shared(file: Path) -> bool:
    """Whether others than its owner can read a file; False where it is not there. Windows is not asked."""
    try:
        return sys.platform != "win32" and bool(file.stat().st_mode & 0o077)
    except OSError:
        return False


def private_folder(path: Path) -> Path:
    """A folder that only its owner can open; it is made if needed. On Windows, a user's folders are so already."""
    path.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        path.chmod(0o700)
    return path


def is_network_share(path: Path) -> bool:
    """Whether a path lies on a network share; the path need not exist. On macOS this is a best effort."""
    path = path.resolve()
    if sys.platform == "win32":
        import ctypes

        drive = path.drive
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE
    if sys.platform == "darwin":
        table = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
        mounts = re.findall(r"^.* on (/.*) \((\w+)", table, flags=re.MULTILINE)
    else:
        mounts = _linux_mounts(_LINUX_MOUNTS)
    return bool(_NETWORK.fullmatch(file_system(path, mounts=mounts) or ""))


def file_system(path: Path, *, mounts: list[tuple[str, str]]) -> str | None:
    """The kind of file system of a path, from the deepest mount above it. A later mount hides an earlier one.

    Args:
        path: An absolute path.
        mounts: `(folder, kind)` in the order of mounting.
    """
    above = [(len(folder), i) for i, (folder, _) in enumerate(mounts) if path.is_relative_to(folder)]
    return mounts[max(above)[1]][1] if above else None


def _linux_mounts(table: Path) -> list[tuple[str, str]]:
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    return [(re.sub(r"\\([0-7]{3})", _octal, f[1]), f[2]) for f in fields if len(f) > 2]


def _octal(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8))  # a blank in a folder's name appears as backslash 040


def user_data_folder() -> Path:
    """The folder of this user's lasting files, such as pseudonym keys; under `DMR_HOME` if that is set."""
    if home := os.environ.get("DMR_HOME"):
        return Path(home).absolute() / "data"
    folder = platformdirs.user_data_path("dmr", appauthor=False, roaming=True)
    return _or_earlier(folder, windows="APPDATA", mac="Application Support", other="XDG_DATA_HOME")


def user_cache_folder() -> Path:
    """The folder of this user's files that can be made again; under `DMR_HOME` if that is set."""
    if home := os.environ.get("DMR_HOME"):
        return Path(home).absolute() / "cache"
    folder = platformdirs.user_cache_path("dmr", appauthor=False, opinion=False)
    folder = _or_earlier(folder, windows="LOCALAPPDATA", mac="Caches", other="XDG_CACHE_HOME")
    return folder / "cache" if sys.platform == "win32" else folder


def _or_earlier(folder: Path, *, windows: str, mac: str, other: str) -> Path:
    """A user's folder. If the folder that dmr 0.1 used exists, it is taken, because keys and logins are in it.

    The two differ if platformdirs asks Windows instead of reading the variable, follows XDG on macOS, or ignores a
    relative XDG folder.
    """
    if sys.platform == "darwin":
        base: str | Path | None = Path.home() / "Library" / mac
    else:
        base = os.environ.get(windows if sys.platform == "win32" else other)
    earlier = Path(base or folder.parent) / "dmr"
    return earlier if earlier.is_dir() else folder


def python_module(name: str, *, python: Path | None = None) -> list[str]:
    """The command that runs an installed module, and never a file of its name that lies in the working folder.

    Args:
        name: Of the module.
        python: Whose; None for the one that runs this.
    """
    return [str(python or sys.executable), "-P", "-m", name]


def run_shown(command: list[str], *, folder: Path) -> int:
    """Run a program to its end and pass on what it says, without anything that would steer the terminal.

    Args:
        command: Its first part an absolute path.
        folder: Where it runs.

    Returns:
        Its exit code.
    """
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        for line in started.stdout or ():
            say(line.decode("utf-8", "replace").rstrip("\r\n"))
    return started.returncode


def start_detached(
    command: list[str], *, environment: dict[str, str], log: IO[bytes], folder: Path | None = None
) -> int:
    """Start a process that goes on after this process and its terminal are gone.

    Args:
        command: Its first part an absolute path.
        environment: All of its variables.
        log: Gets what it says.
        folder: Where it runs; None for the working folder.

    Returns:
        The process id.
    """
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    started = subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **options
    )
    started.returncode = 0  # on purpose: otherwise Popen warns about a process that outlives it
    return started.pid


def start_beside(
    command: list[str], *, environment: dict[str, str], log: IO[bytes], folder: Path
) -> subprocess.Popen[bytes]:
    """Start a process that leaves the processor to others. Ctrl-C in the terminal does not reach it.

    Args:
        command: Its first part an absolute path.
        environment: All of its variables.
        log: Gets what it says.
        folder: Where it runs.

    Returns:
        The process; the caller waits for it, and may end it with `end_process`.
    """
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        options = {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    started = subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **options
    )
    if sys.platform != "win32":
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, started.pid, _LESS_URGENT)
    return started


def process_command(pid: int) -> str:
    """The command line of a running process; empty if it does not run."""
    if sys.platform == "linux":
        with suppress(ChildProcessError, OSError):
            os.waitpid(pid, os.WNOHANG)  # a child process that has ended would stay listed otherwise
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    command = ["/bin/ps", "-p", str(pid), "-o", "command="]
    if sys.platform == "win32":
        query = f"(Get-CimInstance Win32_Process -Filter 'ProcessId={pid}').CommandLine"
        command = [
            _windows("WindowsPowerShell/v1.0/powershell.exe"),
            "-NoProfile",
            "-NonInteractive",
            "-Command",
            query,
        ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def end_process(pid: int) -> None:
    """Ask a process to end, on Windows with its child processes. Nothing happens if it does not exist."""
    if sys.platform == "win32":
        subprocess.run([_windows("taskkill.exe"), "/PID", str(pid), "/T", "/F"], capture_output=True, check=False)
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _windows(program: str) -> str:
    """A program of Windows by its place: by its name alone, one in the working folder would be taken."""
    return str(Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / program)


def exclusive_lock(path: Path, *, wait_s: float) -> AbstractContextManager[object]:
    """Hold a lock on a file. The file is made if needed and stays. If the process dies, the system frees the lock.

    The lock is advisory and not re-entrant: a second one in the same process waits like another process.

    Raises:
        TimeoutError: On entering, if somebody else held it all the time.
    """
    from filelock import FileLock

    # No soft lock on systems without locks: a file left behind by a killed process would lock for ever.
    return FileLock(path, timeout=wait_s, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)
