"""The audit slice of a round: frames drawn at random, half of them to be outlined without the model's draft."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..annotate.catalogue.audits import AuditRecord
from ..annotate.catalogue.catalogue import Catalogue
from ..annotate.catalogue.records import FrameRecord

_STREAM: Final = 0xA0D17  # so that the slice does not hang on the numbers that the strategy draws


def draw_audits(
    catalogue: Catalogue,
    frames: Sequence[FrameRecord],
    *,
    share: float,
    per_round: int,
    round_number: int,
    model: str,
    seed: int,
) -> dict[str, AuditRecord]:
    """Draw what this round still lacks, and keep it; every other one goes out without a draft.

    It is drawn once a round. If scans come in during the round, the slice grows with them as far as it is smaller than
    its share of the round. Frames of earlier slices that nobody has labelled yet count for this round.

    Args:
        catalogue: The catalogue, open to write.
        frames: The frames that may be drawn: unlabelled, with a draft, not of validation or test patients.
        share: Share of a round that is drawn at random.
        per_round: Frames of a round.
        round_number: The round.
        model: The active model, whose drafts are measured.
        seed: Random seed.

    Returns:
        The frames of the slice, of this and earlier rounds, that are among `frames`.
    """
    known = catalogue.audits()
    drawn_now = {frame for frame, a in known.items() if a.round == round_number}
    there = {f.frame_id for f in frames}
    size = share * min(per_round, len(there | drawn_now))
    wanted = round(size) - len(drawn_now | (known.keys() & there))
    if size >= 1 and wanted > 0:  # of a handful of frames, none is spent
        free = sorted(f.frame_id for f in frames if f.frame_id not in known)
        rng = np.random.default_rng([seed, round_number, len(known), _STREAM])
        drawn = [
            AuditRecord(frame=free[i], round=round_number, blind=k % 2 == 0, model=model)
            for k, i in enumerate(rng.permutation(len(free))[:wanted], len(known))
        ]
        catalogue.add_audits(drawn)
        known |= {a.frame: a for a in drawn}
    own = {f.frame_id: known[f.frame_id] for f in frames if f.frame_id in known}
    stale = [frame for frame, a in own.items() if a.model != model]
    if stale:
        catalogue.measure_audits(stale, model=model)
    return own


def audit_place(frame: str) -> float:
    """Where a frame of the slice stands among the first frames, 0 to 1: by chance, and each time the same."""
    return int(hashlib.sha256(f"audit {frame}".encode()).hexdigest()[:8], 16) / 16**8
