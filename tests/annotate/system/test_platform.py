from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from dmr.annotate.system.platform import (
    exclusive_lock,
    file_system,
    is_network_share,
    owner_only,
    user_cache_folder,
    user_data_folder,
)

MOUNTS = [("/", "ext4"), ("/mnt", "tmpfs"), ("/mnt/ward", "nfs4"), ("/home", "xfs"), ("/home", "ext4")]

HOLD = """
import sys
from pathlib import Path
from dmr.annotate.system.platform import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), wait_s=0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/srv/a", "ext4", id="the root"),
        pytest.param("/mnt/ward/a/b", "nfs4", id="the deepest mount"),
        pytest.param("/mnt/wardrobe", "tmpfs", id="a name that only begins alike"),
        pytest.param("/home/a", "ext4", id="a later mount hides an earlier"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="mounts are a matter of POSIX")
def test_a_path_is_on_the_file_system_of_the_deepest_mount_above_it(path: str, kind: str) -> None:
    assert file_system(Path(path), mounts=MOUNTS) == kind


def test_a_temporary_folder_is_no_network_share(tmp_path: Path) -> None:
    assert not is_network_share(tmp_path / "not made yet")


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of mounts")
def test_a_folder_on_a_network_file_system_is_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blank = tmp_path / "the ward"
    table = f"/dev/a / ext4 rw 0 0\nserver:/x {str(blank).replace(' ', chr(92) + '040')} cifs rw 0 0\n"
    (tmp_path / "mounts").write_text(table, encoding="utf-8")
    monkeypatch.setattr("dmr.annotate.system.platform._LINUX_MOUNTS", tmp_path / "mounts")

    assert is_network_share(blank / "catalogue.sqlite")
    assert not is_network_share(tmp_path / "other")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    assert owner_only(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_home_of_the_tests_is_not_the_users(home: Path) -> None:
    assert user_data_folder() == home / "data"


ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="another system is played with POSIX paths")


def play(system: str, root: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Another operating system, its user's home in `root`."""
    systems = {
        "linux": platformdirs.unix.Unix,
        "darwin": platformdirs.macos.MacOS,
        "win32": platformdirs.windows.Windows,
    }
    monkeypatch.setattr(platformdirs, "PlatformDirs", systems[system])
    told = {"CSIDL_APPDATA": root / "AppData" / "Roaming", "CSIDL_LOCAL_APPDATA": root / "AppData" / "Local"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda name: str(told[name]))
    monkeypatch.setattr(sys, "platform", system)
    for name in ("DMR_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(root), **variables}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("system", "data", "cache"),
    [
        ("linux", ".local/share/dmr", ".cache/dmr"),
        ("darwin", "Library/Application Support/dmr", "Library/Caches/dmr"),
        ("win32", "AppData/Roaming/dmr", "AppData/Local/dmr/cache"),
    ],
)
@ON_POSIX
def test_a_users_folders_lie_where_the_system_keeps_such_files(
    system: str, data: str, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(system, tmp_path, monkeypatch)
    assert (user_data_folder(), user_cache_folder()) == (tmp_path / data, tmp_path / cache)


@ON_POSIX
def test_xdg_folders_hold_on_linux_and_for_a_new_user_on_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for system in ("linux", "darwin"):
        play(system, tmp_path, monkeypatch, XDG_DATA_HOME=str(tmp_path / "d"), XDG_CACHE_HOME=str(tmp_path / "c"))
        assert (user_data_folder(), user_cache_folder()) == (tmp_path / "d" / "dmr", tmp_path / "c" / "dmr")


@pytest.mark.parametrize(
    ("system", "variable", "value", "earlier"),
    [
        pytest.param("darwin", "XDG_DATA_HOME", "/elsewhere", "Library/Application Support/dmr", id="XDG on macOS"),
        pytest.param("linux", "XDG_DATA_HOME", "share", "share/dmr", id="a relative folder on Linux"),
        pytest.param("win32", "APPDATA", "elsewhere", "elsewhere/dmr", id="a variable of one's own on Windows"),
    ],
)
@ON_POSIX
def test_keys_of_an_earlier_version_stay_in_use_where_they_lie(
    system: str, variable: str, value: str, earlier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    play(system, tmp_path, monkeypatch, **{variable: value})
    kept = tmp_path / earlier

    assert user_data_folder().resolve() != kept  # a new user
    kept.mkdir(parents=True)
    assert user_data_folder().resolve() == kept


def test_a_lock_held_by_another_process_is_waited_for_and_free_when_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError), exclusive_lock(path, wait_s=0.2):
            pass
        other.kill()
        other.wait()
    with exclusive_lock(path, wait_s=5):
        pass
    with exclusive_lock(path, wait_s=0):
        pass
    assert path.is_file()  # it stays: whoever waits has it open


@pytest.mark.skipif(sys.platform == "win32", reason="the lock of dmr 0.1 on POSIX")
def test_a_lock_of_an_earlier_version_beside_this_one_holds(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "lock"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError), exclusive_lock(path, wait_s=0):
            pass
    with exclusive_lock(path, wait_s=0), path.open("r+") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_second_lock_in_the_same_process_waits_and_fails(tmp_path: Path) -> None:
    with (
        exclusive_lock(tmp_path / "lock", wait_s=0),
        pytest.raises(TimeoutError),
        exclusive_lock(tmp_path / "lock", wait_s=0.1),
    ):
        pass


def test_a_lock_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    place.mkdir()
    with pytest.raises(OSError, match="a folder") as failed, exclusive_lock(place, wait_s=0.1):
        pass
    assert not isinstance(failed.value, TimeoutError)
