"""Files beside the catalogue that a read-only time left do not keep it closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord
from dmr.annotate.catalogue.side_files import mend_side_files
from dmr.annotate.errors import CatalogueError
from dmr.annotate.system.store import BlobStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_a_file_that_was_left_read_only_is_made_writable(
    ending: str, catalogue: Catalogue, tmp_path: Path, make_frame: Callable[..., FrameRecord]
) -> None:
    catalogue.close()
    beside = tmp_path / f"catalogue.sqlite{ending}"
    beside.touch()
    beside.chmod(0o444)
    with Catalogue.open(tmp_path / "catalogue.sqlite", store=BlobStore(tmp_path / "store")) as opened:
        assert not beside.exists() or beside.stat().st_mode & 0o200
        opened.add_frames([make_frame(1)])


def test_a_read_only_catalogue_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("c.sqlite", "c.sqlite-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o444)
    mend_side_files(tmp_path / "c.sqlite")
    assert (tmp_path / "c.sqlite-wal").stat().st_mode & 0o777 == 0o444


def test_a_file_of_another_user_is_one_line_that_says_not_to_delete_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("c.sqlite", "c.sqlite-wal"):
        (tmp_path / name).touch()
    really = os.access

    def access(path: Any, mode: int) -> bool:
        return really(path, mode) and not str(path).endswith("-wal")

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(CatalogueError, match=r"c\.sqlite-wal: cannot be written, .* do not delete it"):
        mend_side_files(tmp_path / "c.sqlite")
