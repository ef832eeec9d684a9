"""`dmr conflicts` on a workspace whose readers disagree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from dmr.annotate.catalogue.records import FrameRecord, Reading, RevisionRecord
from dmr.annotate.editing.checkout import labelled_sheets, write_checkout
from dmr.annotate.intake.ingest import ingest_scans
from dmr.annotate.report import Report
from dmr.annotate.scans.images import encode_png
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace
from dmr.cli import main
from dmr.model.training.frames import TrainingFrames

ANN, BO, CY = "ann@ward.example", "bo@ward.example", "cy@ward.example"
PSOAS, PLEXUS = 1, 6


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Three frames; on the first two, Bo's second reading differs from Ann's first one, on the third it does not."""
    (tmp_path / "scans").mkdir()
    random = np.random.default_rng(7)
    for number in range(3):
        pixels = random.integers(0, 255, (48, 64), dtype=np.uint8)
        (tmp_path / "scans" / f"{number}_1.png").write_bytes(encode_png(pixels))
    made, _ = Workspace.create(tmp_path / "ward", patient=r"^(?P<patient>\d+)_(?P<frame>\w+)$")
    with made.session(write=True) as s:
        frames = sorted(s.catalogue.frames(ingest_scans(s, [tmp_path / "scans"])), key=lambda f: f.frame_id)
        s.catalogue.mark_reviewed(f.frame_id for f in frames)
        s.catalogue.append_revisions(
            [
                *(drawn(frame, ANN, psoas=5, plexus=8) for frame in frames),
                drawn(frames[0], BO, psoas=5, reading="second"),
                drawn(frames[1], BO, psoas=14, plexus=8, reading="second"),
                drawn(frames[2], BO, psoas=6, plexus=8, reading="second"),
            ]
        )
        s.catalogue.assign_splits({str(f.patient): ("train", "chosen") for f in frames})
        write_checkout(made, labelled_sheets(s.catalogue))
    monkeypatch.chdir(made.root)
    return made


def drawn(
    frame: FrameRecord, author: str, *, psoas: int, plexus: int | None = None, reading: Reading = "first"
) -> RevisionRecord:
    shapes = [Shape(PSOAS, ((psoas, 5), (psoas + 20, 5), (psoas + 20, 25), (psoas, 25)))]
    if plexus is not None:
        shapes.append(Shape(PLEXUS, ((plexus, 8), (plexus + 6, 8), (plexus + 6, 14), (plexus, 14))))
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="studio",
        annotation=Annotation(frame.height, frame.width, tuple(shapes), frozenset({PSOAS, PLEXUS})),
        reading=reading,
    )


