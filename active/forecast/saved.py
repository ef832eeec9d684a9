"""The minutes that drafts save against drawing from nothing, with an interval. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..selection.drawn_work import left_open, total_work
from ..selection.seconds import Pace, fitted_pace

Floats = NDArray[np.float64]

LEAST_DRAWN: Final = 10  # frames drawn from nothing, and frames corrected, before anything is told
LEAST_OWN: Final = 5  # frames that a physician draws from nothing, before what this one corrects is compared
LEAST_PATIENTS: Final = 3  # with fewer, frames are drawn for the interval instead of patients
RESAMPLES: Final = 2000
_BOUNDS: Final = (2.5, 97.5)  # percent: the ends of a 95 % interval


@dataclass(frozen=True, slots=True)
class Timed:
    """A submitted frame.

    Attributes:
        patient: The patient.
        author: The physician.
        seconds: Measured, with the breaks.
        model: The model whose draft was corrected; None for a frame that was drawn from nothing.
        lengths: Boundary pixels of each class that was drawn, as `outline_work` gives them.
        changed: The classes that differ from the draft.
    """

    patient: str
    author: str
    seconds: float
    model: str | None
    lengths: Mapping[int, float]
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Saving:
    """What drafts save on some frames.

    Attributes:
        frames: How many were corrected.
        drawn_s: Seconds a frame that drawing the same structures from nothing takes.
        corrected_s: Seconds a frame that they took.
        low: Lower bound of the seconds saved a frame, 95 %; None with too few to tell.
        high: Upper bound.
    """

    frames: int
    drawn_s: float
    corrected_s: float
    low: float | None = None
    high: float | None = None

    @property
    def saved_s(self) -> float:
        """Seconds saved a frame; below 0 where correcting takes longer."""
        return self.drawn_s - self.corrected_s


@dataclass(frozen=True, slots=True)
class Structure:
    """A class in the frames with drafts.

    Attributes:
        frames: Frames that show it.
        as_drafted: Those where it was left as it was drafted.
        drawn_s: Seconds that drawing it from nothing takes.
        corrected_s: Seconds that it took: a frame's time is shared among the structures that were changed.
    """

    frames: int
    as_drafted: int
    drawn_s: float
    corrected_s: float


@dataclass(frozen=True, slots=True)
class Saved:
    """What is known of a workspace's times.

    Attributes:
        from_nothing: Frames drawn from nothing, without those left out.
        corrected: Frames corrected likewise.
        left_out: Times of a tab that was left open.
        counted: Frames drawn from nothing by physicians who drew `LEAST_OWN` or more: they are compared.
        whole: All frames that could be compared; None with too few of them.
        by_model: The same by the model of the draft.
        by_author: The same by physician.
        seconds_by_author: Frames drawn from nothing and their mean seconds, frames corrected and theirs.
        structures: By class id.
    """

    from_nothing: int = 0
    corrected: int = 0
    left_out: int = 0
    counted: int = 0
    whole: Saving | None = None
    by_model: dict[str, Saving] = field(default_factory=dict)
    by_author: dict[str, Saving] = field(default_factory=dict)
    seconds_by_author: dict[str, tuple[int, float, int, float]] = field(default_factory=dict)
    structures: dict[int, Structure] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.from_nothing or self.corrected)


def saved(timed: Sequence[Timed]) -> Saved:
    """Compare correcting with drawing from nothing.

    What drawing takes is fitted to the frames drawn from nothing (a time a frame, a structure and a boundary pixel; odd
    ones count little), then made to agree with each physician's own mean on these frames. So a slow physician's
    corrections are held against slow drawing.
    """
    if not timed:
        return Saved()
    work = np.array([total_work(one.lengths) for one in timed])
    seconds = np.array([one.seconds for one in timed])
    drafted = np.array([one.model is not None for one in timed])
    kept = ~left_open(work, seconds, from_nothing=~drafted)
    own = [one for one, stays in zip(timed, kept, strict=True) if stays]
    work, seconds, drafted = work[kept], seconds[kept], drafted[kept]
    authors = [one.author for one in own]
    times = Counter(a for a, d in zip(authors, drafted, strict=True) if not d)
    many = {a for a, n in times.items() if n >= LEAST_OWN}
    is_compared = np.array([a in many for a in authors], bool)
    drawn, corrected = is_compared & ~drafted, is_compared & drafted
    told = Saved(
        from_nothing=int((~drafted).sum()),
        corrected=int(drafted.sum()),
        left_out=int((~kept).sum()),
        counted=int(drawn.sum()),
        seconds_by_author=_by_author(authors, seconds, drafted),
    )
    if min(drawn.sum(), corrected.sum()) < LEAST_DRAWN:
        return told
    pace = fitted_pace(work[drawn], seconds[drawn])
    expected = pace.seconds(work)
    # How slow each physician is against the common pace.
    factor = {a: _sum(seconds, authors, a, drawn) / _sum(expected, authors, a, drawn) for a in many}
    usual = expected * np.array([factor.get(a, 1.0) for a in authors])
    compare = _Compared(own, seconds, expected, usual, drawn)
    return Saved(
        told.from_nothing,
        told.corrected,
        told.left_out,
        told.counted,
        compare.saving(corrected),
        {m: compare.saving(corrected & _is(m, [one.model for one in own])) for m in _models(own)},
        {a: compare.saving(corrected & _is(a, authors)) for a in sorted(many)},
        told.seconds_by_author,
        _structures(own, seconds, usual, corrected, pace=pace),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Frames with their times, and what drawing from nothing takes; `(n,)` each.

    Attributes:
        own: The frames.
        seconds: Measured.
        expected: Of drawing from nothing, at the common pace.
        usual: The same at the physician's own pace.
        drawn: The frames drawn from nothing that are compared.
    """

    own: Sequence[Timed]
    seconds: Floats
    expected: Floats
    usual: Floats
    drawn: NDArray[np.bool_]

    def saving(self, corrected: NDArray[np.bool_]) -> Saving:
        """What drafts save on these frames; the interval draws whole patients, because frames of one are alike."""
        n = int(corrected.sum())
        if not n:
            return Saving(0, 0.0, 0.0)
        made = Saving(n, float(self.usual[corrected].mean()), float(self.seconds[corrected].mean()))
        if n < LEAST_DRAWN:
            return made
        names = sorted({one.author for one, at in zip(self.own, corrected, strict=True) if at})
        column = np.array([names.index(one.author) if one.author in names else -1 for one in self.own])
        drawn = self.drawn & (column >= 0)
        units = self._units(corrected, drawn)
        wider = _widening(min(len(np.unique(units[which])) for which in (corrected, drawn)))
        means = self._resampled(corrected, drawn, units=units, column=column)
        low, high = made.saved_s + wider * (np.nanpercentile(means, _BOUNDS) - made.saved_s)
        return Saving(n, made.drawn_s, made.corrected_s, float(low), float(high))

    def _resampled(
        self,
        corrected: NDArray[np.bool_],
        drawn: NDArray[np.bool_],
        *,
        units: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> Floats:
        """Seconds saved a frame in resamples. How fast each physician draws is computed anew in each."""
        ones, count = np.ones(len(self.own)), int(units.max()) + 1
        tables = []
        for values, at in (
            (self.seconds, drawn),
            (self.expected, drawn),
            (self.expected, corrected),
            (self.seconds, corrected),
            (ones, corrected),
        ):
            table = np.zeros((count, int(column.max()) + 1))
            np.add.at(table, (units[at], column[at]), values[at])
            tables.append(table)
        weight = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        drawn_s, drawn_expected, expected, took, frames = (weight @ table for table in tables)
        with np.errstate(divide="ignore", invalid="ignore"):
            # A physician of whom a resample has corrections and nothing drawn says nothing there.
            usual = np.where(frames > 0, expected * drawn_s / drawn_expected, 0.0)
            return np.asarray((usual - took).sum(1) / frames.sum(1), dtype=np.float64)

    def _units(self, corrected: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> NDArray[np.intp]:
        """`(n,)` what is drawn together: the patient's number, or the frame's where patients are few."""
        numbers: dict[Hashable, int] = {}
        few = min(len({o.patient for o, at in zip(self.own, w, strict=True) if at}) for w in (corrected, drawn))
        both = corrected | drawn
        found = np.zeros(len(self.own), np.intp)
        for k, one in enumerate(self.own):
            if both[k]:
                found[k] = numbers.setdefault(k if few < LEAST_PATIENTS else one.patient, len(numbers))
        return found


def _widening(units: int) -> float:
    """How much wider the interval of a few units is than their resamples say: Student's t, and n - 1 for n."""
    from scipy.special import ndtri, stdtrit  # slow to import

    return float(stdtrit(units - 1, _BOUNDS[1] / 100) / ndtri(_BOUNDS[1] / 100) * np.sqrt(units / (units - 1)))


def _structures(
    own: Sequence[Timed], seconds: Floats, usual: Floats, corrected: NDArray[np.bool_], *, pace: Pace
) -> dict[int, Structure]:
    """By class: the time of a frame beyond what a frame takes in any case is shared among what was changed there."""
    found: dict[int, list[float]] = {}
    for k in np.flatnonzero(corrected):
        one = own[k]
        parts = {c: pace.structure_s + pace.pixel_s * length for c, length in one.lengths.items()}
        whole = pace.frame_s + sum(parts.values())
        frame_s = usual[k] * pace.frame_s / whole
        changed = one.changed & parts.keys()
        among = sum(parts[c] for c in changed)
        for c, part in parts.items():
            took = max(0.0, seconds[k] - frame_s) * part / among if c in changed else 0.0
            row = found.setdefault(c, [0.0, 0.0, 0.0, 0.0])
            for at, value in enumerate((1.0, float(c not in changed), usual[k] * part / whole, took)):
                row[at] += value
    return {c: Structure(int(n), int(left), a / n, b / n) for c, (n, left, a, b) in sorted(found.items())}


def _by_author(
    authors: Sequence[str], seconds: Floats, drafted: NDArray[np.bool_]
) -> dict[str, tuple[int, float, int, float]]:
    found = {}
    for author in sorted(set(authors)):
        is_own = _is(author, authors)
        from_nothing, corrected = seconds[is_own & ~drafted], seconds[is_own & drafted]
        found[author] = (len(from_nothing), _mean(from_nothing), len(corrected), _mean(corrected))
    return found


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _is(wanted: str, values: Iterable[str | None]) -> NDArray[np.bool_]:
    return np.array([value == wanted for value in values], bool)


def _sum(values: Floats, authors: Sequence[str], author: str, drawn: NDArray[np.bool_]) -> float:
    return float(values[drawn & _is(author, authors)].sum())


def _models(own: Sequence[Timed]) -> list[str]:
    return list(dict.fromkeys(one.model for one in own if one.model is not None))
