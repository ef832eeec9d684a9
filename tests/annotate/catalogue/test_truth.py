"""What counts where several people have drawn on a frame, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, Reading, RevisionRecord
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.settings.conflicts import ClassAgreement, ConflictSettings
from dmr.annotate.shapes import Annotation, Shape
from dmr.annotate.system.store import BlobStore

READINGS: dict[str, Reading] = {"#": "adjudication", "@": "second", "%": "repeat"}


@pytest.fixture
def frame(catalogue: Catalogue, make_frame: Callable[..., FrameRecord]) -> FrameRecord:
    made: FrameRecord = make_frame(1)
    catalogue.add_frames([made])
    return made


def square(frame: FrameRecord, places: dict[int, int], *, covered: Sequence[int] = (1, 2)) -> Annotation:
    """Squares of 10 px, each `place` px from the left, of the classes."""
    shapes = tuple(
        Shape(class_id, ((x, 5), (x + 10, 5), (x + 10, 15), (x, 15))) for class_id, x in sorted(places.items())
    )
    return Annotation(frame.height, frame.width, shapes, frozenset(covered))


def drawn(frame: FrameRecord, author: str, annotation: Annotation, **changes: Any) -> RevisionRecord:
    values: dict[str, Any] = {
        "frame": frame.frame_id, "rendition": frame.pixel_sha256, "author": author, "origin": "studio",
        "annotation": annotation,
    }  # fmt: skip
    return RevisionRecord(**values | changes)


@pytest.mark.parametrize(
    ("steps", "truth", "contradicting"),
    [
        pytest.param("a1 b2", "a1", {"a1", "b2"}, id="neither saw the other's"),
        pytest.param("a1 b1", "a1", set(), id="both say the same"),
        pytest.param("a1 <b2", "b2", set(), id="a correction is no contradiction"),
        pytest.param("a1 <b2 a3", "b2", {"a3", "b2"}, id="drawn without seeing the correction"),
        pytest.param("a1 <b2 a2", "b2", set(), id="drawn anew like the correction"),
        pytest.param("a1 <b2 <a3", "a3", set(), id="a correction of the correction"),
        pytest.param("a1 b2 c3", "a1", {"a1", "b2", "c3"}, id="three of them"),
        pytest.param("a1 b1 a3 b3", "a3", set(), id="the first reader stays first after a correction of their own"),
        pytest.param("a1 b2 <c3", "c3", {"b2", "c3"}, id="a third saw one of two"),
        pytest.param("a1 b2 b1", "a1", set(), id="one comes round to the other's view"),
        pytest.param("a1 b2 !b", "a1", set(), id="one withdraws"),
        pytest.param("a1 b1 !a", "b1", set(), id="the first one withdraws"),
        pytest.param("a1 b1 !a a1", "b1", set(), id="who withdrew comes last"),
        pytest.param("a1 @b2", "a1", {"a1", "b2"}, id="a second reading differs"),
        pytest.param("@b1 a1", "a1", set(), id="a second reading that came first"),
        pytest.param("a1 ~b2", "a1", {"a1", "b2"}, id="a blind reading may contradict"),
        pytest.param("a1 b1 <c2", "c2", {"b1", "c2"}, id="who corrects the first reader takes their place"),
        pytest.param("a1 @b2 #c3", "c3", set(), id="an adjudication settles it"),
        pytest.param("a1 @b2 #b2", "b2", set(), id="one of the readers settles it"),
        pytest.param("a1 @b2 #c1", "c1", set(), id="an adjudication takes one of them"),
        pytest.param("a1 #c3 b2", "c3", {"b2", "c3"}, id="an adjudication counts more than what is newer"),
        pytest.param("a1 @b2 #c3 #a4", "a4", set(), id="a second adjudication"),
        pytest.param("a1 b2 #c3 <b4", "b4", set(), id="an adjudication is corrected"),
        pytest.param("a1 b2 #c3 !c", "a1", {"a1", "b2"}, id="an adjudication is withdrawn"),
        pytest.param("a1 b2 $c3", "c3", set(), id="a consensus settles it too"),
        pytest.param("a1 %a3 %b4", "a1", set(), id="repeats count for nothing"),
    ],
)
def test_all_is_kept_the_truth_is_chosen_and_contradictions_are_flagged(
    steps: str, truth: str, contradicting: set[str], catalogue: Catalogue, frame: FrameRecord
) -> None:
    """Each step is `author place`; `<` draws over the truth, `!` withdraws, `#` adjudicates, `~` is blind."""
    said: dict[str, str] = {}
    for step in steps.split():
        mark, author = (step[0], step[1]) if step[0] in "<!#~@%$" else ("", step[0])
        if mark == "!":
            assert catalogue.withdraw(frame.frame_id, author, reason="deleted")
            continue
        newest = catalogue.newest_revisions().get(frame.frame_id)
        record = drawn(
            frame,
            author,
            square(frame, {1: 15 * int(step[-1]) - 15}),
            origin="consensus" if mark == "$" else "studio",
            blind=mark == "~",
            parent=newest.sha256 if newest and mark == "<" else None,
            reading=READINGS.get(mark, "first"),
        )
        appended = catalogue.append_revision(record)
        said[appended.sha256] = step.lstrip("<#~@%$")
        assert appended.conflict == bool(catalogue.conflicts())

    assert said[catalogue.newest_revisions()[frame.frame_id].sha256] == truth
    flagged = {said[sha256] for conflict in catalogue.conflicts() for sha256 in conflict.revisions}
    assert flagged == contradicting
    assert catalogue.counts()["open conflicts"] == bool(contradicting)
    assert {r.sha256 for r in catalogue.history(frame.frame_id)} == set(said)


@pytest.mark.parametrize(
    ("one", "other", "disputed"),
    [
        pytest.param(({1: 0}, (1, 2)), ({1: 3}, (1, 2)), {}, id="Dice 0.7 agrees"),
        pytest.param(({1: 0}, (1, 2)), ({1: 4}, (1, 2)), {1: 0.6}, id="Dice 0.6 does not"),
        pytest.param(({1: 0}, (1, 2)), ({}, (1, 2)), {1: 0.0}, id="one says that it is absent"),
        pytest.param(({1: 0}, (1,)), ({}, ()), {}, id="one does not say whether it is there"),
        pytest.param(({1: 0, 2: 0}, (1, 2)), ({1: 0, 2: 5}, (1, 2)), {2: 0.5}, id="one class of two"),
        pytest.param(({}, (1, 2)), ({}, (1, 2)), {}, id="both say that nothing is there"),
        pytest.param(({1: 0, 2: 0}, (1,)), ({1: 0, 2: 30}, (1, 2)), {}, id="drawn by one who does not cover it"),
    ],
)
def test_two_readers_disagree_on_a_class_that_both_cover_and_draw_differently(
    one: tuple[dict[int, int], tuple[int, ...]],
    other: tuple[dict[int, int], tuple[int, ...]],
    disputed: dict[int, float],
    catalogue: Catalogue,
    frame: FrameRecord,
) -> None:
    catalogue.append_revisions(
        drawn(frame, author, square(frame, places, covered=covered))
        for author, (places, covered) in (("ann", one), ("bo", other))
    )
    assert [conflict.disputed for conflict in catalogue.conflicts()] == ([disputed] if disputed else [])


def test_a_settled_conflict_stays_on_record_with_what_settled_it(catalogue: Catalogue, frame: FrameRecord) -> None:
    a, b, c = (
        catalogue.append_revision(drawn(frame, author, square(frame, {1: 20 * i}), reading=reading)).sha256
        for i, (author, reading) in enumerate([("a", "first"), ("b", "second"), ("c", "adjudication")])
    )
    (conflict,) = catalogue.conflicts(only_open=False)
    assert catalogue.conflicts() == []
    assert (set(conflict.revisions), conflict.resolved_by, conflict.is_open) == ({a, b}, c, False)


class TestUntilItIsSettled:
    @pytest.fixture
    def disputed(self, catalogue: Catalogue, frame: FrameRecord, make_frame: Callable[..., FrameRecord]) -> FrameRecord:
        other = make_frame(2)
        catalogue.add_frames([other])
        catalogue.append_revision(drawn(other, "ann", square(other, {1: 0})))
        catalogue.append_revision(drawn(frame, "ann", square(frame, {1: 0, 2: 0})))
        catalogue.append_revision(drawn(frame, "bo", square(frame, {1: 1, 2: 40}), reading="second"))
        return frame

    def test_a_frame_is_left_out(self, catalogue: Catalogue, disputed: FrameRecord) -> None:
        catalogue.follow_conflicts(ConflictSettings())
        assert disputed.frame_id not in {item.frame.frame_id for item in catalogue.settled_frames()}
        assert len(catalogue.settled_frames()) == 1
        assert catalogue.drawn_classes().keys() == {1}
        (shown,) = (i for i in catalogue.labelled_frames() if i.frame == disputed)
        assert (shown.disputed, {s.class_id for s in shown.annotation.shapes}) == (frozenset({2}), {1, 2})
        assert catalogue.unlabelled_frames() == []  # it is not to be drawn as if nobody had
        named = catalogue.settled_frames(revisions=[shown.revision])
        assert [item.frame for item in named] == [disputed]  # a data set keeps what it was made of

    def test_the_classes_on_which_all_agree_count_as_the_first_reader_drew_them(
        self, catalogue: Catalogue, disputed: FrameRecord
    ) -> None:
        catalogue.follow_conflicts(ConflictSettings(use="consensus"))
        (item,) = (i for i in catalogue.settled_frames() if i.frame == disputed)
        assert item.annotation == square(disputed, {1: 0}, covered=(1,))
        drawn_classes = catalogue.drawn_classes()
        assert drawn_classes.keys() == {1}
        assert drawn_classes[1].frames.total() == 2

    def test_an_adjudication_brings_it_back(self, catalogue: Catalogue, disputed: FrameRecord) -> None:
        catalogue.append_revision(drawn(disputed, "cy", square(disputed, {1: 1, 2: 40}), reading="adjudication"))
        (item,) = (i for i in catalogue.settled_frames() if i.frame == disputed)
        assert item.annotation == square(disputed, {1: 1, 2: 40})


def test_another_threshold_counts_from_the_next_opening(catalogue: Catalogue, frame: FrameRecord) -> None:
    catalogue.append_revision(drawn(frame, "ann", square(frame, {1: 0})))
    catalogue.append_revision(drawn(frame, "bo", square(frame, {1: 2})))
    assert catalogue.conflicts() == []
    catalogue.follow_conflicts(ConflictSettings(agree_dice=0.9))
    (conflict,) = catalogue.conflicts()
    assert conflict.disputed == {1: 0.8}
    catalogue.follow_conflicts(ConflictSettings(agree_dice=0.5))
    assert catalogue.conflicts() == []
    catalogue.follow_conflicts(ConflictSettings(agree_dice=0.9))
    assert [c.id for c in catalogue.conflicts()] == [conflict.id]


def test_a_class_may_have_a_threshold_of_its_own(catalogue: Catalogue, frame: FrameRecord) -> None:
    catalogue.append_revision(drawn(frame, "ann", square(frame, {1: 0, 2: 0})))
    catalogue.append_revision(drawn(frame, "bo", square(frame, {1: 5, 2: 5})))
    catalogue.follow_conflicts(ConflictSettings(classes=(ClassAgreement("nerve", 0.5),)))
    assert [conflict.disputed for conflict in catalogue.conflicts()] == [{2: 0.5}]
    catalogue.append_revision(drawn(frame, "bo", square(frame, {1: 6, 2: 0})))  # by the rule that is kept
    assert [conflict.disputed for conflict in catalogue.conflicts()] == [{1: 0.4}]


def test_classes_that_are_merged_later_are_no_contradiction_any_more(catalogue: Catalogue, frame: FrameRecord) -> None:
    catalogue.append_revision(drawn(frame, "ann", square(frame, {1: 0})))
    catalogue.append_revision(drawn(frame, "bo", square(frame, {2: 0})))
    assert set(catalogue.conflicts()[0].disputed) == {1, 2}
    names = {c.id: c.name for c in catalogue.classes()}
    catalogue.sync_classes(
        Classes([replace(c, aliases=(names[2],)) if c.id == 1 else c for c in catalogue.classes() if c.id != 2])
    )
    catalogue.follow_conflicts(ConflictSettings())
    assert catalogue.conflicts() == []


@dataclass(frozen=True)
class Step:
    """One revision: by whom, where, as what, on which day, and over which earlier step it is drawn, if any."""

    author: str
    place: int
    reading: Reading
    day: int
    over: int | None


steps = st.lists(
    st.builds(
        Step,
        author=st.sampled_from("abc"),
        place=st.integers(0, 3),
        reading=st.sampled_from(get_args(Reading)),
        day=st.integers(1, 6),
        over=st.none() | st.integers(0, 4),
    ),
    min_size=2,
    max_size=6,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Catalogue]]:
    """Two catalogues, to which the same comes in different orders."""
    made = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("catalogue")
        made.append(Catalogue.create(folder / "c.sqlite", store=BlobStore(folder / "store"), key_id="k"))
        made[-1].sync_classes(Classes([ClassDef(1, "nerve"), ClassDef(2, "muscle")]))
    yield made
    for catalogue in made:
        catalogue.close()


@settings(max_examples=25, suppress_health_check=[*HealthCheck])
@given(steps=steps, data=st.data())
def test_the_same_revisions_give_the_same_truth_and_the_same_conflicts_in_any_order(
    steps: list[Step], data: st.DataObject, two: list[Catalogue], make_frame: Callable[..., Any]
) -> None:
    frame = make_frame(len(two[0].frames()) + 1)
    order = as_can_be(steps, data.draw(st.permutations(range(len(steps))), label="order"))
    gone = data.draw(st.sets(st.sampled_from("abc"), max_size=1), label="withdrawn")
    one, other = (
        outcome(catalogue, frame, steps, order=o, gone=gone)
        for catalogue, o in zip(two, (range(len(steps)), order), strict=True)
    )
    assert one == other


def as_can_be(steps: Sequence[Step], wanted: Sequence[int]) -> list[int]:
    """The steps in the wanted order, but an author's own one after the other, and each after what it is drawn over."""
    done: list[int] = []
    while len(done) < len(steps):
        done.append(
            next(
                n
                for n in wanted
                if n not in done
                and all(k in done for k in range(n) if steps[k].author == steps[n].author or k == steps[n].over)
            )
        )
    return done


def outcome(
    catalogue: Catalogue, frame: FrameRecord, steps: Sequence[Step], *, order: Iterable[int], gone: Iterable[str]
) -> tuple[object, ...]:
    """The truth and the conflicts of a new frame on which this was drawn in this order."""
    made: dict[int, str] = {}
    with catalogue.transaction():
        catalogue.add_frames([frame])
        for n in order:
            step = steps[n]
            record = drawn(
                frame,
                step.author,
                square(frame, {1: 4 * step.place}),
                parent=made[step.over] if step.over is not None and step.over < n else None,
                reading=step.reading,
                raw_sha256=f"{n:064x}",
                at=f"2026-01-0{step.day}T00:00:00.000000Z",
            )
            made[n] = catalogue.append_revision(record).sha256
        for author in gone:
            catalogue.withdraw(frame.frame_id, author, reason="deleted")
    truth = catalogue.newest_revisions().get(frame.frame_id)
    conflicts = [(c.id, c.revisions, c.disputed) for c in catalogue.conflicts() if c.frame == frame.frame_id]
    return truth and truth.sha256, conflicts
