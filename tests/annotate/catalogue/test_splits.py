from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.catalogue.splits import PATIENTS, Assignment, assign, update_ledger
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import CatalogueError
from dmr.annotate.settings.model import SPLITS, Split, SplitSettings
from dmr.annotate.system.store import BlobStore

SHARES = SplitSettings()

counts = st.dictionaries(st.integers(1, 3), st.integers(1, 20), max_size=3)
patients = st.dictionaries(st.text("0123456789abcdef", min_size=4, max_size=4), counts, max_size=30)


def totals(assigned: dict[str, Assignment], drawn: dict[str, dict[int, int]]) -> dict[Split, Counter[int]]:
    summed: dict[Split, Counter[int]] = {split: Counter() for split in SPLITS}
    for patient, (split, _) in assigned.items():
        summed[split] += Counter(drawn[patient]) + Counter({PATIENTS: 1})
    return summed


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(1, ["train"], id="one trains"),
        pytest.param(2, ["train", "test"], id="two"),
        pytest.param(3, ["train", "test", "validation"], id="from three on each split has one"),
        pytest.param(4, ["train", "test", "validation", "train"], id="the fourth trains"),
    ],
)
def test_the_first_patients_give_each_split_one(number: int, expected: list[str]) -> None:
    assigned = assign({f"p{i}": {1: 4} for i in range(number)}, totals={}, shares=SHARES)
    assert [assigned[f"p{i}"].split for i in range(number)] == expected


def test_a_split_with_no_share_gets_nobody() -> None:
    shares = SplitSettings(train=0.8, validation=0.2, test=0.0)
    assigned = assign({f"p{i}": {1: 1} for i in range(20)}, totals={}, shares=shares)
    assert Counter(a.split for a in assigned.values()) == {"train": 16, "validation": 4}


def test_a_split_that_lacks_a_class_gets_the_patient_who_brings_it() -> None:
    have = {
        "train": {PATIENTS: 7, 1: 70, 2: 10},
        "validation": {PATIENTS: 1, 1: 10},
        "test": {PATIENTS: 2, 1: 20},
    }
    assigned = assign({"p": {2: 5}}, totals=have, shares=SHARES)  # type: ignore[arg-type]
    assert assigned["p"] == ("test", "test lacked most of this patient's classes")


@given(new=patients)
def test_each_patient_is_in_one_split_whatever_the_order_they_are_told_in(new: dict[str, dict[int, int]]) -> None:
    assigned = assign(new, totals={}, shares=SHARES)
    backwards = assign(dict(reversed(new.items())), totals={}, shares=SHARES)

    assert assigned.keys() == new.keys()
    assert assigned == backwards
    if len(new) >= 3:
        assert {a.split for a in assigned.values()} == set(SPLITS)


@given(new=patients.filter(bool), data=st.data())
def test_what_the_user_fixes_is_kept_and_the_rest_fills_up_around_it(
    new: dict[str, dict[int, int]], data: st.DataObject
) -> None:
    fixed = data.draw(st.dictionaries(st.sampled_from(sorted(new)), st.sampled_from(SPLITS)))
    assigned = assign(new, totals={}, shares=SHARES, fixed=fixed)
    assert {p: assigned[p].split for p in fixed} == fixed
    assert assigned.keys() == new.keys()


def shared_out(drawn: list[dict[int, int]], *, first: int) -> dict[Split, Counter[int]]:
    """What each split has after patients came in two batches."""
    new = {f"p{i:02}": counts for i, counts in enumerate(drawn)}
    early = {p: new[p] for p in list(new)[:first]}
    late = {p: new[p] for p in list(new)[first:]}
    assigned = assign(early, totals={}, shares=SHARES)
    assigned |= assign(late, totals=totals(assigned, early), shares=SHARES)
    return totals(assigned, new)


def patients_of(least: int) -> st.SearchStrategy[list[dict[int, int]]]:
    """Sixty and more patients with `least` to 20 frames of every class."""
    return st.lists(st.dictionaries(st.integers(1, 3), st.integers(least, 20), min_size=3), min_size=60, max_size=80)


