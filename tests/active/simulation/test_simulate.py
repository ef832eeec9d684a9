"""`dmr simulate` on a small synthetic workspace: killed, gone on with, extended, refused."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from ranked_workspace import make_workspace

from dmr.active.simulation.learner import OutOfTimeError
from dmr.active.simulation.run import Plan, Simulation
from dmr.active.simulation.study import load_study
from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.workspace import Workspace
from dmr.cli import main
from dmr.model.training.settings import TrainSettings

SMALL = ("--seeds", "1", "--budgets", "4,8", "--steps", "2", "--input", "32", "--device", "cpu", "--threads", "1")
TWO = ("--strategies", "informative,random", *SMALL)
LINES = Path("reports/simulation/simulate.csv")


def dmr(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def lines() -> list[dict[str, str]]:
    with LINES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "in"
    for _ in write_phantom(folder, PhantomSet(6, 3)):
        pass
    return folder


@pytest.fixture
def workspace(outlines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Six patients of three frames; one or two are test patients."""
    assert dmr("init", str(tmp_path / "w"), "--coverage", "all").exit_code == 0
    monkeypatch.chdir(tmp_path / "w")
    assert dmr("import", str(outlines)).exit_code == 0
    yield Workspace.find()


def wait_for_line(process: subprocess.Popen[bytes], count: int) -> None:
    deadline = time.monotonic() + 240
    while not LINES.exists() or len(lines()) < count:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_simulation_goes_on_and_ends_as_an_undisturbed_one(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "dmr", "simulate", *TWO]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for_line(process, 2)
        os.kill(process.pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    before = LINES.read_text(encoding="utf-8")
    with LINES.open("a", encoding="utf-8") as file:
        file.write('random,0,8,dmrnet_s at 32,2,data,4 8,8,3,0.5,"{""lumbar_plexus"": 0.1, ""ve')
    done = dmr("simulate", *TWO)
    after = lines()
    whole = [row for row in after if row["patients_dice"]]

    assert done.exit_code == 0, done.output
    assert LINES.read_text(encoding="utf-8").startswith(before), "no line is ever changed"
    assert sorted((r["strategy"], r["budget"], r["steps"]) for r in whole) == [
        ("full", "all", "2"),
        ("full", "all", "4"),
        ("informative", "8", "2"),
        ("initial", "4", "2"),
        ("random", "8", "2"),
    ]
    assert "Nothing new: all trainings are done." in dmr("simulate", *TWO).output
    assert lines() == after
    LINES.write_bytes(b"\xff" + LINES.read_bytes())
    done = dmr("simulate", *TWO)
    assert done.exit_code == 2
    assert "simulate.csv: its first line is damaged. Move it away" in done.stderr


def test_a_line_that_was_lost_after_its_state_was_kept_is_made_again(workspace: Workspace) -> None:
    assert dmr("simulate", *TWO).exit_code == 0
    before = lines()
    text = LINES.read_text(encoding="utf-8").splitlines(keepends=True)
    LINES.write_text("".join(text[:-1]), encoding="utf-8")
    done = dmr("simulate", *TWO)
    timed = "train_seconds"

    assert done.exit_code == 0, done.output
    assert "simulate: 1 training done" in done.output
    assert [{k: v for k, v in row.items() if k != timed} for row in lines()] == [
        {k: v for k, v in row.items() if k != timed} for row in before
    ]


def test_lines_count_effort_and_the_page_shows_curves_and_limits(workspace: Workspace) -> None:
    done = dmr("simulate", *TWO, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    by_name = {row["strategy"]: row for row in lines()}
    page = Path("reports/simulation/index.html").read_text(encoding="utf-8")

    assert told["simulation"]["complete"] is True
    assert {c["strategy"] for c in told["simulation"]["curves"]} == {"informative", "random"}
    first, later = by_name["initial"], by_name["random"]
    assert (first["frames"], later["frames"]) == ("4", "8")
    assert first["round_forecast"] == "" and float(later["round_forecast"]) > 0, "no draft, no forecast"
    assert float(later["minutes"]) == pytest.approx(float(first["minutes"]) + float(later["round_minutes"]), abs=0.02)
    assert int(first["added_px"]) > 0 and int(first["points_added"]) > 0 and int(first["accepted"]) == 0
    with workspace.session() as s:
        tested = {str(f.frame.patient) for f in s.catalogue.labelled_frames(["test"])}
    held = set(json.loads(later["patients_dice"]))
    assert held and tested and not held & tested, "test patients are not looked at"
    assert "<svg" in page and "not measured" in page, "networks of 2 steps draw nothing"
    assert "fewer than 5, so the order of the strategies may be chance" in page
    assert "http" not in page.replace("http-equiv", "")


def test_another_budget_and_another_strategy_go_on_from_what_is_there(workspace: Workspace) -> None:
    assert dmr("simulate", *TWO).exit_code == 0
    more = [w.replace("4,8", "4,8,12") for w in TWO]
    done = dmr("simulate", *more)
    assert done.exit_code == 0, done.output
    assert "simulate: 2 trainings done" in done.output
    done = dmr("simulate", "--strategies", "foreground", *SMALL)
    assert "simulate: 1 training done" in done.output
    assert len(lines()) == 8


def test_no_minutes_do_nothing_and_lose_nothing(workspace: Workspace) -> None:
    done = dmr("simulate", *TWO, "--minutes", "0")

    assert done.exit_code == 0
    assert "The minutes are used up. The same command goes on from here." in done.output
    assert not LINES.exists()
    done = dmr("simulate", "--strategies", " informative , random,informative", *SMALL)
    assert done.exit_code == 0, done.output
    assert "5 trainings of dmrnet_s at 32 x 32, 2 steps each and one of 4, on " in done.output
    assert "simulate: 5 trainings done" in done.output
    before = LINES.read_bytes()
    assert "Nothing new" in dmr("simulate", *TWO, "--minutes", "0").output
    assert LINES.read_bytes() == before


def run_in_parts(workspace: Workspace, folder: Path, *, moments: int) -> int:
    """Simulate, stopped each time after so many moments of training; how often it was stopped."""
    settings = TrainSettings(size="s", input=32, steps=2)
    device = torch.device("cpu")
    for stopped in range(100):
        used = 0

        def left() -> float:
            nonlocal used
            used += 1
            return 1e-9 if used <= moments else 0.0

        with workspace.session(device="cpu") as s:
            study = load_study(s, size=32)
            plan = Plan(("informative", "random"), (0,), (4, 8), settings)
            try:
                Simulation(s, study, plan, folder=folder, device=device, left=left).run()
            except OutOfTimeError:
                continue
        return stopped
    raise AssertionError("it never ends")


def test_however_often_it_is_stopped_the_lines_are_the_same_to_the_byte(workspace: Workspace, tmp_path: Path) -> None:
    assert run_in_parts(workspace, tmp_path / "once", moments=10**6) == 0
    assert run_in_parts(workspace, tmp_path / "often", moments=5) >= 2

    def without_time(folder: Path) -> bytes:
        """All of the file but the seconds of each training, which no two runs share."""
        text = (folder / "simulate.csv").read_text(encoding="utf-8")
        seconds = [row["train_seconds"] for row in csv.DictReader(io.StringIO(text))]
        for value in seconds:
            text = text.replace(f",{value},", ",-,", 1)
        return text.encode()

    assert without_time(tmp_path / "once") == without_time(tmp_path / "often")


@pytest.mark.parametrize("command", [("simulate",), ("train",), ("check", "--labels", "--folds", "2")])
def test_minutes_that_are_no_number_are_refused(command: tuple[str, ...]) -> None:
    done = dmr(*command, "--minutes", "nan")

    assert done.exit_code == 2
    assert "'nan' is no number of minutes." in done.stderr


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (("--strategies", "best"), "simulate: 'best' is no strategy. Use some of informative, random"),
        (("--budgets", "8,4"), "Give at least two rising numbers"),
        (("--budgets", "4,x"), "Give whole numbers with commas"),
        (("--budgets", "4,8000"), "Give smaller numbers"),
        (("--input", "33"), "simulate: "),
    ],
)
def test_wishes_that_cannot_be_met_are_one_line(workspace: Workspace, wishes: tuple[str, ...], told: str) -> None:
    done = dmr("simulate", "--device", "cpu", *wishes)

    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ") and told in line
    assert not LINES.exists()


