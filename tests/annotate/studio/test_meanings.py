"""A label that becomes a class is read from what was pulled before, and nothing that was read is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_studio import OWNER
from odd_submissions import configure, drawn, ignore_ganglion, shown, strange, truth, vector
from physician import Physician
from studio_round import PLEXUS, PSOAS, Round

from dmr.annotate.workspace import Workspace

GANGLION = 40
NEW_CLASS = f'\n[[class]]\nid = {GANGLION}\nname = "ganglion"\ncolor = "#123456"\nz = 5\n\n[split]'


def name_ganglion(round_: Round) -> None:
    """The ignored label becomes a class."""
    configure(round_, 'ignore = ["ganglion"]', "ignore = []")
    configure(round_, "\n[split]", NEW_CLASS)
    config = round_.server.studio.projects[0]
    config["label_config"] = config["label_config"].replace(
        "</PolygonLabels>", '<Label value="ganglion"/></PolygonLabels>'
    )


@pytest.fixture
def ignored(round_: Round, physician: Physician) -> Physician:
    """Two frames are pulled while a label is ignored; one of them shows it."""
    ignore_ganglion(round_)
    one, two, *_ = physician.tasks()
    physician.submit(one, [drawn(PSOAS), strange()])
    physician.submit(two, [drawn(PSOAS)])
    assert round_.pull().failures == []
    assert shown(truth(round_)) == {PSOAS}
    return physician


def test_an_ignored_label_that_becomes_a_class_is_read_from_what_was_pulled_before(
    round_: Round, ignored: Physician
) -> None:
    first = round_.s.catalogue.head(round_.frames[0].frame_id, OWNER)
    round_.draw("v2", left=10.0)
    round_.push(round_.outgoing("v2"), model="v2")
    name_ganglion(round_)
    report = round_.pull()
    assert (report.counts["revisions added"], report.counts["unchanged"]) == (1, 0)
    assert shown(truth(round_)) == {PSOAS, GANGLION}
    assert GANGLION in truth(round_).covered
    assert GANGLION not in truth(round_, 1).covered
    again = round_.s.catalogue.head(round_.frames[0].frame_id, OWNER)
    assert first is not None and again is not None
    assert (again.record.draft_model, again.record.blind) == (first.record.draft_model, first.record.blind)
    before = round_.s.catalogue.catalogue_hash()
    round_.pull()
    assert round_.s.catalogue.catalogue_hash() == before


def test_what_was_drawn_under_a_label_stays_when_the_label_is_ignored_and_after_it_is_a_class_again(
    round_: Round, physician: Physician
) -> None:
    physician.submit(physician.tasks()[0], [drawn(PSOAS), drawn(PLEXUS)])
    round_.pull()
    wanted = truth(round_)
    configure(round_, 'name = "lumbar_plexus"', 'name = "lumbar_plexus"\nretired = true')
    for _ in range(2):
        assert round_.pull().counts["revisions added"] == 0
        assert shown(truth(round_)) == {PSOAS, PLEXUS}
    configure(round_, "\nretired = true", "")
    round_.pull()
    assert truth(round_) == wanted


def test_what_was_read_and_cannot_be_read_again_is_told_by_each_pull_until_it_can_be(
    round_: Round, ignored: Physician
) -> None:
    ignored.update(1, [drawn(PSOAS), strange() | {"value": strange()["value"] | {"points": [[1, 1]]}}])
    assert round_.pull().failures == []
    name_ganglion(round_)
    for _ in range(2):
        (line,) = round_.pull().failures
        assert "an outline of 'ganglion' has 1 corners" in line
        assert GANGLION not in truth(round_).covered
        assert shown(truth(round_)) == {PSOAS}
    ignored.update(1, [drawn(PSOAS), vector(PSOAS)])
    ignored.update(1, [drawn(PSOAS)])
    assert round_.pull().failures == []
    assert round_.s.catalogue.unread() == []


def test_a_pull_that_broke_off_reads_them_the_next_time(
    round_: Round, ignored: Physician, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_ganglion(round_)
    round_.server.fail("GET", "/api/tasks", times=9)
    with pytest.raises(Exception, match="Label Studio"):
        round_.pull()
    round_.server.faults.clear()
    round_.pull()
    assert shown(truth(round_)) == {PSOAS, GANGLION}


RENAMED = ('name = "lumbar_plexus"', 'name = "plexus_lumbalis"')


def test_a_class_that_is_renamed_without_an_alias_is_read_under_its_old_name(
    round_: Round, physician: Physician
) -> None:
    one, two, three, *_ = physician.tasks()
    physician.submit(one, physician.draft_of(one))
    physician.submit(two, [drawn(PLEXUS), strange()])
    round_.pull()
    wanted, before = truth(round_), round_.s.catalogue.heads(round_.frames[0].frame_id)
    configure(round_, *RENAMED)
    physician.submit(three, [drawn(PLEXUS)])
    report = round_.pull()
    assert len(report.failures) == 1, "the label that was no class before is none now"
    assert report.counts["revisions added"] == 1
    assert (truth(round_), round_.s.catalogue.heads(round_.frames[0].frame_id)) == (wanted, before)
    assert shown(truth(round_, 2)) == {PLEXUS}
    assert round_.push().failures == []
    assert round_.pull().counts["revisions added"] == 0


def test_a_former_name_that_is_ignored_or_names_another_class_is_no_alias(round_: Round) -> None:
    configure(round_, *RENAMED)
    assert round_.s.settings.classes.class_id("Lumbar_Plexus") == PLEXUS
    configure(round_, "ignore = []", 'ignore = ["lumbar_plexus"]')
    assert round_.s.settings.classes.find("lumbar_plexus") is None
    configure(round_, 'ignore = ["lumbar_plexus"]', "ignore = []")
    configure(round_, 'aliases = ["yaodaji"]', 'aliases = ["yaodaji", "lumbar_plexus"]')
    assert round_.s.settings.classes.class_id("lumbar_plexus") == PSOAS


def steps(physician: Physician) -> Iterator[None]:
    """A label was added by hand; what happens after that in the project, a step at a time."""
    one, two, three, four = physician.tasks()
    physician.submit(one, [drawn(PSOAS)], lead_time=0.5)
    yield
    physician.submit(two, [drawn(PSOAS), strange()], lead_time=0.5)
    yield
    physician.submit(three, [drawn(PLEXUS)], lead_time=0.5)
    yield
    physician.submit(four, [drawn(PLEXUS)], lead_time=3600)
    yield


@pytest.mark.parametrize("named", ["before", "between", "after"])
def test_a_label_that_was_added_by_hand_covers_the_same_whether_one_pull_takes_it_all_or_several(
    named: str, round_: Round, physician: Physician, tmp_path: Path
) -> None:
    ignore_ganglion(round_)
    if named == "before":
        name_ganglion(round_)
    shutil.copytree(round_.s.workspace.root, tmp_path / "late", ignore=shutil.ignore_patterns(".lock"))
    for number, _ in enumerate(steps(physician)):
        round_.pull()
        if named == "between" and number == 1:
            name_ganglion(round_)
    if named == "after":
        name_ganglion(round_)
    round_.pull()
    in_steps = [truth(round_, k) for k in range(4)]
    assert [GANGLION in found.covered for found in in_steps] == [False, True, True, False]
    shutil.copy(round_.s.workspace.root / "dmr.toml", tmp_path / "late" / "dmr.toml")
    with Workspace.at(tmp_path / "late").session(write=True) as late:
        at_once = Round(late, round_.client, round_.server)
        at_once.pull()
        assert [truth(at_once, k) for k in range(4)] == in_steps
        before = late.catalogue.catalogue_hash()
        at_once.pull()
        assert late.catalogue.catalogue_hash() == before
