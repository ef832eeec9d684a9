from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dmr.annotate.system.platform import exclusive_lock, file_system, is_network_share, owner_only, user_data_folder

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