def test_one_patient_and_none_are_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in write_phantom(tmp_path / "in", PhantomSet(1, 2)):
        pass
    dmr("init", str(tmp_path / "w"), "--coverage", "all")
    monkeypatch.chdir(tmp_path / "w")
    for count in ("0 patients", "1 patient"):
        done = dmr("simulate", "--device", "cpu")
        assert done.exit_code == 2
        assert f"{count} with outlines for training and validation; it takes at least 2" in done.stderr
        dmr("import", str(tmp_path / "in"))


def of_two_patients(folder: Path, monkeypatch: pytest.MonkeyPatch, *, frames: int) -> None:
    """A workspace of two training patients with one clip each."""
    for _ in write_phantom(folder / "in", PhantomSet(2, frames)):
        pass
    monkeypatch.chdir(make_workspace(folder / "w").root)
    assert dmr("import", str(folder / "in")).exit_code == 0


def test_too_few_frames_are_one_line_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_two_patients(tmp_path, monkeypatch, frames=3)
    done = dmr("simulate", "--device", "cpu")

    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: simulate: 3 labelled frames when a fold is held out: too few to simulate rounds.")
    assert not Path("reports/simulation").exists()


def test_a_pool_of_one_clip_can_be_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_two_patients(tmp_path, monkeypatch, frames=8)
    done = dmr("simulate", *TWO)

    assert done.exit_code == 0, done.output
    assert {(row["frames"], row["patients"]) for row in lines() if row["strategy"] == "informative"} == {("8", "1")}