def dmr(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def listed() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(dmr("conflicts", "--json").stdout)["conflicts"]
    return found


@pytest.fixture
def ids(ward: Workspace) -> list[str]:
    with ward.session() as s:
        return sorted(f.frame_id for f in s.catalogue.frames())


def test_conflicts_are_listed_with_readers_classes_and_a_page(ward: Workspace, ids: list[str]) -> None:
    result = dmr("conflicts")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines.keys() == {"frame", *ids[:2]}
    assert f"{ANN} (first), {BO} (second)" in lines[ids[0]]
    assert lines[ids[0]].endswith(f"lumbar_plexus: absent for {BO}")
    assert lines[ids[1]].endswith("psoas_major: Dice 0.55")
    assert "conflicts: 2 open conflicts" in result.stderr
    assert "Pictures: reports/conflicts.html." in result.stderr
    page = (ward.reports_folder / "conflicts.html").read_text(encoding="utf-8")
    assert page.count("<img") == 6  # each reader, and both in one picture
    assert f"{ANN} blue, {BO} yellow" in page
    assert [(row["frame"], row["classes"]) for row in listed()] == [
        (ids[0], {"lumbar_plexus": 0.0}),
        (ids[1], {"psoas_major": 0.55}),
    ]


def test_names_are_hidden_where_that_is_wanted(ward: Workspace) -> None:
    result = dmr("conflicts", "--hide-names")
    assert ANN not in result.output
    assert "@" not in result.stdout


def test_a_picture_in_quarantine_is_on_no_page(ward: Workspace, ids: list[str]) -> None:
    with ward.session(write=True) as s, s.catalogue.transaction() as connection:
        connection.exec_driver_sql("UPDATE rendition SET reviewed_at = NULL, deid = NULL WHERE frame = ?", (ids[0],))
    assert "in quarantine" in dmr("conflicts").stderr
    assert (ward.reports_folder / "conflicts.html").read_text(encoding="utf-8").count("<img") == 3


@pytest.mark.parametrize(("reader", "classes"), [(ANN, {PSOAS, PLEXUS}), ("bo", {PSOAS})])
def test_the_outlines_of_a_reader_are_taken(ward: Workspace, ids: list[str], reader: str, classes: set[int]) -> None:
    assert dmr("conflicts", "--take", reader, "--author", CY, ids[0][:12]).stderr.startswith(
        "conflicts: 1 conflict settled\n1 conflict left"
    )
    assert [row["frame"] for row in listed()] == [ids[1]]
    with ward.session() as s:
        truth = s.catalogue.newest_revisions()[ids[0]]
        (taken,) = (h for h in s.catalogue.heads(ids[0]) if h.sha256 == truth.record.parent)
        assert taken.record.author == (ANN if reader == ANN else BO)
        assert (truth.record.author, truth.record.reading, truth.record.origin) == (CY, "adjudication", "consensus")
        assert truth.record.annotation == taken.record.annotation
        (settled,) = (c for c in s.catalogue.conflicts(only_open=False) if not c.is_open)
        assert settled.resolved_by == truth.sha256
        assert {f.frame.frame_id for f in s.catalogue.settled_frames()} == {ids[0], ids[2]}
    sheet = json.loads((ward.annotations_folder / f"{ids[0]}.json").read_text(encoding="utf-8"))
    assert len(sheet["shapes"]) == len(classes)
    assert verify(ward, report=Report("db verify")) == []


def test_the_last_conflict_that_is_settled_takes_the_page_away(ward: Workspace, ids: list[str]) -> None:
    dmr("conflicts")
    told = dmr("conflicts", "--take", ANN, "--author", BO, *ids[:2]).stderr
    assert "conflicts: 2 conflicts settled" in told
    assert "No conflict is open. `dmr retrain` learns" in told
    assert dmr("conflicts").stderr == "No conflict is open.\n"
    assert not (ward.reports_folder / "conflicts.html").exists()
    assert "open conflicts" not in dmr("status").stdout


def test_a_decision_stands_though_a_clock_was_ahead_and_can_be_taken_again(ward: Workspace, ids: list[str]) -> None:
    with ward.session(write=True) as s:
        late = s.catalogue.frames([ids[0]])[0]
        record = drawn(late, BO, psoas=40, reading="second")
        s.catalogue.append_revision(replace(record, at="2099-01-01T00:00:00.000000Z"))
    dmr("conflicts", "--take", ANN, "--author", CY, ids[0])
    assert [row["frame"] for row in listed()] == [ids[1]]
    with ward.session(write=True) as s:
        record = drawn(late, BO, psoas=30, reading="second")
        s.catalogue.append_revision(replace(record, at="2099-01-02T00:00:00.000000Z"))
    assert [row["frame"] for row in listed()] == [ids[1], ids[0]]
    dmr("conflicts", "--take", CY, "--author", CY, ids[0])
    assert [row["frame"] for row in listed()] == [ids[1]]


def test_nothing_is_learnt_judged_or_written_out_from_a_frame_in_conflict(
    ward: Workspace, ids: list[str], tmp_path: Path
) -> None:
    with ward.session() as s:
        assert [item.frame.frame_id for item in TrainingFrames.newest(s.catalogue).train] == [ids[2]]
    dmr("export", str(tmp_path / "out"), "--format", "labelme")
    assert [path.stem for path in (tmp_path / "out").rglob("*.json")] == [ids[2]]
    dmr("conflicts", "--take", BO, "--author", CY, *ids[:2])
    with ward.session() as s:
        assert [item.frame.frame_id for item in TrainingFrames.newest(s.catalogue).train] == ids


def test_an_older_workspace_gets_its_conflicts_and_truths_anew(ward: Workspace, ids: list[str]) -> None:
    with ward.session(write=True) as s:
        heads = {frame: [head.sha256 for head in s.catalogue.heads(frame)] for frame in ids}
        with s.catalogue.transaction() as connection:  # as an older dmr left it: the later one counts
            connection.exec_driver_sql("DELETE FROM meta WHERE key = 'conflicts'")
            connection.exec_driver_sql("UPDATE conflict SET resolved_at = at")
            for frame, (_, later) in heads.items():
                connection.exec_driver_sql("UPDATE truth SET revision = ? WHERE frame = ?", (later, frame))
    assert not [fault for fault in verify(ward, report=Report("db verify")) if "annotations" not in fault.where]
    assert dmr("status").stderr.startswith("The readers of 2 frames disagree.")
    with ward.session() as s:
        assert {frame: r.sha256 for frame, r in s.catalogue.newest_revisions().items()} == {
            frame: first for frame, (first, _) in heads.items()
        }
    assert verify(ward, report=Report("db verify")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["f0000"], "settles nothing without --take"),
        (["--take", ANN], "needs frames to settle"),
        (["--take", ANN, "{0}"], "needs the name of the person who decides"),
        (["--take", ANN, "--author", CY, "{2}"], "is no frame whose readers disagree. `dmr conflicts` lists them."),
        (["--take", "zoe", "--author", CY, "{0}"], f"has no reader called 'zoe'. Its readers are {ANN}, {BO}."),
        (["--take", ANN, "--author", CY, "{0}", "{2}"], "is no frame whose readers disagree"),
    ],
)
def test_what_cannot_be_followed_is_refused_and_changes_nothing(
    ward: Workspace, ids: list[str], arguments: list[str], message: str
) -> None:
    result = dmr("conflicts", *(argument.format(*ids) for argument in arguments), code=2)
    assert message in result.stderr
    assert len(listed()) == 2


