"""Classes have the coded terms of DICOM's dictionary, or one of their own."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.sr._concepts_dict import concepts

from dmr.annotate.export.dicom_codes import STRUCTURE, TERMS, TISSUE, coded_terms

SNOMED: Any = concepts["SCT"]
KNOWN = {(value, meaning) for names in SNOMED.values() for value, (meaning, _) in names.items()}


@pytest.mark.parametrize("name", [*TERMS, "tissue", "structure"])
def test_every_code_is_one_of_pydicom_s_dictionary(name: str) -> None:
    term = {"tissue": TISSUE, "structure": STRUCTURE}.get(name) or TERMS[name]
    assert term.scheme == "SCT"
    slip = term.meaning.replace("process of", "process or")  # as pydicom has it
    assert {(term.value, term.meaning), (term.value, slip)} & KNOWN


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("nerve", "Nerve"),
        ("shenjing", "Nerve"),
        ("median_nerve", "Nerve"),
        ("Nerves", "Nerve"),
        ("n-musculocutaneus-nerve", "Nerve"),
        ("psoas_major", "Muscle"),
        ("erector_spinae", "Erector spinae muscle"),
        ("radial_artery", "Artery"),
        ("brachial_plexus", "Brachial plexus"),
        ("rib", "Rib"),
    ],
)
def test_a_class_whose_name_tells_has_a_term_of_snomed_ct(name: str, meaning: str) -> None:
    _, kind = coded_terms(name)
    assert (kind.scheme, kind.meaning) == ("SCT", meaning)


@pytest.mark.parametrize("name", ["needle", "nerve_or_artery", "veinish", "M3"])
def test_a_class_whose_name_does_not_tell_keeps_its_name_as_its_code(name: str) -> None:
    category, kind = coded_terms(name)
    assert category == STRUCTURE
    assert (kind.value, kind.scheme, kind.meaning) == (name, "99DMR", name)


def test_a_long_name_stands_where_long_codes_stand() -> None:
    name = "the_thing_" * 8
    item = coded_terms(name)[1].item()
    assert item.LongCodeValue == name and "CodeValue" not in item and len(item.CodeMeaning) == 64
