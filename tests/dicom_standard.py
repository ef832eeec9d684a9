"""The DICOM standard's tables for dicom-validator, which would download them, from those that highdicom carries.

Of conditions, those of PS3.3 A.51 that matter here are given; other conditional attributes count as optional.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from dicom_validator.validator.dicom_info import DicomInfo
from dicom_validator.validator.error_handler import ValidationResultHandler
from dicom_validator.validator.iod_validator import IODValidator
from dicom_validator.validator.validation_result import ValidationResult
from pydicom import Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword
from pydicom.uid import SegmentationStorage

_FUNCTIONAL_GROUPS: Final = "segmentation-multi-frame-functional-groups"
_GROUPS: Final = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
# Table A.51-2. Position and spacing go with a frame of reference only, and are required there.
_ONLY_WITH_FRAME_OF_REFERENCE: Final = {"type": "MN", "tag": "(0020,0052)", "index": 0, "op": "+"}
_MACROS: Final[dict[str, dict[str, Any]]] = {
    "DerivationImageSequence": {"use": "M"},
    "FrameContentSequence": {"use": "M", "cond": {"type": "MF"}},
    "SegmentIdentificationSequence": {"use": "M"},
    "PixelMeasuresSequence": {"use": "C", "cond": _ONLY_WITH_FRAME_OF_REFERENCE},
    "PlanePositionSequence": {"use": "C", "cond": _ONLY_WITH_FRAME_OF_REFERENCE},
    "PlaneOrientationSequence": {"use": "C", "cond": _ONLY_WITH_FRAME_OF_REFERENCE},
}
_REQUIRED: Final = ("common-instance-reference",)  # where there is a derivation image
_IMAGE: Final = {
    "ImageType": [{"val": ["DERIVED"], "index": 1}, {"val": ["PRIMARY"], "index": 2}],
    "SegmentationType": [{"val": ["BINARY", "FRACTIONAL", "LABELMAP"]}],
    "SegmentsOverlap": [{"val": ["YES", "UNDEFINED", "NO"]}],
    "LossyImageCompression": [{"val": ["00", "01"]}],
    "BitsAllocated": [{"val": [1]}],
    "BitsStored": [{"val": [1]}],
    "HighBit": [{"val": [0]}],
    "PixelRepresentation": [{"val": [0]}],
    "Modality": [{"val": ["SEG"]}],
    "SegmentAlgorithmType": [{"val": ["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"]}],
}
_LOSSY: Final = {"type": "MU", "tag": "(0028,2110)", "index": 0, "op": "=", "values": ["01"]}
_NOT_MANUAL: Final = {"type": "MU", "tag": "(0062,0008)", "index": 0, "op": "!=", "values": ["MANUAL"]}
_CONDITIONS: Final = {
    "LossyImageCompressionRatio": _LOSSY,
    "LossyImageCompressionMethod": _LOSSY,
    "SegmentAlgorithmName": _NOT_MANUAL,
}


def findings(data: Dataset) -> list[str]:
    """What dicom-validator finds wrong with a segmentation, in words; empty if nothing."""
    result = IODValidator(data, _standard(), error_handler=_Silent()).validate()
    return sorted(
        f"{module}: {tag} {error.code.name} {error.context or ''}"
        for module, errors in result.module_errors.items()
        for tag, error in errors.items()
    )


class _Silent(ValidationResultHandler):
    def handle_validation_start(self, result: ValidationResult) -> None: ...

    def handle_validation_result(self, result: ValidationResult) -> None: ...


@cache
def _standard() -> DicomInfo:
    rows = _table("module_attribute_map")
    modules: dict[str, dict[str, Any]] = {name: _tree(rows[name]) for name in rows}
    groups = modules[_FUNCTIONAL_GROUPS]
    macros = groups[_id(_GROUPS[1])]["items"]
    for sequence in _GROUPS:
        groups[_id(sequence)]["items"] = {"include": [{"ref": "FuncGroup"}]}
    group_macros: dict[str, dict[str, Any]] = {}
    for keyword, usage in _MACROS.items():
        modules[keyword] = {_id(keyword): macros[_id(keyword)]}
        group_macros[keyword] = {"ref": keyword, **usage}
    used: dict[str, dict[str, Any]] = {
        row["key"]: {"ref": row["key"], "use": "M" if row["usage"] == "M" or row["key"] in _REQUIRED else "U"}
        for row in _table("iod_module_map")["segmentation"]
    }
    dictionary = {
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})": {"name": name, "vr": vr, "vm": vm}
        for tag, (vr, vm, name, _, _) in DicomDictionary.items()
    }
    iod: dict[str, Any] = {"title": "Segmentation", "modules": used, "group_macros": group_macros}
    return DicomInfo(dictionary, {str(SegmentationStorage): iod}, modules)


def _table(name: str) -> dict[str, list[dict[str, Any]]]:
    text = files("highdicom").joinpath("_standard", f"{name}.json").read_text(encoding="utf-8")
    tables: dict[str, list[dict[str, Any]]] = json.loads(text)
    return tables


def _id(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:  # newer than pydicom's dictionary
        return ""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _tree(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes by their tags, those of sequences below these."""
    root: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: len(row["path"])):
        place = root
        for step in row["path"]:
            place = place[_id(step)].setdefault("items", {})
        keyword = row["keyword"]
        attribute: dict[str, Any] = {"name": keyword, "type": row["type"]}
        if keyword in _IMAGE:
            attribute["enums"] = _IMAGE[keyword]
        if keyword in _CONDITIONS:
            attribute["cond"] = _CONDITIONS[keyword]
        if key := _id(keyword):
            place[key] = attribute
    return root
