"""What a demo has done is kept, so that an interrupted one goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dmr.active.demo.journal import SCANS, Journal
from dmr.annotate.errors import UsageError


def interrupted() -> dict[str, Any]:
    raise KeyboardInterrupt


def never() -> dict[str, Any]:
    raise AssertionError("it is done already")


def test_a_part_is_done_once_and_its_time_counts_over_all_sittings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 60.0, 100.0, 190.0])
    monkeypatch.setattr("dmr.active.demo.journal.time.monotonic", lambda: next(times))
    first = Journal(tmp_path, seed=3)
    assert not first.begun
    with pytest.raises(KeyboardInterrupt):
        first.part("training", interrupted)
    again = Journal(tmp_path, seed=3)
    assert again.part("training", lambda: {"model": "v1"}) == {"model": "v1"}
    assert again.minutes == {"training": 2.5}
    later = Journal(tmp_path, seed=3)
    assert later.begun
    assert later.part("training", never) == {"model": "v1"}


@pytest.mark.parametrize("content", [pytest.param("{", id="torn"), pytest.param('{"seed": 3}', id="lacks parts")])
def test_a_journal_that_cannot_be_read_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / SCANS).mkdir()
    (tmp_path / SCANS / "demo.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        Journal(tmp_path, seed=3)


def test_another_seed_is_refused_and_so_is_a_folder_of_other_things(tmp_path: Path) -> None:
    Journal(tmp_path / "demo", seed=3).save()
    with pytest.raises(UsageError, match="holds a demo of --seed 3"):
        Journal(tmp_path / "demo", seed=4)
    (tmp_path / "scan.png").touch()
    with pytest.raises(UsageError, match="holds other files"):
        Journal(tmp_path, seed=3)