def test_status_says_conflicts_first_and_follows_dmr_toml(ward: Workspace, change: Callable[[str, str], None]) -> None:
    result = dmr("status")
    assert result.stdout.splitlines()[0].split() == ["open", "conflicts", "2"]
    assert result.stderr.startswith("The readers of 2 frames disagree. Until that is settled, nothing is learnt")

    change('use = "leave-out"', 'use = "consensus"')
    assert "only the classes on which they agree count" in dmr("status").stderr
    with Workspace.find().session() as s:
        assert len(s.catalogue.settled_frames()) == 3

    change("agree_dice = 0.7", "agree_dice = 0.5")
    assert [list(row["classes"]) for row in listed()] == [["lumbar_plexus"]]  # type: ignore[call-overload]
    assert verify(Workspace.find(), report=Report("db verify")) == []
    change("# [[conflict.class]]", "[[conflict.class]]")
    change('# name = "lumbar_plexus"\n# agree_dice = 0.5', 'name = "lumbar_plexus"\nagree_dice = 0.0')
    assert listed() == []
    change('name = "lumbar_plexus"\nagree_dice = 0.0', 'name = "plexus"\nagree_dice = 0.0')
    assert "[[conflict.class]] names 'plexus', which is no class" in dmr("status", code=2).stderr
    change('name = "plexus"', 'name = "lumbar_plexus"')
    change("agree_dice = 0.5", "agree_dice = 1.5")
    assert "[conflict] agree_dice is 1.5" in dmr("status", code=2).stderr


@pytest.fixture
def change(ward: Workspace) -> Callable[[str, str], None]:
    """Changes `dmr.toml`."""

    def do(old: str, new: str) -> None:
        path = ward.root / "dmr.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return do
