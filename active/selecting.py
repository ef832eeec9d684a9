"""`dmr select`: rank all frames that nobody has labelled and those to draw again, and show those to draw next."""

from __future__ import annotations

from dataclasses import asdict, replace

from ..annotate.editing.checkout import held_out
from ..annotate.editing.edits import sync_checkout
from ..annotate.editing.none_left import why_none
from ..annotate.errors import WorkspaceError
from ..annotate.workspace import Session
from ..model.computing.device import pick_device
from .drafts import no_model
from .labels.table import label_doubts
from .ranking import Ranking, rank_unlabelled
from .selection.select import check_strategy


def select_frames(
    s: Session, *, strategy: str | None = None, frames: int | None = None, seed: int | None = None
) -> Ranking:
    """Rank all frames that nobody has labelled yet, and those to draw again.

    Args:
        s: A session that writes; its report gets counts, words and the ranking.
        strategy: For this ranking only; None for what `dmr.toml` says.
        frames: Frames of a round, for this ranking only; None for what `dmr.toml` says.
        seed: Random seed; None for that of `dmr.toml`.

    Raises:
        SettingsError: There is no such strategy.
        UsageError: The strategy needs what is not known of these frames.
        WorkspaceError: There is nothing to choose from.
    """
    pick_device(s.device)
    if strategy is not None:
        check_strategy(strategy, where="select --strategy")
    settings = s.settings.select
    settings = replace(
        settings, strategy=strategy or settings.strategy, frames_per_round=frames or settings.frames_per_round
    )
    check_strategy(settings.strategy)
    sync_checkout(s)
    _refuse_no_choice(s)
    ranking, _ = rank_unlabelled(s, settings=settings, seed=seed)
    if s.catalogue.active_model() is None:
        s.report.say(f"{no_model(s.catalogue)}: the frames are ranked for a cold start.")
    s.report.count("frames ranked", len(ranking.order) - len(ranking.again))
    if ranking.again:
        s.report.count("labelled frames to draw again", len(ranking.again))
    s.report.data |= {"strategy": settings.strategy, "ranking": [asdict(row) for row in ranking.rows]}
    return ranking


def _refuse_no_choice(s: Session) -> None:
    """Raise a WorkspaceError where there are not two clips to choose between, and nothing to draw again."""
    if s.settings.select.parts.again is not False and label_doubts(s):
        return
    frames = s.catalogue.unlabelled_frames()
    remedy = "Bring in new scans: `dmr ingest FOLDER` or `dmr prelabel FOLDER`"
    if not frames:
        raise WorkspaceError("select", why_none(s.catalogue), remedy)
    held = held_out(s.catalogue, frames)
    clips = {f.clip_id for f in frames if f.frame_id not in held and f.sector is not None}
    if not clips:
        what = "all unlabelled frames are of validation and test patients, or show nothing: they are not chosen by rank"
        raise WorkspaceError("select", what, f"Draw them with `dmr open`, or b{remedy[1:]}")
    if len(clips) == 1:
        count = len(frames) - len(held)
        what = f"all {count} frames to choose from are of one clip, so they are nearly the same"
        draw = "Draw some of them"
        if count == 1:
            what, draw = "there is only one frame to choose from", "Draw it"
        raise WorkspaceError("select", what, f"{draw} with `dmr open`, or b{remedy[1:]}")
