"""A workspace made by dmr 0.1.0: today's commands work on it, and nothing in it is lost."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner
from fake_server import serve
from fake_studio import TOKEN, FakeStudio

from dmr.cli import main

ARCHIVE = Path(__file__).resolve().parents[1] / "data" / "workspace-0.1.0.zip"
# Each table's columns that are written once and for good; a patient's split is, as soon as there is one. A newer schema
# may have more of both.
LASTING: Final = {
    "class": ("id", "name", "color", "z", "inside"),
    "alias": ("text", "class"),
    "patient": ("id", "key_id"),
    "patient WHERE split IS NOT NULL": ("id", "split", "split_reason"),
    "clip": ("id", "patient", "source_sha256"),
    "frame": ("id", "clip", "source_sha256", "height", "width", "sector", "added_at"),
    "rendition": ("frame", "pixel_sha256", "version", "perceptual_hash", "path", "added_at", "reviewed_at"),
    "revision": ("sha256", "sequence", "frame", "author", "origin", "shapes", "covered", "raw_sha256", "at"),
    "dataset": ("id", "revisions", "at"),
    "model": ("id", "sha256", "class_ids", "dataset", "at"),
    "activation": ("sequence", "model", "reason", "at"),
    "cycle": ("id", "incumbent", "candidate", "verdict", "bounds", "at"),
    "prediction": ("frame", "rendition", "model", "shapes", "scores", "at"),
    "queue": ("id", "name", "project", "purpose", "reader"),
    "task": ("queue", "frame", "remote_id", "model", "pushed_sha256", "rank"),
    "remote_annotation": ("queue", "remote_id", "frame", "author", "raw_sha256", "revision"),
}
LASTING_FILES: Final = ("frames", "store", "models")
TRAIN = ("--steps", "2", "--size", "s", "--input", "32", "--threads", "1", "--device", "cpu")
DRAW = ("--threads", "1", "--device", "cpu")

Rows = set[tuple[Any, ...]]


@dataclass(frozen=True)
class Kept:
    """What a workspace holds that no command may lose."""

    rows: dict[str, Rows]
    files: dict[str, bytes]

    @classmethod
    def of(cls, root: Path) -> Kept:
        with closing(sqlite3.connect(root / "catalogue.sqlite")) as opened:
            rows = {
                table: set(opened.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall())
                for table, columns in LASTING.items()
            }
        paths = [path for name in LASTING_FILES for path in (root / name).rglob("*") if path.is_file()]
        paths = [path for path in paths if path.parent.name != "journal"]  # which grows
        return cls(rows, {path.relative_to(root).as_posix(): path.read_bytes() for path in paths})

    def lost(self, now: Kept) -> list[Any]:
        """The rows and files that are gone or changed."""
        rows = [(table, *row) for table, known in self.rows.items() for row in known - now.rows[table]]
        return rows + [name for name, content in self.files.items() if now.files.get(name) != content]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The workspace in `ws/`, unpacked anew, with its own home and two scans in `later/` that it does not know."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMR_HOME", str(tmp_path / "home"))
        patch.chdir(tmp_path / "ws")
        yield tmp_path


def dmr(*arguments: str) -> str:
    """Run a command as from a shell; a traceback fails the test."""
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_status_tells_what_the_workspace_holds_and_changes_no_row(folder: Path) -> None:
    before = Kept.of(folder / "ws")
    told = json.loads(dmr("status", "--json"))["status"]

    assert {name: told[name] for name in ("patients", "frames", "revisions", "models")} == {
        "patients": len(before.rows["patient"]),
        "frames": len(before.rows["frame"]),
        "revisions": len(before.rows["revision"]),
        "models": len(before.rows["model"]),
    }
    assert told["active model"] == "v1"
    assert Kept.of(folder / "ws") == before


def test_prelabel_draws_with_the_old_model_and_knows_the_old_scans(folder: Path) -> None:
    before = Kept.of(folder / "ws")
    told = json.loads(dmr("prelabel", str(folder / "later"), "--json", *DRAW))
    after = Kept.of(folder / "ws")

    assert before.lost(after) == []
    assert told["counts"]["frames added"] == told["counts"]["drafts made"] == 2
    drawn = after.rows["prediction"] - before.rows["prediction"]
    assert {(row[2], row[3] != "[]") for row in drawn} == {("v1", True)}
    assert json.loads(dmr("prelabel", str(folder / "later"), "--json", *DRAW))["counts"]["frames added"] == 0


def test_an_edit_that_was_left_in_a_sheet_is_taken_up(folder: Path) -> None:
    before = Kept.of(folder / "ws")
    dmr("import")
    after = Kept.of(folder / "ws")

    assert before.lost(after) == []
    assert len(after.rows["revision"]) == len(before.rows["revision"]) + 1


def test_retrain_makes_the_next_version_and_judges_it_beside_the_old_one(folder: Path) -> None:
    before = Kept.of(folder / "ws")
    dmr("retrain", "--again", "--no-pull", *TRAIN)
    after = Kept.of(folder / "ws")

    assert before.lost(after) == []
    assert {row[0] for row in after.rows["model"]} == {"v1", "v2", "v3"}
    assert [row[1:3] for row in sorted(after.rows["cycle"])] == [("v1", "v2"), ("v1", "v3")]


def test_pull_knows_what_was_pulled_before_and_takes_what_is_new(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dmr("import")  # the edit, which a pull would take up too
    before = Kept.of(folder / "ws")
    studio = FakeStudio(**json.loads((folder / "studio.json").read_text(encoding="utf-8")))
    assert [a["was_cancelled"] for a in studio.annotations] == [False, True]
    with serve(studio) as server:
        monkeypatch.setenv("DMR_STUDIO_URL", server.url)
        monkeypatch.setenv("DMR_STUDIO_TOKEN", TOKEN)
        assert "nothing was changed" in dmr("pull")
        assert Kept.of(folder / "ws") == before

        draft = studio.predictions[-1]
        body = {"result": draft["result"], "lead_time": 7.5, "parent_prediction": draft["id"]}
        address = f"{server.url}/api/tasks/{draft['task']}/annotations/"
        httpx.post(address, json=body, headers={"Authorization": f"Token {TOKEN}"}).raise_for_status()
        dmr("pull")

    after = Kept.of(folder / "ws")
    assert before.lost(after) == []
    (new,) = after.rows["revision"] - before.rows["revision"]
    assert new[4] == "studio"
    assert new[5] in {row[3] for row in before.rows["prediction"]}, "the old model's draft comes back as it was drawn"


def test_the_check_of_what_is_lost_sees_a_row_and_a_file(folder: Path) -> None:
    before = Kept.of(folder / "ws")
    (folder / "ws" / "models" / "v1" / "card.json").write_text("{}", encoding="utf-8")
    with closing(sqlite3.connect(folder / "ws" / "catalogue.sqlite")) as opened, opened:
        opened.execute("DELETE FROM prediction")

    lost = before.lost(Kept.of(folder / "ws"))
    assert len(lost) == len(before.rows["prediction"]) + 1
    assert "models/v1/card.json" in lost
