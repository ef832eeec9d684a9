"""`dmr select` on pools and settings that are odd: one line, nothing lost, and never a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from ranked_workspace import IDS, add_noise_frames, make_workspace, predict, says

from dmr.active.drafts import is_finite, predict_missing
from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord
from dmr.annotate.errors import ModelError, SettingsError
from dmr.annotate.report import Report
from dmr.annotate.workspace import Session, Workspace
from dmr.cli import main
from dmr.model.inference.predict import Prediction

Fill = Callable[[Session], object]


@pytest.fixture
def select(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Make a workspace, change a line of its `dmr.toml`, and run `dmr select` in it."""

    def run(fill: Fill, *options: str, change: tuple[str, str] | None = None) -> Result:
        workspace = make_workspace(tmp_path / "w")
        with workspace.session(write=True, device="cpu") as s:
            fill(s)
        monkeypatch.chdir(workspace.root)
        if change is not None:
            path = Path("dmr.toml")
            text = path.read_text(encoding="utf-8")
            assert change[0] in text
            path.write_text(text.replace(*change), encoding="utf-8")
        done = CliRunner().invoke(main, ["select", "--device", "cpu", *options])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def frames(patients: int, each: int) -> Fill:
    return lambda s: add_noise_frames(s, patients=patients, frames=each)


def drafted(s: Session) -> list[FrameRecord]:
    found = add_noise_frames(s, patients=4, frames=4)
    predict(s, found)
    return found


def without_embeddings(s: Session) -> None:
    s.catalogue.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=IDS))
    s.catalogue.activate("v1", reason="a test")
    rng = np.random.default_rng(0)
    s.catalogue.add_predictions(
        PredictionRecord(frame=f.frame_id, rendition=f.pixel_sha256, model="v1", shapes=(), scores=says(rng))
        for f in add_noise_frames(s, patients=4, frames=4)
    )


def nothing_found(s: Session) -> None:
    predict(s, add_noise_frames(s, patients=4, frames=4), entropy=0.0, peak=0.0, guessed_dice=None)


def model_without_files(s: Session) -> None:
    add_noise_frames(s, patients=4, frames=4)
    s.catalogue.add_model(ModelRecord(id="v1", sha256="0" * 64, class_ids=IDS))
    s.catalogue.activate("v1", reason="a test")


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (frames(0, 0), "there are no frames yet"),
        (frames(1, 1), "there is only one frame to choose from"),
        (frames(1, 5), "all 5 frames to choose from are of one clip"),
        (model_without_files, "card.json: cannot be read"),
    ],
    ids=["no frame", "one frame", "one clip", "a model without files"],
)
def test_where_there_is_nothing_to_choose_it_is_one_line(select: Callable[..., Result], fill: Fill, told: str) -> None:
    done = select(fill)

    assert done.exit_code in (1, 2) and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ") and told in line
    assert not Path("reports/ranking.csv").exists()


