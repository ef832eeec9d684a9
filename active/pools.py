"""From the catalogue to what a strategy sees: the candidates with all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.models import read_scores
from ..annotate.catalogue.records import FrameRecord
from ..annotate.classes import Classes
from ..annotate.intake.ingest import with_small_grey
from ..annotate.scans.similarity import SMALL, standardised
from ..annotate.settings.model import SelectSettings
from ..annotate.workspace import Session
from .selection.drawn_work import left_open, outline_work, total_work
from .selection.informative import DEFAULT
from .selection.order import Asked, Looks
from .selection.pool import UNKNOWN, Floats, Labelled, Pool
from .selection.seconds import PRIOR, Pace, Usual, expected_work, fitted_pace

NEED_EMBEDDINGS: Final = frozenset({"coreset", "typiclust"})
"""Strategies that compare frames by embeddings; `informative` does so in one of its parts."""

Statistics = Mapping[str, Any]


def asked_of(settings: SelectSettings) -> Asked:
    """What `[select]` in `dmr.toml` asks for."""
    parts = replace(DEFAULT, **settings.parts.chosen)
    return Asked(
        strategy=settings.strategy,
        first=settings.frames_per_round,
        per_clip=settings.per_clip_per_round,
        per_patient=settings.per_patient_per_round,
        audit_share=settings.audit_share if parts.audit else 0.0,
        parts=parts,
    )


def needs_embeddings(asked: Asked) -> bool:
    """Whether labelled frames must be predicted too, so that candidates can be compared with them."""
    return asked.strategy in NEED_EMBEDDINGS or (asked.strategy == "informative" and asked.parts.diversity)


def round_of(catalogue: Catalogue) -> int:
    """Rounds done: 0 without an active model, then 1, and one more for each model that was judged against another."""
    if catalogue.active_model() is None:
        return 0
    return 1 + sum(cycle.incumbent is not None for cycle in catalogue.cycles())


def train_side(catalogue: Catalogue) -> list[FrameRecord]:
    """The labelled frames of patients that a model may learn from."""
    return [i.frame for i in catalogue.labelled_frames() if i.split not in ("validation", "test")]


def gather_pool(
    s: Session,
    frames: Sequence[FrameRecord],
    labelled: Sequence[FrameRecord],
    statistics: Mapping[str, Statistics],
    *,
    benefit: bool | None,
    seed: int,
) -> tuple[Pool, Looks]:
    """The candidates as strategies see them.

    Args:
        s: A session that writes: small grey values are kept where they were missing.
        frames: The candidates; with a model, each has a prediction.
        labelled: What is labelled already.
        statistics: What the active model says of the candidates, by frame id; empty without a model.
        benefit: What the audit says of choosing.
        seed: Random seed.
    """
    active = s.catalogue.active_model() if statistics else None
    frames, labelled = with_small_grey(s, frames), with_small_grey(s, labelled)
    embeddings = s.catalogue.latest_embeddings(active.id) if active is not None else {}
    known: dict[str, Any] = {}
    if active is not None:
        own = [statistics[f.frame_id] for f in frames]
        classes = s.catalogue.classes()  # they know the names that classes had before
        known = network_says(own, classes, pace=measured_pace(s.catalogue, classes))
        known["embeddings"] = _vectors(embeddings, frames, whole=True)
        known["benefit"] = benefit
    round_number = round_of(s.catalogue)
    pool = Pool(
        ids=tuple(f.frame_id for f in frames),
        clips=tuple(f.clip_id for f in frames),
        patients=tuple(f.patient or UNKNOWN + f.clip_id for f in frames),
        rng=np.random.default_rng([seed, round_number]),
        pixels=_pixels(frames),
        labelled=Labelled(
            patients=tuple(f.patient or UNKNOWN + f.clip_id for f in labelled),
            clips=tuple(f.clip_id for f in labelled),
            embeddings=_vectors(embeddings, labelled, whole=False),
            pixels=_pixels(labelled),
        ),
        round_number=round_number,
        planned_rounds=s.settings.select.planned_rounds,
        **known,
    )
    return pool, Looks([f.perceptual_hash for f in frames], [f.perceptual_hash for f in labelled])


def network_says(statistics: Sequence[Statistics], classes: Classes, *, pace: Pace = PRIOR) -> dict[str, Any]:
    """The pool's arrays that come from a network. What an older dmr did not keep of one frame is None for all.

    A class that a model does not know counts as absent.
    """
    names = [c.name for c in classes.active]
    place = {name: k for k, name in enumerate(names)}
    arrays: dict[str, Floats | None] = {}
    for field, key in (("entropy", "entropy"), ("presence", "peak"), ("guessed", "guessed_dice"), ("bald", "bald")):
        arrays[field] = _by_class(statistics, key, classes, place)
    length = _by_class(statistics, "length", classes, place)
    for field in ("entropy", "margin", "bald"):
        values = [own.get("whole", {}).get(field) for own in statistics]
        arrays[f"whole_{field}"] = None if None in values else np.array(values, np.float64)
    presence, guessed = arrays["presence"], arrays["guessed"]
    if presence is None or guessed is None or length is None:
        seconds = None
    else:
        seconds = pace.seconds(expected_work(presence, guessed, length, usual=Usual.of(presence, length)))
    return {"names": tuple(names), "seconds": seconds, **arrays}


def measured_pace(catalogue: Catalogue, classes: Classes) -> Pace:
    """The pace that the times in Label Studio tell; the assumed one as long as there are none.

    Frames that were drawn from nothing tell how fast somebody draws, corrected ones then how much drafts need.
    Times of a tab that was left open are left out.
    """
    timed = catalogue.timed_drawings()
    if not timed:
        return PRIOR
    whole = np.array([total_work(outline_work(d.drawn)) for d in timed])
    seconds, is_drafted = np.array([d.seconds for d in timed]), np.array([d.model is not None for d in timed])
    kept = ~left_open(whole, seconds, from_nothing=~is_drafted)
    rows: list[tuple[Floats, Floats, Floats, float]] = []
    for d in (own for own, stays in zip(timed, kept, strict=True) if stays and own.said is not None):
        scores = read_scores(d.frame, str(d.said))
        if scores is None:
            continue
        says = network_says([scores], classes)
        length = _by_class([scores], "length", classes, {name: k for k, name in enumerate(says["names"])})
        if length is not None:
            rows.append((says["presence"][0], says["guessed"][0], length[0], d.seconds))
    drawn = kept & ~is_drafted
    pace = fitted_pace(whole[drawn], seconds[drawn])
    if not rows:
        return pace
    presence, guessed, lengths, corrected = (np.array(own) for own in zip(*rows, strict=True))
    work = expected_work(presence, guessed, lengths, usual=Usual.of(presence, lengths))
    return fitted_pace(work, corrected, prior=pace)


def _by_class(
    statistics: Sequence[Statistics], key: str, classes: Classes, place: Mapping[str, int]
) -> NDArray[np.float64] | None:
    """`(n, C)`; None where a class's statistics lack the key. An undrawn class has no guessed Dice: it counts as 0."""
    table = np.zeros((len(statistics), len(place)))
    columns: dict[str, int | None] = {}
    for row, own in enumerate(statistics):
        for name, values in own.get("classes", {}).items():
            if key not in values:
                return None
            if name not in columns:
                known = classes.find(name)
                columns[name] = None if known is None else place.get(known.name)
            if (column := columns[name]) is not None:
                table[row, column] = values[key] or 0.0
    return table


def _pixels(frames: Sequence[FrameRecord]) -> Floats:
    """`(n, 256)`; zeros for a frame whose picture cannot be read."""
    flat = b"".join(f.small or bytes(SMALL * SMALL) for f in frames)
    return standardised(np.frombuffer(flat, np.uint8).reshape(len(frames), SMALL * SMALL))


def _vectors(
    embeddings: Mapping[str, bytes | None], frames: Sequence[FrameRecord], *, whole: bool
) -> NDArray[np.float16] | None:
    """`(n, d)` float16; None if none is known, or with `whole` if one is not."""
    own = [value for f in frames if (value := embeddings.get(f.frame_id))]
    if not own or (whole and len(own) < len(frames)):
        return None
    return np.frombuffer(b"".join(own), "<f2").reshape(len(own), -1)
