"""`dmr check --labels` on a workspace: who judges whom, what is kept, what it refuses."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phantom_workspace import copied, dmr, outlined

from dmr.active.labels import check as check_module
from dmr.active.labels import folds as folds_module
from dmr.active.labels.check import LabelCheck, check_labels
from dmr.active.labels.doubt import hardly_seen
from dmr.active.labels.folds import folds_of, kept_folds, train_folds
from dmr.active.labels.grids import Seen
from dmr.active.labels.table import NAME, label_doubts, read_labels, write_labels
from dmr.active.labels.unlearnt import by_versions, learnt_patients
from dmr.annotate.phantom.writing import PhantomSet
from dmr.annotate.workspace import Session, Workspace
from dmr.model.training.settings import TrainSettings, train_settings
from dmr.model.training.train import train_model

SHORT = TrainSettings(input=32, steps=2, batch=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outlines of five patients, two frames each, and no model; more outlines beside them."""
    return outlined(tmp_path_factory.mktemp("labels"), PhantomSet(5, 2), more=PhantomSet(2, 1, first=6))


@pytest.fixture(scope="module")
def judged(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LabelCheck]:
    """The same after `--folds 2`, and what was found."""
    root = tmp_path_factory.mktemp("judged") / "w"
    shutil.copytree(made / "w", root)
    with Workspace.at(root).session(device="cpu") as s:
        return root, check_labels(s, folds=2, settings=SHORT)


