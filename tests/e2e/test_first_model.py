"""The end of a training: what has learnt nothing is not made active, and an interrupted run can be ended."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from phantom_workspace import copied, dmr, outlined

from dmr.active.exchange import push_ranking
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.progress.tell import Tell, silent
from dmr.annotate.report import Report
from dmr.annotate.workspace import Workspace
from dmr.model.training import running
from dmr.model.training.resuming import States
from dmr.model.training.settings import train_settings
from dmr.model.training.train import finish_interrupted, train_model

SHORT = ("--input", "32", "--steps", "2", "--device", "cpu")
ENOUGH = ("--input", "32", "--steps", "40", "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outlines of four patients, one of them for validation, and no model; new scans beside them."""
    scans = PhantomSet(2, 2, first=8, labels=False)
    more = PhantomSet(3, 2, first=5)
    return outlined(tmp_path_factory.mktemp("first"), PhantomSet(4, 2), more=more, scans=scans)


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of its own."""
    return copied(made / "w", tmp_path / "w", monkeypatch)


def states() -> dict[str, str]:
    return {m["id"]: m["state"] for m in json.loads(dmr("models", "list", "--json").stdout)["models"]}


def card(version: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path("models", version, "card.json").read_text(encoding="utf-8"))
    return read


def stop_at(step: int, error: type[BaseException] = KeyboardInterrupt) -> Tell:
    def tell(what: str, more: int, of: int | None, note: str = "") -> None:
        if what == "Training" and note.startswith(f"step {step} of "):
            raise error

    return tell


def train(
    workspace: Workspace, report: Report | None = None, *, steps: int = 6, tell: Tell = silent, **options: Any
) -> str:
    settings = train_settings(workspace.settings, input=32, steps=steps)
    with workspace.session(report=report or Report("train"), tell=tell, device="cpu") as s:
        return train_model(s, settings=settings, **options)


def test_a_version_that_learnt_nothing_is_kept_but_not_active_and_the_next_that_learns_is(
    workspace: Workspace, made: Path
) -> None:
    told = dmr("train", *SHORT)
    assert "Verdict: it has learnt nothing yet." in told.output
    assert re.search(r"v1: 2 steps in [\d.]+ minutes, [\d.]+ epochs\. Validation Dice per image: psoas", told.output)
    assert "v1 is kept, but not active, because it has learnt nothing: there is no active model." in told.output
    assert "`dmr train --steps 600`" in told.output
    assert states() == {"v1": "rejected"}
    assert "has learnt nothing" in dmr("models", "list").output
    assert card("v1")["verdict"]["verdict"] == "nothing"
    assert "It has learnt nothing: train longer" in dmr("train", *SHORT).output
    assert "none has learnt enough yet" in dmr("evaluate", code=2).output

    assert "Next: no model is active, because none has learnt enough yet" in dmr("status").output

    cold = dmr("prelabel", str(made / "scans"))
    assert "No model is active, because none has learnt enough yet: the frames are ranked" in cold.output

    told = dmr("train", *ENOUGH)
    assert "v2 is the active model: `dmr prelabel` uses it from now on." in told.output
    assert states() == {"v1": "rejected", "v2": "active"}
    outcome = card("v2")["verdict"]
    assert outcome["verdict"] != "nothing"
    assert outcome["validation_dice"]["mean"] == card("v2")["validation"]["mean"]["dice"]


def test_retrain_rejects_what_learnt_nothing_and_a_model_that_learns_takes_its_place(workspace: Workspace) -> None:
    first = dmr("retrain", "--no-pull", *SHORT)
    assert "Gate: v1 is rejected: it has learnt nothing yet." in first.output
    assert states() == {"v1": "rejected"}
    again = dmr("retrain", "--no-pull", *SHORT)
    assert "Nothing new: v1 was trained on these outlines with these settings. It has learnt nothing" in again.output
    assert states() == {"v1": "rejected"}, "the same again changes nothing"

    promoted = dmr("models", "promote", "v1", "--because", "a person may")
    assert "Its card says that it has learnt nothing" in promoted.output
    judged = dmr("retrain", "--no-pull", *ENOUGH)
    assert "v2 against v1 is promoted: the active model v1 has learnt nothing." in judged.output
    assert states() == {"v1": "retired", "v2": "active"}
    assert "no new model" in dmr("retrain", "--no-pull", *ENOUGH).output

    worse = dmr("retrain", "--no-pull", "--again", *SHORT)
    assert "Gate: v3 against v2 is rejected: it has learnt nothing yet." in worse.output
    assert states() == {"v1": "retired", "v2": "active", "v3": "rejected"}


def test_a_caller_may_decide_what_becomes_active(workspace: Workspace) -> None:
    train(workspace, steps=1, activate=True)
    assert states() == {"v1": "active"}


def test_empty_drafts_are_counted_and_it_is_said_that_physicians_see_bare_frames(
    workspace: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dmr("train", *SHORT)
    dmr("ingest", str(made / "scans"))
    monkeypatch.setattr("dmr.active.exchange.push", lambda *_, **__: None)

    def pushed() -> list[str]:
        report = Report("push")
        with workspace.session(write=True, report=report, device="cpu") as s:
            push_ranking(s, None)  # type: ignore
        return report.lines()

    assert (
        "No model is active, because none has learnt enough yet: physicians see the frames without drafts." in pushed()
    )
    dmr("models", "promote", "v1", "--because", "a test")
    drawn = dmr("prelabel", str(made / "scans"))
    assert "4 drafts made, 4 empty drafts" in drawn.output
    assert "4 of 4 drafts are empty: v1 finds nothing in these frames." in drawn.output
    again = dmr("prelabel", str(made / "scans"))
    assert "4 empty drafts" in again.output, "also of drafts that were made before"
    (bare,) = [line for line in pushed() if "physicians see bare frames" in line]
    assert bare.startswith("4 of 4 drafts in Label Studio are empty, because v1 finds nothing there")


def test_an_interrupted_training_goes_on_and_it_is_told_before_it_begins(workspace: Workspace) -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt, match="Interrupted at step 3, which is saved"):
        train(workspace, say=said.append, tell=stop_at(3))
    train(workspace, say=said.append)

    new, goes_on = said
    assert re.match(
        r"A new training: it learns from \d+ outlined frames of \d patients?, and is judged on \d+ frames? of 1 v", new
    )
    assert new.endswith("dmrnet_s at 32 x 32 pixels, at most 6 steps. Ctrl-C stops it, and the same command goes on.")
    assert goes_on == "Goes on with the interrupted training at step 3: the outlines and settings are the same."
    assert card("v1")["steps"] == 6
    assert not card("v1")["ended_early"]
    assert not list(Path("models/.training").glob("*.pt"))


def test_a_training_that_cannot_go_on_says_what_changed_and_the_interrupted_one_can_be_finished(
    workspace: Workspace, made: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(workspace, tell=stop_at(3))
    before = {item.revision for item in labelled(workspace) if item.split in ("train", "validation")}
    dmr("import", str(made / "more"))
    since = {item.revision for item in labelled(workspace) if item.split in ("train", "validation")} - before
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train(workspace, steps=5, say=said.append, tell=stop_at(1))
    assert said[0].endswith(
        f"It does not continue the training interrupted at step 3, because of {len(since)} outlines drawn or changed "
        "since and other settings (steps is 5 and was 6); `dmr train --finish` makes a version of that one."
    )

    train(workspace, steps=5)
    finished = dmr("train", "--finish", "--steps", "77", "--device", "cpu")
    assert "Making a version of the training that was interrupted at step 3." in finished.output
    own = card("v2")
    assert (own["steps"], own["settings"]["steps"], own["ended_early"]) == (3, 6, True)
    with workspace.catalogue() as catalogue:
        assert set(catalogue.dataset(own["dataset"])) == before, "its data set is its own"
    frames = own["data"]["train"]["frames"] + own["data"]["validation"]["frames"]
    assert frames == len(before)

    none = dmr("train", "--finish", code=2)
    assert none.output == "Error: train --finish: there is no interrupted training. Start one: dmr train.\n"


def labelled(workspace: Workspace) -> list[Any]:
    with workspace.catalogue() as catalogue:
        return list(catalogue.labelled_frames())


def test_a_killed_training_can_be_finished_too_and_retrain_judges_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SAVE_EVERY", 1e-9)
    with pytest.raises(SystemError):  # a stand-in for a kill: nothing is saved after it
        train(workspace, tell=stop_at(4, SystemError))
    told = dmr("retrain", "--no-pull", "--finish", "--device", "cpu")

    assert "interrupted at step 0" not in told.output
    assert card("v1")["steps"] == 3
    assert "Gate: v1 is rejected: it has learnt nothing yet." in told.output


def test_a_second_interrupt_makes_a_version_of_what_there_is(workspace: Workspace) -> None:
    asked: list[tuple[int, bool]] = []

    def yes(step: int, twice: bool) -> bool:
        asked.append((step, twice))
        return True

    report = Report("train")
    assert train(workspace, report, tell=stop_at(2), on_interrupt=yes) == "v1"
    assert asked == [(2, False)]
    assert report.data["training"]["ended_early"]
    assert report.data["training"]["steps"] == 2
    assert "ended early, at step 2" in dmr("train", "--input", "32", "--steps", "6").output


def test_a_state_that_cannot_be_read_is_kept_and_told(workspace: Workspace) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(workspace, tell=stop_at(2))
    (state,) = Path("models/.training").glob("*.pt")
    state.write_bytes(b"torn")
    with workspace.session(device="cpu") as s, pytest.raises(Exception, match=r"kept as \w+\.unreadable"):
        finish_interrupted(s)
    assert state.with_suffix(".unreadable").read_bytes() == b"torn"
    assert "there is no interrupted training" in dmr("train", "--finish", code=2).output


def test_ctrl_c_while_the_state_is_saved_loses_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save, presses = States.save, iter([KeyboardInterrupt])

    def pressed(*arguments: Any) -> None:
        for error in presses:
            raise error
        save(*arguments)

    asked: list[bool] = []

    def no(_: int, twice: bool) -> bool:
        asked.append(twice)
        return False

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(States, "save", pressed)
        train(workspace, tell=stop_at(2), on_interrupt=no)
    assert asked == [True]
    assert "interrupted at step 2" in dmr("train", "--finish", "--device", "cpu").output


def test_a_training_without_limits_is_chosen_by_pace_and_goes_on_as_it_was_chosen(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmr.model.training.plan.TRIAL_S", 0.0)
    monkeypatch.setattr("dmr.model.training.plan.GRIDS", (64, 32))
    monkeypatch.setattr("dmr.model.training.plan.AT_MOST", 3)
    settings = train_settings(workspace.settings)
    assert settings.chosen == ("input", "length")
    told: list[str] = []

    def begin(tell: Tell = silent) -> str:
        with workspace.session(tell=tell, device="cpu") as s:
            return train_model(s, settings=settings, say=told.append)

    with pytest.raises(KeyboardInterrupt):
        begin(stop_at(1))
    assert "A training was interrupted at step 1" in dmr("status").output
    assert re.search(r"dmrnet_s on 64 x 64, about 3 steps in 1 minute\. Ends at about \d\d:\d\d", told[1])
    monkeypatch.setattr("dmr.model.training.plan.seconds_a_step", lambda *_, **__: 1e9)  # a PC that is busier by now
    told.clear()
    assert begin() == "v1"
    assert told == ["Goes on with the interrupted training at step 1: the outlines and settings are the same."]
    assert (card("v1")["input"], card("v1")["steps"]) == (64, 3)
    report = Report("train")
    with workspace.session(report=report, device="cpu") as s:
        assert train_model(s, settings=settings) == "v1"
    assert report.words[0].startswith("Nothing new: v1 was trained on these outlines")
