from __future__ import annotations

import pytest

from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.recognition.structures import STRUCTURES, guess_class, is_slip, plain, structure_of
from dmr.annotate.settings.template import SHAMROCK_CLASSES


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("腰大肌", "psoas_major"),
        ("YaoFangJi", "quadratus_lumborum"),
        ("erector spinae", "erector_spinae"),
        ("横 突", "transverse_process"),
        ("Transverse-Process", "transverse_process"),
        ("zhuiti", "vertebral_body"),
        ("腰丛神经", "lumbar_plexus"),
        ("QL", "quadratus_lumborum"),
        ("ＴＰ", "transverse_process"),
        ("psoas_mayor", "psoas_major"),
        ("psoas_minor", None),
        ("needle", None),
        ("nerve", None),
        ("", None),
    ],
)
def test_a_label_of_the_shamrock_view_is_guessed_in_any_usual_spelling(label: str, name: str | None) -> None:
    guessed = guess_class(label, Classes(SHAMROCK_CLASSES))

    assert (guessed.name if guessed else None) == name


def test_what_may_mean_two_classes_is_not_guessed() -> None:
    classes = Classes([ClassDef(1, "lumbar_plexus"), ClassDef(2, "brachial_plexus"), ClassDef(3, "old", retired=True)])

    assert guess_class("plexus", classes) is None
    assert guess_class("OLD ", classes) is None, "a retired class"


def test_no_name_stands_for_two_structures() -> None:
    names = [plain(text) for name, s in STRUCTURES.items() for text in {name, *s.names}]

    assert len(names) == len(set(names))
    assert all(structure_of(name) == name for name in STRUCTURES)


@pytest.mark.parametrize(
    ("a", "b", "slip"),
    [
        ("shenjing", "shenjign", True),
        ("shenjing", "shenjin", True),
        ("shenjing", "shenjjing", True),
        ("shenjing", "shenking", True),
        ("shenjing", "shenjing", False),
        ("dongmai", "jingmai", False),
        ("internaloblique", "externaloblique", False),
        ("psoasmajor", "psoasminor", False),
        ("c5root", "c6root", False),
        ("vein", "vena", False),
        ("ulnar", "ulna", False),
        ("rootleft", "rootlefft", True),
    ],
)
def test_one_letter_is_a_slip_and_another_word_is_not(a: str, b: str, *, slip: bool) -> None:
    assert is_slip(a, b) is is_slip(b, a) is slip