@given(drawn=patients_of(5), first=st.integers(0, 60))
def test_the_shares_come_near_those_of_the_settings_in_patients_and_in_each_class(
    drawn: list[dict[int, int]], first: int
) -> None:
    reached = shared_out(drawn, first=first)
    for c in (PATIENTS, 1, 2, 3):
        whole = sum(reached[split][c] for split in SPLITS)
        for split in SPLITS:
            assert reached[split][c] / whole == pytest.approx(SHARES.share(split), abs=0.1), (c, split)


@given(drawn=patients_of(1), first=st.integers(0, 60))
def test_where_few_patients_hold_most_of_a_class_its_shares_are_missed_by_two_of_them_at_most(
    drawn: list[dict[int, int]], first: int
) -> None:
    reached = shared_out(drawn, first=first)
    for c in (1, 2, 3):
        whole = sum(reached[split][c] for split in SPLITS)
        largest = max(counts[c] for counts in drawn) / whole
        for split in SPLITS:  # each split's first patient is one with many frames, and nobody is halved
            allowed = max(0.1, 2 * largest)
            assert reached[split][c] / whole == pytest.approx(SHARES.share(split), abs=allowed), (c, split)


@settings(max_examples=8)
@given(rounds=st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_the_ledger_never_changes_what_it_says(
    rounds: list[int],
    tmp_path_factory: pytest.TempPathFactory,
    make_frame: Callable[..., FrameRecord],
    make_revision: Callable[..., RevisionRecord],
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    with Catalogue.create(root / "c.sqlite", store=BlobStore(root / "store"), key_id="k") as catalogue:
        catalogue.sync_classes(Classes([ClassDef(1, "nerve")]))
        said: dict[str, Split | None] = {}
        n = 0
        for arriving in rounds:
            frames = [make_frame(n + i, patient=f"p{n + i}") for i in range(arriving)]
            n += arriving
            catalogue.add_frames(frames)
            catalogue.append_revisions([make_revision(f) for f in frames[::2]])
            new = update_ledger(catalogue, shares=SHARES)
            assert new.keys() == {f.patient for f in frames}
            assert update_ledger(catalogue, shares=SHARES) == {}
            now = catalogue.splits()
            assert {p: now[p] for p in said} == said
            assert None not in now.values()
            said = now


def test_a_patient_fixed_by_the_user_stays_and_another_wish_is_refused(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord]
) -> None:
    catalogue.add_frames([make_frame(i, patient=f"p{i}") for i in range(3)])
    assigned = update_ledger(catalogue, shares=SHARES, fixed={"p0": "test"})

    assert assigned["p0"] == ("test", "chosen by the user")
    assert {a.split for a in assigned.values()} == set(SPLITS)
    assert update_ledger(catalogue, shares=SHARES, fixed={"p0": "test"}) == {}
    with pytest.raises(CatalogueError, match="p0: is in test for good"):
        update_ledger(catalogue, shares=SHARES, fixed={"p0": "train"})
    with pytest.raises(CatalogueError, match="p9: is no patient"):
        update_ledger(catalogue, shares=SHARES, fixed={"p9": "train"})


def test_a_patient_whose_frames_were_trained_on_before_anybody_knew_whose_they_were_trains(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    catalogue.add_frames([make_frame(i, patient=f"p{i}") for i in range(1, 6)])
    update_ledger(catalogue, shares=SHARES)
    catalogue.add_frames([make_frame(9, patient=None)])
    catalogue.add_dataset([catalogue.append_revision(make_revision(make_frame(9, patient=None))).sha256])
    catalogue.add_frames([make_frame(9, patient="p9")])

    assigned = update_ledger(catalogue, shares=SplitSettings(train=0.0, validation=0.5, test=0.5), fixed={"p9": "test"})
    assert assigned == {"p9": ("train", "a model has been trained on the frames")}
