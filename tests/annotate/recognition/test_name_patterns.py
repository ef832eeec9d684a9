from __future__ import annotations

import re

import pytest

from dmr.annotate.recognition.name_patterns import choose_pattern, fit_pattern

Names = list[tuple[str, str]]


def flat(template: str, *, patients: int = 5, frames: int = 4) -> Names:
    return [
        ("in", template.format(p=p, f=f, w="abcdefgh"[p] * 4)) for p in range(1, patients + 1) for f in range(frames)
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{p}_{f}",
        "{p:04}_{f:03}",
        "{p}_2_{f}",
        "{p}-{f}",
        "{p} ({f})",
        "P{p:02}_{f}",
        "pat-{p}_img{f}",
        "{f:03}_p{p:02}",
        "scan_Patient{p}_{f}",
        "sub-{p:02}_frame-{f}",
        "患者{p}_{f}",
        "{w}_{f}",
        "2024010{p}_p{p}_{f}",
        "ward_a_x{p}_{f}",
    ],
)
def test_the_patient_is_found_where_names_usually_have_it(template: str) -> None:
    names = flat(template)
    fit, verdict = choose_pattern(names)

    assert verdict == "good"
    assert fit is not None
    assert (fit.explained, fit.patients, fit.fewest, fit.most) == (20, 5, 4, 4)
    found = [re.search(fit.pattern, name)["patient"] for _, name in names]  # type: ignore[index]
    assert len({(truth, text) for truth, text in zip((n // 4 for n in range(20)), found, strict=True)}) == 5


@pytest.mark.parametrize(
    "names",
    [
        [("in", f"IMG_{f:04}") for f in range(60)],
        [("in", f"{kind}_{f}") for kind in ("IMG", "DSC", "scan") for f in range(9)],
        [("in", f"2024010{p}_{f}") for p in range(1, 6) for f in range(4)],
        [("in", f"2024_{f}") for f in range(20)],
        [("in", str(f)) for f in range(20)],
        [(f"p{p}", f"img{f}") for p in range(5) for f in range(4)],
        [("in", "holiday")],
    ],
    ids=["a camera's names", "three cameras' names", "dates", "a year", "numbers", "patients in folders", "one word"],
)
def test_names_that_tell_no_patient_get_no_pattern(names: Names) -> None:
    assert choose_pattern(names) == (None, "none")


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        ([("in", "100_25")], "one file"),
        ([("in", f"100_{f}") for f in range(9)], "one patient"),
        ([("in", f"{f:04}_scan") for f in range(9)], "a patient a file"),
    ],
)
def test_a_pattern_that_says_little_is_told_as_such(names: Names, verdict: str) -> None:
    fit, said = choose_pattern(names)

    assert fit is not None
    assert said == verdict


def test_a_pattern_for_most_names_is_taken_and_one_for_few_is_not() -> None:
    good, odd = flat("{p}_{f}"), [("in", f"scan{k}") for k in range(12)]
    fit, _ = choose_pattern([*good, *odd])

    assert fit is not None
    assert (fit.names, fit.explained) == (32, 20)
    assert choose_pattern([*good[:8], *odd])[0] is None


def test_patients_in_several_folders_are_counted() -> None:
    fit = fit_pattern(r"^(?P<patient>\d+)_", [("a", "1_1"), ("b", "1_2"), ("b", "2_1"), ("b", "x")])

    assert (fit.patients, fit.scattered, fit.explained) == (2, 1, 3)


def test_a_sample_with_few_files_of_each_patient_has_its_pattern() -> None:
    names = [("in", f"{patient}_{frame}") for patient in range(10, 76) for frame in range(1 + (patient % 3 > 0))]
    fit, verdict = choose_pattern(names)
    assert fit is not None
    assert (fit.patients, verdict) == (66, "good")
