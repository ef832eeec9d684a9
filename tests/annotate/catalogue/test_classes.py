from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from dmr.annotate.catalogue import tables as t
from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import FrameRecord, RevisionRecord
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import SettingsError
from dmr.annotate.shapes import Annotation, Shape

NERVE, MUSCLE, ARTERY = ClassDef(1, "nerve"), ClassDef(2, "muscle"), ClassDef(3, "artery")


def test_the_same_settings_again_change_nothing(catalogue: Catalogue) -> None:
    rich = Classes([ClassDef(1, "nerve", ("n", "shenjing"), "#D55E00", 5, inside="muscle"), MUSCLE, ARTERY])
    assert catalogue.sync_classes(rich)
    before = catalogue.catalogue_hash()

    assert not catalogue.sync_classes(rich)
    assert catalogue.catalogue_hash() == before
    assert list(catalogue.classes()) == list(rich)


def test_a_renamed_class_keeps_its_id_and_answers_to_its_old_name(catalogue: Catalogue) -> None:
    renamed = Classes([ClassDef(1, "brachial_plexus"), MUSCLE, ARTERY])
    assert catalogue.sync_classes(renamed)
    assert not catalogue.sync_classes(renamed)

    found = catalogue.classes().find("Nerve")
    assert found is not None
    assert (found.id, found.name) == (1, "brachial_plexus")


def test_many_classes_are_renamed_at_once_where_their_old_names_stay_as_aliases(catalogue: Catalogue) -> None:
    renamed = [ClassDef(1, "plexus", ("nerve",)), ClassDef(2, "psoas", ("muscle",)), ClassDef(3, "vessel", ("artery",))]
    assert catalogue.sync_classes(Classes(renamed))
    assert [c.name for c in catalogue.classes()] == ["plexus", "psoas", "vessel"]


def test_a_class_renamed_back_has_its_first_name_again(catalogue: Catalogue) -> None:
    catalogue.sync_classes(Classes([ClassDef(1, "plexus"), MUSCLE, ARTERY]))
    catalogue.sync_classes(Classes([NERVE, MUSCLE, ARTERY]))

    assert catalogue.classes().by_id(1) == ClassDef(1, "nerve", ("plexus",))


def test_an_alias_taken_from_the_settings_is_forgotten(catalogue: Catalogue) -> None:
    catalogue.sync_classes(Classes([ClassDef(1, "nerve", ("n",)), MUSCLE, ARTERY]))
    assert catalogue.classes().find("n") is not None
    catalogue.sync_classes(Classes([NERVE, MUSCLE, ARTERY]))
    assert catalogue.classes().find("n") is None


def test_a_class_that_is_gone_is_retired_and_comes_back_as_itself(catalogue: Catalogue) -> None:
    catalogue.sync_classes(Classes([NERVE, MUSCLE]))
    assert [c.name for c in catalogue.classes().active] == ["nerve", "muscle"]
    assert catalogue.classes().by_id(3).retired
    catalogue.sync_classes(Classes([NERVE, MUSCLE, ARTERY]))
    assert catalogue.classes().by_id(3) == ARTERY


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        pytest.param(
            [NERVE, MUSCLE],
            [NERVE, MUSCLE, ClassDef(3, "vein")],
            "3 is named 'vein', and the id is that of 'artery', now retired. Give it an id never used before, such as",
            id="a retired id for another structure",
        ),
        pytest.param(
            [NERVE, MUSCLE, ARTERY],
            [ClassDef(1, "muscle"), ClassDef(2, "nerve"), ARTERY],
            "1 is named 'muscle', which is a name of class 2 in the catalogue",
            id="two classes change names",
        ),
        pytest.param(
            [NERVE, MUSCLE, ARTERY],
            [NERVE, MUSCLE, ClassDef(4, "Artery")],
            "4 is named 'Artery', which is a name of class 3 in the catalogue. Give it the id 3",
            id="a new id for an old structure",
        ),
        pytest.param(
            [ClassDef(1, "plexus"), MUSCLE, ARTERY],
            [ClassDef(1, "plexus"), MUSCLE, ARTERY, ClassDef(4, "nerve")],
            "4 is named 'nerve', which is a name of class 1 in the catalogue",
            id="a former name for another structure",
        ),
        pytest.param(
            [NERVE, MUSCLE, ARTERY],
            [ClassDef(1, "psoas_major"), ClassDef(2, "erector_spinae"), ARTERY],
            "gives 2 of the catalogue's 3 classes another name: 1 nerve to psoas_major, 2 muscle to erector_spinae. If",
            id="the settings of another workspace",
        ),
    ],
)
def test_an_id_or_a_name_never_comes_to_mean_another_structure(
    first: list[ClassDef], then: list[ClassDef], message: str, catalogue: Catalogue
) -> None:
    catalogue.sync_classes(Classes(first))
    before = catalogue.catalogue_hash()
    with pytest.raises(SettingsError) as caught:
        catalogue.sync_classes(Classes(then))
    assert message in str(caught.value)
    assert catalogue.catalogue_hash() == before


def test_a_merged_class_counts_as_the_one_it_became_part_of(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], make_revision: Callable[..., RevisionRecord]
) -> None:
    frames = [make_frame(i) for i in range(3)]
    catalogue.add_frames(frames)
    ring = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    drawn = (Shape(1, ring), Shape(3, ring))
    for frame, covered in zip(frames, ({1, 2, 3}, {1, 2}, {2, 3}), strict=True):
        annotation = Annotation(frame.height, frame.width, drawn, frozenset(covered))
        catalogue.append_revision(make_revision(frame, annotation=annotation))

    catalogue.sync_classes(Classes([ClassDef(1, "nerve", ("artery",)), MUSCLE]))

    assert catalogue.merged_classes() == {3: 1}
    assert [c.id for c in catalogue.classes()] == [1, 2]
    found = catalogue.classes().find("artery")
    assert found is not None and found.id == 1
    labelled = catalogue.labelled_frames()
    assert [[s.class_id for s in f.annotation.shapes] for f in labelled] == [[1, 1]] * 3
    assert [f.annotation.covered for f in labelled] == [{1, 2}, {2}, {2}]
    assert [s.class_id for s in catalogue.newest_revisions()[frames[0].frame_id].record.annotation.shapes] == [1, 3]

    catalogue.sync_classes(Classes([NERVE, MUSCLE, ARTERY]))
    assert catalogue.merged_classes() == {}
    assert catalogue.labelled_frames()[0].annotation.covered == {1, 2, 3}


def test_a_retired_class_has_its_time_kept(catalogue: Catalogue) -> None:
    catalogue.sync_classes(Classes([NERVE, MUSCLE]))
    when = sa.select(t.class_.c.retired_at).where(t.class_.c.id == 3)
    with catalogue.reading() as connection:
        first = connection.scalar(when)
    catalogue.sync_classes(Classes([ClassDef(1, "plexus"), MUSCLE]))
    with catalogue.reading() as connection:
        assert connection.scalar(when) == first is not None