@pytest.fixture
def again(judged: tuple[Path, LabelCheck], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of the judged workspace."""
    return copied(judged[0], tmp_path / "w", monkeypatch)


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    shutil.copytree(made, tmp_path / "c")
    monkeypatch.chdir(tmp_path / "c" / "w")
    return Workspace.find()


def kept_files(workspace: Workspace) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (workspace.reports_folder / "labels").glob("*.npz")}


def test_folds_judge_every_frame_by_a_model_without_its_patient_and_leave_no_model_behind(
    judged: tuple[Path, LabelCheck],
) -> None:
    root, done = judged
    workspace = Workspace.at(root)
    with workspace.session() as s:
        assert s.catalogue.models() == []
        labelled = s.catalogue.labelled_frames()
        parts = folds_of(labelled, 2)
    for part in parts:
        assert not {i.frame.patient for i in part.learnt} & {i.frame.patient for i in part.left_out}
    whose = {i.frame.frame_id: f.name for f in parts for i in f.left_out}
    assert {d.frame: d.judged_by for d in done.doubts} == whose
    assert len(done.doubts) == len(labelled) * len(workspace.settings.classes.predicted)
    assert [d.score for d in done.doubts] == sorted((d.score for d in done.doubts), reverse=True)
    assert read_labels(workspace.reports_folder / NAME) == list(done.doubts)
    assert done.sheet.stat().st_size > 0


def test_models_that_are_done_are_not_trained_again_unless_the_outlines_change(again: Workspace) -> None:
    with again.session(device="cpu") as s:
        labelled = s.catalogue.labelled_frames()
        first = kept_files(again)
        train_folds(s, labelled, count=2, settings=SHORT)
        assert kept_files(again) == first
        assert s.report.counts["models trained"] == 0
        train_folds(s, labelled[1:], count=2, settings=SHORT)
    assert all(when != first[name] for name, when in kept_files(again).items())


def test_an_interrupted_command_goes_on_after_the_models_that_are_done(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []
    real = folds_module._train

    def interrupted(s: Session, fold: folds_module.Fold, *, settings: TrainSettings) -> list[Seen]:
        if fold.number == 2 and trained == [1]:
            trained.append(0)
            raise KeyboardInterrupt
        trained.append(fold.number)
        return real(s, fold, settings=settings)

    monkeypatch.setattr(folds_module, "_train", interrupted)
    with workspace.session(device="cpu") as s:
        with pytest.raises(KeyboardInterrupt, match="Interrupted in model 2 of 2"):
            check_labels(s, folds=2, settings=SHORT)
        check_labels(s, folds=2, settings=SHORT)
    assert trained == [1, 0, 2]


@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_kept_file_that_is_damaged_is_named_and_trained_again(again: Workspace, how: str) -> None:
    with again.session(device="cpu") as s:
        labelled = s.catalogue.labelled_frames()
        path = again.reports_folder / "labels" / "fold-1-of-2.npz"
        whole = path.read_bytes()
        middle = len(whole) // 2  # in the probabilities, far from the run's name
        path.write_bytes(whole[:100] if how == "cut" else whole[:middle] + bytes(64) + whole[middle + 64 :])
        for _ in range(2):
            assert len(list(kept_folds(s, labelled))) < len(labelled)
        (line,) = s.report.failures
        assert line.startswith("reports/labels/fold-1-of-2.npz: is damaged")
        assert s.report.exit_code == 1
        train_folds(s, labelled, count=2, settings=SHORT)
        assert len(list(kept_folds(s, labelled))) == len(labelled)


def test_doubts_that_cannot_be_true_are_left_out_and_told(again: Workspace) -> None:
    path = again.reports_folder / NAME
    with again.session(device="cpu") as s:
        first, second, third, *rest = (replace(d, split="train") for d in read_labels(path))
        odd = [replace(first, score=99.0), replace(second, score=math.nan), replace(third, frame="f" * 21)]
        write_labels(path, [*odd, *rest])
        found = label_doubts(s, least=0.0)
        label_doubts(s, least=0.0)

        assert [d for own in found.values() for d in own] and sum(map(len, found.values())) == len(rest)
        (told,) = s.report.oddities.values()
        assert told == [
            f"labels.csv: frame {first.frame}, score 99",
            f"labels.csv: frame {second.frame}, score nan",
            f"labels.csv: frame {'f' * 21}, score {third.score:g}",
        ]


def test_a_version_judges_only_patients_that_it_never_learnt_from(workspace: Workspace) -> None:
    with workspace.session(device="cpu") as s:
        train_model(s, settings=train_settings(s.settings, steps=2, input=32), activate=True)
    dmr("import", "../more")
    with workspace.session(device="cpu") as s:
        labelled = s.catalogue.labelled_frames()
        (version,) = s.catalogue.models()
        learnt = learnt_patients(s.catalogue, version, [version])
        found = list(by_versions(s, labelled))
    patients = {i.frame.frame_id: i.frame.patient for i in labelled}
    assert {i.frame.patient for i in labelled if i.split in ("train", "validation")} - learnt  # the new ones
    assert {patients[one.frame] for one in found} == set(patients.values()) - learnt
    assert learnt
    assert {one.by for one in found} == {"v1"}
    assert all(one.probabilities.dtype == np.uint8 for one in found)


def test_doubts_for_drawing_again_leave_out_redrawn_frames_and_held_out_patients(again: Workspace) -> None:
    with again.session() as s:
        before = label_doubts(s, least=0.0)
        split = {i.frame.frame_id: i.split for i in s.catalogue.labelled_frames()}
        assert set(before) == {frame for frame, own in split.items() if own == "train"}
        table = again.reports_folder / NAME
        frame, own = next(iter(before.items()))
        table.write_text(table.read_text(encoding="utf-8").replace(own[0].revision, "0" * 64), encoding="utf-8")
        assert set(label_doubts(s, least=0.0)) == set(before) - {frame}


def test_the_command_prints_the_worst_first_and_says_where_the_pictures_are(
    again: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module, "hardly_seen", lambda labels: hardly_seen(labels)[:1])
    told = dmr("check", "--labels", "--device", "cpu").output

    assert "score  what" in told
    assert "The models see next to nothing of psoas_major, so its outlines are not judged" in told  # after two steps
    assert "Look at reports/labels.png." in told


def test_a_class_of_which_the_models_see_nothing_is_not_doubted(again: Workspace) -> None:
    told = dmr("check", "--labels", "--device", "cpu").output
    assert "No label is doubtful" in told
    with again.session() as s:
        assert not label_doubts(s)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--labels"), "there is no model that has not learnt from the labelled patients"),
        (("check", "--labels", "--folds", "9"), "--folds 9 does not fit: there are 5 patients with outlines"),
        (("check", "--labels", "../in"), "--labels checks the workspace, and folders are named too"),
        (("check", "--folds", "3", "../in"), "--folds 3 is given without --labels"),
        (("check",), "no folder is named"),
        (("check", "--labels", "--input", "33"), "33"),
        (("check", "--labels", "--device", "abacus"), "abacus"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(workspace: Workspace, arguments: tuple[str, ...], words: str) -> None:
    result = dmr(*arguments, code=2)
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_workspace_without_outlines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dmr("init", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path / "empty")
    assert "no frame is labelled yet" in dmr("check", "--labels", code=2).output
