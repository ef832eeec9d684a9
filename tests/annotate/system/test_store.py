from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmr.annotate.errors import CatalogueError
from dmr.annotate.system import store as store_module
from dmr.annotate.system.store import BlobStore, sha256_hex, sweep_temporaries, write_atomic, write_many


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class Killed(BaseException):
    """Stands for SIGKILL at one call: nothing is tidied up after it."""


def test_a_file_is_written_in_folders_that_were_not_there_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_atomic(path, b"first")
    write_atomic(path, b"second, longer")

    assert path.read_bytes() == b"second, longer"
    assert files(tmp_path) == {"a/b/c.txt"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_private_file_never_has_other_rights(tmp_path: Path) -> None:
    write_atomic(tmp_path / "open", b"")
    write_atomic(tmp_path / "secret", b"", private=True)

    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o600, "it is no more open than its folder"
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    write_atomic(tmp_path / "shared" / "open", b"")
    assert (tmp_path / "shared" / "open").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_content_and_no_temporary(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == {"a.txt"}


def test_data_is_synced_before_it_gets_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    replace = Path.replace

    def replace_told(path: Path, target: Path) -> Path:
        calls.append("replace")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
    monkeypatch.setattr(Path, "replace", replace_told)
    monkeypatch.setattr(store_module, "fsync_folder", lambda path: calls.append(f"folder {path.name}"))

    write_many({tmp_path / "x" / "1": b"1", tmp_path / "x" / "2": b"2"})

    made = f"folder {tmp_path.name}"
    assert calls == [made, "fsync", "fsync", "replace", "replace", "folder x"]


def test_many_files_are_written_in_batches_from_an_iterator_that_is_read_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BATCH", 3)
    most = 0

    def source() -> Iterator[tuple[Path, bytes]]:
        nonlocal most
        for i in range(8):
            yield tmp_path / f"{i}", b"%d" % i
            most = max(most, sum(name.endswith(".tmp") for name in files(tmp_path)))

    assert write_many(source()) == 8
    assert files(tmp_path) == {f"{i}" for i in range(8)}
    assert most <= 3


def test_temporaries_of_a_killed_run_are_swept_and_young_ones_left(tmp_path: Path) -> None:
    old, young = (tmp_path / "d" / f".dmr-{digit * 12}.tmp" for digit in "ab")
    keep = tmp_path / "d" / "notes.tmp"
    for path in (old, young, keep):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    os.utime(keep, (0, 0))

    assert sweep_temporaries(tmp_path) == 1
    assert files(tmp_path) == {f"d/{young.name}", "d/notes.tmp"}
    assert sweep_temporaries(tmp_path, older_than_s=0) == 1
    assert sweep_temporaries(tmp_path / "not there") == 0


@given(blobs=st.lists(st.binary(max_size=40), max_size=12))
def test_every_blob_comes_back_by_its_hash(blobs: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    store = BlobStore(tmp_path_factory.mktemp("store"))
    hashes = store.put_many(blobs)

    assert hashes == [hashlib.sha256(blob).hexdigest() for blob in blobs]
    assert [store.get(sha256) for sha256 in hashes] == blobs
    assert list(store.hashes()) == sorted(set(hashes))


def test_a_blob_put_twice_is_not_written_twice(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    path = store.path(store.put(b"outline"))
    before = path.stat()
    store.put(b"outline")

    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert files(tmp_path) == {path.relative_to(tmp_path).as_posix()}


def test_a_damaged_blob_is_refused_and_mended_by_putting_it_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(b"outline")
    store.path(sha256).write_bytes(b"outlime")

    with pytest.raises(CatalogueError, match="is damaged"):
        store.get(sha256)
    assert store.put(b"outline") == sha256
    assert store.get(sha256) == b"outline"


def test_a_missing_blob_is_an_error_that_names_it(tmp_path: Path) -> None:
    sha256 = sha256_hex(b"never put")
    assert not BlobStore(tmp_path).has(sha256)
    with pytest.raises(CatalogueError, match=f"store/{sha256[:2]}/{sha256}: is missing. Restore it from a backup"):
        BlobStore(tmp_path).get(sha256)


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "ab", ""])
def test_what_is_no_hash_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        BlobStore(tmp_path).path(name)


@pytest.mark.parametrize("nth", range(6))
def test_killed_at_any_step_a_blob_is_there_whole_or_not_at_all(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, blobs = BlobStore(tmp_path), [b"one", b"two"]
    left = nth

    def dying(real: object) -> object:
        def call(*args: object, **more: object) -> object:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return real(*args, **more)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying(os.fsync))
        patch.setattr(Path, "replace", dying(Path.replace))
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # the dead tidy nothing up
        with pytest.raises(Killed):
            store.put_many(blobs)

    for blob in blobs:
        sha256 = sha256_hex(blob)
        assert not store.has(sha256) or store.get(sha256) == blob
    sweep_temporaries(tmp_path, older_than_s=0)
    assert all(len(Path(name).name) == 64 for name in files(tmp_path))
    assert [store.get(sha256) for sha256 in store.put_many(blobs)] == blobs
