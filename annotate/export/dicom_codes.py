"""The coded terms of a workspace's classes: SNOMED CT where the class's name tells, else a scheme of our own.

Types of segments: DICOM PS3.16, CID 7151 and 7166; their categories: CID 7150.
"""

from __future__ import annotations

import re
from typing import Final

from ..formats.dicom_header import Term
from ..formats.dicom_seg import OWN_SCHEME
from ..recognition.structures import structure_of

TISSUE: Final = Term("85756007", "SCT", "Tissue")
STRUCTURE: Final = Term("91723000", "SCT", "Anatomical Structure")

_MUSCLE: Final = Term("91727004", "SCT", "Muscle")
_NERVE: Final = Term("91728009", "SCT", "Nerve")
_BONE: Final = Term("3138006", "SCT", "Bone")
_TISSUES: Final = {
    "muscle": _MUSCLE,
    "psoas_major": _MUSCLE,
    "quadratus_lumborum": _MUSCLE,
    "nerve": _NERVE,
    "lumbar_plexus": _NERVE,
    "artery": Term("51114001", "SCT", "Artery"),
    "vein": Term("29092000", "SCT", "Vein"),
    "vessel": Term("59820001", "SCT", "Blood Vessel"),
    "bone": _BONE,
    "fat": Term("55603005", "SCT", "Fat"),
    "skin": Term("39937001", "SCT", "Skin"),
    "tendon": Term("13024002", "SCT", "Tendon"),
    "ligament": Term("52082005", "SCT", "Ligament"),
}
_STRUCTURES: Final = {
    "erector_spinae": Term("44947003", "SCT", "Erector spinae muscle"),
    "brachial_plexus": Term("36582005", "SCT", "Brachial plexus"),
    "transverse_process": Term("73400003", "SCT", "Transverse process of vertebra"),
    "spinous_process": Term("55678000", "SCT", "Spinous process of vertebra"),
    "lamina": Term("89340005", "SCT", "Lamina of vertebra"),
    "vertebral_body": Term("51282000", "SCT", "Vertebra"),
    "spine": Term("421060004", "SCT", "Spine"),
    "rib": Term("113197003", "SCT", "Rib"),
    "pleura": Term("3120008", "SCT", "Pleura"),
    "kidney": Term("64033007", "SCT", "Kidney"),
    "fascia": Term("120576005", "SCT", "Fascial layer"),
}
TERMS: Final = _TISSUES | _STRUCTURES
"""The type of each structure whose term is known, by its name. Some are wider than the structure."""


def coded_terms(name: str) -> tuple[Term, Term]:
    """The category and the type of a class. The whole name counts; else a word in it, such as `nerve`, if it is one.

    Args:
        name: The class's name.
    """
    known = structure_of(name) or name.casefold()
    if known not in TERMS:
        words = {structure_of(word) or word for word in re.split(r"[^a-z]+", name.casefold())} & _TISSUES.keys()
        known = words.pop() if len(words) == 1 else ""
    if known in TERMS:
        return TISSUE if known in _TISSUES else STRUCTURE, TERMS[known]
    return STRUCTURE, Term(name, OWN_SCHEME, name[:64])
