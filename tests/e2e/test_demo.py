"""`dmr demo` from end to end, with hardly any training: it leaves a page and an ordinary workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from markup import assert_needs_nothing

from dmr import __version__
from dmr.active.demo.figures import NEXT
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_the_demo_ends_with_a_page_and_a_workspace_to_go_on_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    runner = CliRunner()
    command = ["demo", str(folder), "--steps", "2", "--no-open", "--device", "cpu"]
    with monkeypatch.context() as patched:
        patched.setattr("dmr.active.demo.run.correct_drafts", interrupted)
        result = runner.invoke(main, command)
    assert result.exit_code == 130
    assert "Run the same command again to go on" in result.output
    other = runner.invoke(main, ["demo", str(folder), "--seed", "5"])
    assert (other.exit_code, "holds a demo of --seed 0" in other.output) == (2, True)

    result = runner.invoke(main, command)
    assert result.exception is None, result.exception
    assert "Goes on with the demo" in result.output
    assert "3. dmr train" not in result.output, "what is done is not done again"
    assert "Gate: v2 against v1 is" in result.output
    assert "dmr studio start" in result.output
    page = (folder / "reports" / "demo.html").read_text(encoding="utf-8")
    markup = assert_needs_nothing(page)
    assert page.count("data:image/jpeg") == 8 * 3 + 8 * 3
    with Workspace.find(folder).catalogue() as catalogue:
        verdict = catalogue.cycles()[-1].bounds
    first = markup.before_first_picture
    for words in (
        "Synthetic frames.",
        verdict["decision"],
        f"Dice {verdict['incumbent_dice']['mean']:.3f}",
        f"Dice {verdict['candidate_dice']['mean']:.3f}",
        "Time on this computer",
        f"the same {verdict['frames']} frames of {verdict['patients']} test patients",
        f"dmr{__version__}",
    ):
        assert words in first, words
    assert markup.text.endswith("dmr statusshows what is in the workspace, and what to do next"), (
        "what to do next stands last"
    )
    assert all(command in result.output for command, _ in NEXT)

    again = runner.invoke(main, ["demo", str(folder), "--no-open"])
    assert again.exit_code == 0
    assert "Nothing new" in again.output

    monkeypatch.chdir(folder)
    status = json.loads(runner.invoke(main, ["status", "--json"]).stdout)["status"]
    assert status["frames labelled"] == 20 * 4 + 20
    assert status["frames"] == 20 * 4 + 12 * 5


def test_a_folder_that_is_no_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"real")
    result = CliRunner().invoke(main, ["demo", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds other files" in result.output
    assert [p.name for p in tmp_path.iterdir()] == ["scan.png"]
