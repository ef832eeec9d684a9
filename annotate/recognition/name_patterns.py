"""Find the patient in file names: usual patterns, each judged by the patients that it finds. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

# A patient's number, or a word and a number. The first pattern that explains the most names wins.
_NUMBERED: Final = (
    r"(?i)(?:^|[^a-z])(?:patient|pat|pt|subject|subj|sub|case|p|患者|病人)[-_ ]?(?P<patient>\d+)(?![0-9a-z])",
    r"^(?P<patient>\d+)_(?P<frame>\w+)$",
    r"^(?P<patient>\d+)[-_. ]+(?P<frame>.+)$",
    r"^(?P<patient>[A-Za-z]{1,3}[-_]?\d+)[-_. ]+(?P<frame>.+)$",
)
_OTHERS: Final = (
    r"^(?P<patient>[^_]+)_(?P<frame>.+)$",
    r"^(?P<patient>[^-]+)-(?P<frame>.+)$",
    r"^(?P<patient>.+)[-_ ]+(?P<frame>\d+)$",
)
_DATE = re.compile(r"(19|20)\d\d[01]\d[0-3]\d")
_YEAR = re.compile(r"(19|20)\d\d")
# A few words without a digit are rarely patients: devices name their files so, such as IMG and DSC.
_LEAST_OF_NUMBERS: Final = 1.2  # files per patient; low, because a sample of a folder has few of each
_LEAST_OF_OTHERS: Final = 2.0
_LEAST_WORDS: Final = 5

Verdict = Literal["given", "good", "one file", "one patient", "a patient a file", "none"]


@dataclass(frozen=True, slots=True)
class PatternFit:
    """What a pattern finds in the names.

    Attributes:
        pattern: A regular expression with the group `patient`.
        names: Number of names.
        explained: Number of names in which it finds a patient.
        patients: Number of different patients.
        fewest: Number of files of the patient with the fewest.
        most: Number of files of the patient with the most.
        scattered: Number of patients whose files lie in several folders.
    """

    pattern: str
    names: int
    explained: int
    patients: int
    fewest: int
    most: int
    scattered: int


def fit_pattern(pattern: str, names: Sequence[tuple[str, str]]) -> PatternFit:
    """Apply a pattern to names, each `(folder, file's name without its ending)`."""
    return _fit(pattern, names)[0]


def choose_pattern(names: Sequence[tuple[str, str]]) -> tuple[PatternFit | None, Verdict]:
    """The usual pattern that explains the most names, at least half, with plausible patients.

    Plausible means two or more patients with several files each on average: a number that repeats is a patient's, while
    a count of files does not repeat. A pattern that makes nearly each file a patient of its own is returned with that
    verdict.

    Args:
        names: `(folder, file's name without its ending)` of each file.

    Returns:
        The pattern's fit and the verdict on it; None and `none` if no pattern fits.
    """
    fits = [fit for pattern in (*_NUMBERED, *_OTHERS) if (fit := _sensible(pattern, names)) is not None]
    good = [fit for fit in fits if fit.patients > 1 and fit.explained >= _least_files(fit.pattern) * fit.patients]
    if good:
        return max(good, key=lambda fit: fit.explained), "good"
    numbered = [fit for fit in fits if fit.pattern in _NUMBERED]
    if not numbered:
        return None, "none"
    best = max(numbered, key=lambda fit: fit.explained)
    if best.names == 1:
        return best, "one file"
    return best, "one patient" if best.patients == 1 else "a patient a file"


def _least_files(pattern: str) -> float:
    """The mean number of files per patient that makes a pattern plausible."""
    return _LEAST_OF_NUMBERS if pattern in _NUMBERED else _LEAST_OF_OTHERS


def _sensible(pattern: str, names: Sequence[tuple[str, str]]) -> PatternFit | None:
    """The pattern's fit; None if what it finds cannot be patients."""
    fit, found = _fit(pattern, names)
    if 2 * fit.explained < fit.names or not found:
        return None
    if all(_DATE.fullmatch(text) for text in found) or (len(found) == 1 and _YEAR.fullmatch(min(found))):
        return None
    words = [text for text in found if not re.search(r"\d", text)]
    if 2 * len(words) > len(found) and len(words) < _LEAST_WORDS:
        return None
    return fit


def _fit(pattern: str, names: Sequence[tuple[str, str]]) -> tuple[PatternFit, frozenset[str]]:
    """A pattern's fit, and the texts that it takes for patients."""
    files: Counter[str] = Counter()
    folders: dict[str, set[str]] = defaultdict(set)
    for folder, name in names:
        found = re.search(pattern, name)
        text = found.groupdict().get("patient") if found else None
        if text and text.strip():
            files[text] += 1
            folders[text].add(folder)
    counts = sorted(files.values()) or [0]
    scattered = sum(len(f) > 1 for f in folders.values())
    fit = PatternFit(pattern, len(names), files.total(), len(files), counts[0], counts[-1], scattered)
    return fit, frozenset(files)
