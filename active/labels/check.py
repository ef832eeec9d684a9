"""`dmr check --labels`: compare outlines with models that have not learnt from the patient, the most doubtful first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.errors import UsageError, WorkspaceError
from ...annotate.scans.images import encode_png
from ...annotate.system.store import write_atomic
from ...annotate.wording import PICTURE_HELD
from ...annotate.workspace import Session
from ...model.computing.device import pick_device
from ...model.training.settings import TrainSettings
from .compare import compare
from .doubt import Label, doubts, hardly_seen, outlines_of
from .folds import kept_folds, train_folds
from .grids import Seen, drawn_layers, look_of
from .sheet import doubts_sheet
from .table import NAME, LabelDoubt, write_labels
from .unlearnt import by_versions

WHERE: Final = "check --labels"
SHOWN: Final = 20  # the most doubtful, in the pictures
SHEET: Final = "labels.png"


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What was found.

    Attributes:
        doubts: All judged pairs of frame and class, the most doubtful first.
        table: The file with all of them.
        sheet: Pictures of the most doubtful.
    """

    doubts: tuple[LabelDoubt, ...]
    table: Path
    sheet: Path


def check_labels(s: Session, *, folds: int | None = None, settings: TrainSettings | None = None) -> LabelCheck:
    """Rank all pairs of labelled frame and class by how doubtful the label is.

    Each frame is judged by a model that has not learnt from its patient: one of the models of `folds`, or else the
    newest version that has not.

    Args:
        s: The session; its report gets counts and words.
        folds: Train so many models first, each without a part of the patients; None to train none.
        settings: How to train them; needed with `folds`.

    Raises:
        UsageError: There are fewer patients than folds, or no model can judge any frame.
        WorkspaceError: Nothing is labelled.
    """
    pick_device(s.device)  # a wrong device is refused now
    everything = s.catalogue.settled_frames()
    if not everything:
        raise WorkspaceError(WHERE, "no frame is labelled yet", "Bring outlines in: dmr import")
    labelled = [item for item in everything if item.frame.patient is not None]
    if len(labelled) < len(everything):
        s.report.count("frames of an unknown patient, left out", len(everything) - len(labelled))
    if folds is not None and settings is not None:
        train_folds(s, labelled, count=folds, settings=settings)
    labels, by = _labels(s, labelled)
    s.report.count("frames judged", len(by))
    if not by:
        what = "there is no model that has not learnt from the labelled patients"
        raise UsageError(WHERE, what, "Train some that leave patients out: dmr check --labels --folds 5")
    if len(by) < len(labelled):
        s.report.count("frames that no model can judge", len(labelled) - len(by))
    if poor := [s.settings.classes.by_id(k).name for k in hardly_seen(labels)]:
        what = f"The models see next to nothing of {', '.join(poor)}, so its outlines are not judged"
        s.report.say(f"{what}: train longer, for example --minutes 30.")
    by_id = {item.frame.frame_id: item for item in labelled}
    found = _in_order(s, labels, by, by_id)
    folder = s.workspace.reports_folder
    worst = [d for d in found if d.what][:SHOWN]
    for held in dict.fromkeys(d.frame for d in worst if not by_id[d.frame].frame.may_leave):
        s.report.note(PICTURE_HELD, held)
    worst = [d for d in worst if by_id[d.frame].frame.may_leave]
    s.tell("Drawing the pictures", 0, None)
    shown = {d.frame: by_id[d.frame] for d in worst}
    picture = doubts_sheet(s, worst, labelled=by_id, seen={one.frame: one for one in _seen(s, [*shown.values()])})
    with s.writing():
        write_labels(folder / NAME, found)
        write_atomic(folder / SHEET, encode_png(picture))
    s.report.count("labels worth a look", sum(bool(d.what) for d in found))
    return LabelCheck(tuple(found), folder / NAME, folder / SHEET)


def _seen(s: Session, labelled: Sequence[LabelledFrame]) -> Iterator[Seen]:
    """What models see that have not learnt from the patient: the models of the last `--folds` first."""
    done = set()
    for one in kept_folds(s, labelled):
        if one.frame not in done:
            done.add(one.frame)
            yield one
    yield from by_versions(s, [item for item in labelled if item.frame.frame_id not in done])


def _in_order(
    s: Session, labels: Sequence[Label], by: Mapping[str, str], labelled: Mapping[str, LabelledFrame]
) -> list[LabelDoubt]:
    names = s.settings.classes.predicted
    told = {class_id: name.replace("_", " ") for class_id, name in names.items()}
    unseen = {names[k] for k in hardly_seen(labels)}
    found = [
        LabelDoubt(
            frame=label.frame,
            class_name=names[label.comparison.class_id],
            score=round(doubt.score, 4),
            what=doubt.what,
            drawn=label.outlines > 0,
            covered=label.covered,
            judged_by=by[label.frame],
            split=labelled[label.frame].split or "",
            revision=labelled[label.frame].revision,
        )
        for label, doubt in zip(labels, doubts(labels, names=told), strict=True)
    ]
    # A model that sees nothing of a class doubts every outline of it.
    found = [replace(d, score=0.0, what="") if d.class_name in unseen else d for d in found]
    return sorted(found, key=lambda d: (-d.score, d.frame, d.class_name))


def _labels(s: Session, labelled: Sequence[LabelledFrame]) -> tuple[list[Label], dict[str, str]]:
    """All labels that can be judged, and by which model each frame is judged."""
    by_id = {item.frame.frame_id: item for item in labelled}
    names = s.settings.classes.predicted
    labels: list[Label] = []
    by: dict[str, str] = {}
    for one in _seen(s, labelled):
        item = by_id[one.frame]
        by[one.frame] = one.by
        drawn = drawn_layers(item, class_ids=one.class_ids, size=one.probabilities.shape[-1])
        found = compare(one.probabilities, drawn, class_ids=one.class_ids, contains=s.settings.classes.contained)
        look = look_of(one.small)
        labels += [
            Label(
                frame=one.frame,
                patient=item.frame.patient or "",
                look=look,
                side_px=max(item.frame.height, item.frame.width),
                outlines=outlines_of(item.annotation, c.class_id),
                covered=c.class_id in item.annotation.covered,
                comparison=c,
            )
            for c in found
            if c.class_id in names
        ]
    return labels, by