@pytest.mark.parametrize(
    "change",
    [
        ('strategy = "informative"', 'strategy = "entropie"'),
        ('strategy = "informative"', 'strategy = "badge"'),
        ('strategy = "informative"', "strategy = 3"),
        ("# eligible = true", "eligable = true"),
        ("# eligible = true", 'eligible = "yes"'),
        ("[select.parts]", "[select.part]"),
        ("frames_per_round = 50", "frames_per_round = 0"),
        ("audit_share = 0.12", "audit_share = 2"),
        ("audit_share = 0.12", "audit_share = nan"),
    ],
    ids=lambda change: change[1],
)
def test_a_setting_that_cannot_be_is_one_line_that_names_it(
    select: Callable[..., Result], change: tuple[str, str]
) -> None:
    done = select(frames(4, 2), change=change)

    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: dmr.toml: [select")


@pytest.mark.parametrize("asked", ["0", "-3", "x"])
def test_a_number_of_frames_that_cannot_be_is_refused(select: Callable[..., Result], asked: str) -> None:
    done = select(drafted, "--frames", asked)
    assert done.exit_code == 2
    assert "Invalid value for '--frames'" in done.stderr


@pytest.mark.parametrize("strategy", ["informative", "coreset", "typiclust", "random"])
@pytest.mark.parametrize("fill", [without_embeddings, nothing_found, drafted], ids=["bare", "zero", "drafted"])
def test_more_frames_than_there_are_gives_all_of_them(select: Callable[..., Result], fill: Fill, strategy: str) -> None:
    done = select(fill, "--frames", "1000", "--strategy", strategy)

    assert done.exit_code == 0, done.output
    assert "select: 16 frames ranked" in done.output
    assert len(Path("reports/ranking.csv").read_text(encoding="utf-8").splitlines()) == 17


@pytest.mark.parametrize(("share", "drawn"), [("0", 0), ("1", 16)])
def test_none_or_all_of_a_round_may_be_drawn_at_random(select: Callable[..., Result], share: str, drawn: int) -> None:
    done = select(drafted, change=("audit_share = 0.12", f"audit_share = {share}"))

    assert done.exit_code == 0, done.output
    with Workspace.find().session() as s:
        assert len(s.catalogue.audits()) == drawn
        assert len(s.catalogue.blind_audits()) == drawn // 2


def test_a_model_that_gives_no_numbers_draws_nothing_and_is_told(tmp_path: Path) -> None:
    layers = np.full((3, 4, 4), 0.25, np.float32)
    good = Prediction(np.zeros((4, 4), np.uint8), layers, layers, layers[:, 0, 0], np.ones(4, np.float16))
    bad = Prediction(good.index, layers * np.float32(np.nan), layers, good.disagreement, good.embedding)
    with make_workspace(tmp_path / "w").session(write=True, device="cpu", report=Report("select")) as s:
        (frame,) = add_noise_frames(s, patients=1, frames=1)
        assert is_finite(s, frame, good, model="v1")
        assert not is_finite(s, frame, bad, model="v1")
        (line,) = s.report.failures
    assert "v1 gives no numbers for it, so it gets no draft" in line


@pytest.mark.parametrize("command", [("retrain", "--minutes", "1", "--no-pull"), ("push",), ("prelabel", "..")])
def test_an_unknown_strategy_is_refused_before_anything_is_trained_or_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    workspace = make_workspace(tmp_path / "w")
    monkeypatch.chdir(workspace.root)
    text = Path("dmr.toml").read_text(encoding="utf-8")
    Path("dmr.toml").write_text(text.replace('strategy = "informative"', 'strategy = "best"'), encoding="utf-8")
    done = CliRunner().invoke(main, [*command, "--device", "cpu"])

    assert done.exit_code == SettingsError.exit_code
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: dmr.toml: [select]: the strategy 'best' is not known")


@pytest.mark.parametrize(
    "damage",
    ["embedding = x'0102030405'", "embedding = x'01020304'", "scores = '{oops'", "scores = '[]'", "shapes = 'oops'"],
)
def test_a_damaged_draft_is_one_line_that_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    workspace = make_workspace(tmp_path / "w")
    with workspace.session(write=True, device="cpu") as s:
        frame = drafted(s)[2].frame_id
    with closing(sqlite3.connect(workspace.root / "catalogue.sqlite")) as connection, connection:
        connection.execute(f"UPDATE prediction SET {damage} WHERE frame = ?", (frame,))
    monkeypatch.chdir(workspace.root)
    done = CliRunner().invoke(main, ["select"], catch_exceptions=False)

    assert done.exit_code == 1
    told = f"Error: the draft of frame {frame}: is damaged in the catalogue. Mend it: dmr db verify --repair."
    assert told in done.stderr.splitlines()


def test_a_draft_whose_scores_are_no_numbers_is_as_if_it_was_never_made(tmp_path: Path) -> None:
    with make_workspace(tmp_path / "w").session(write=True, device="cpu") as s:
        found = drafted(s)
        bad = found[2].frame_id
        with s.catalogue.transaction() as connection:
            nan = "json_set(scores, '$.whole.entropy', 7)"
            connection.exec_driver_sql(
                f"UPDATE prediction SET scores = replace({nan}, ':7', ':NaN') WHERE frame = ?", (bad,)
            )

        assert s.catalogue.latest_scores("v1").keys() == {f.frame_id for f in found} - {bad}
        assert bad in s.catalogue.predicted_frames("v1")
        with pytest.raises(ModelError):  # it is drawn anew; here, no model is there that could
            predict_missing(s, found)
        assert s.report.oddities == {"a draft has scores that are no numbers (it is drawn anew)": [found[2].path]}
