"""`dmr evaluate`: judge a model version on labelled frames of the workspace or from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...annotate.classes import Classes, canonical_label
from ...annotate.errors import UsageError
from ...annotate.intake.outside import labelme_frames
from ...annotate.report import Report
from ...annotate.scans.discover import files_below
from ...annotate.scans.similarity import perceptual_hash
from ...annotate.settings.model import Coverage, Split
from ...annotate.system.store import write_atomic
from ...annotate.wording import counted
from ...annotate.workspace import Session
from ..data.dataset import Sample
from ..data.loading import learnt_hashes, looks_learnt, outside_samples, workspace_samples
from ..evaluation.evaluate import evaluate
from ..evaluation.metrics import guess_correlation, patient_intervals, summarise, summary_values
from ..evaluation.page import evaluation_page
from ..network.checkpoint import read_card
from .load import load_predictor


@dataclass(frozen=True, slots=True)
class Outside:
    """Labelme files from elsewhere, which are only read.

    Attributes:
        folder: A folder, or a single file.
        renames: Class name by label in the files; it goes before the workspace's own names and aliases.
        coverage: `drawn` or `all`; None for the setting in `dmr.toml`.
    """

    folder: Path
    renames: Mapping[str, str]
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VersionEvaluation:
    """The figures of a model version.

    Attributes:
        version: The version.
        where: The patients that it was judged on, in words.
        title: Says which version was judged on which frames.
        summary: Metrics of each class; see `metrics.summarise`.
        intervals: 95 % intervals of Dice; see `metrics.patient_intervals`.
        calibration_error: Calibration error of each class; nan if it is not known.
        correlation: Correlation of guessed and true Dice; see `metrics.guess_correlation`.
        page: The page with the frames worth a look; relative to the workspace.
    """

    version: str
    where: str
    title: str
    summary: pd.DataFrame
    intervals: pd.DataFrame
    calibration_error: Mapping[str, float]
    correlation: pd.Series[float]
    page: str

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "model": self.version,
            "on": self.where,
            "classes": summary_values(self.summary),
            "intervals": summary_values(self.intervals),
            "calibration_error": _rounded(self.calibration_error),
            "guess_correlation": _rounded({str(name): float(v) for name, v in self.correlation.items()}),
            "page": self.page,
        }


def evaluate_version(
    s: Session, *, model: str | None = None, split: Split = "test", outside: Outside | None = None
) -> VersionEvaluation:
    """Judge a version, and write a page with the frames worth a look.

    Args:
        s: The session; its report gets files that cannot be read, and frames that are not a fair test.
        model: The version; None for the active one.
        split: The patients whose frames are scored.
        outside: Files from elsewhere to score instead.

    Raises:
        UsageError: There is no frame to judge on, or no such class or version.
        ModelError: The version's files are missing or damaged.
    """
    classes = s.catalogue.classes()  # a model may know classes that were retired later
    count, samples_of = _own_samples(s, split) if outside is None else _outside_samples(s, outside, classes)
    s.tell("Loading the model", 0, None)
    version, predictor = load_predictor(s, model=model, frames=count)
    samples = samples_of(version)
    names = {c.id: c.name for c in classes}
    done = evaluate(predictor, samples(s.report), classes=classes, tell=s.tell, what="Evaluating", of=count)
    table = done.table
    if table.empty:
        what = f"the {split} patients have no labelled frame" if outside is None else "no file covers a class of yours"
        raise UsageError("evaluate", what, "Choose another --split, or name the classes with --map LABEL=CLASS")
    where = f"{split} patients" if outside is None else "patients from outside"
    frames = counted(table["frame"].nunique(), "frames")
    title = f"{version} on {frames} of {counted(table['patient'].nunique(dropna=False), where)}"
    s.tell("Drawing the page", 0, None)
    path = s.workspace.reports_folder / f"evaluation-{version}-{_page_name(s, split, outside)}.html"
    held = _held(s, table) if outside is None else []
    page = evaluation_page(
        done,
        title=title,
        card=read_card(s.workspace.models_folder / version),
        split=split if outside is None else None,
        predictor=predictor,
        samples=lambda: samples(Report("evaluate")),  # unreadable files were reported the first time
        classes=classes,
        held=held,
    )
    write_atomic(path, page)
    return VersionEvaluation(
        version,
        where,
        title,
        summarise(table),
        patient_intervals(table),
        dict(zip((names[int(i)] for i in predictor.class_ids[1:]), done.reliability.error(), strict=True)),
        guess_correlation(table),
        s.workspace.relative(path),
    )


def _held(s: Session, table: pd.DataFrame) -> list[str]:
    """The frames of a table of scores that are in quarantine; the report says how many the page does not show."""
    held = [f.frame_id for f in s.catalogue.frames(dict.fromkeys(map(str, table["frame"]))) if not f.may_leave]
    if held:
        s.report.count("frames in quarantine, scored and not shown", len(held))
    return held


def _page_name(s: Session, split: Split, outside: Outside | None) -> str:
    """The name of the page: one for each split, and one for each outside folder that does not tell its name."""
    if outside is None:
        return split
    return f"outside-{s.workspace.key.digest('outside folder', str(outside.folder.resolve()))[:8]}"


_Samples = Callable[[Report], Iterator[Sample]]
"""Gives the frames each time it is called; the report gets files that cannot be read."""


def _own_samples(s: Session, split: Split) -> tuple[int, Callable[[str], _Samples]]:
    """The number of the workspace's frames in a split, and a function that gives them for a version."""
    labelled = s.catalogue.settled_frames([split])
    return len(labelled), lambda _: lambda said: workspace_samples(s.workspace, labelled, report=said)


def _outside_samples(s: Session, outside: Outside, classes: Classes) -> tuple[int, Callable[[str], _Samples]]:
    """The number of files, and a function that gives their frames for a version; it notes those the version learnt."""

    def of(version: str) -> _Samples:
        resolve = _resolver(s.settings.classes, outside.renames)
        learnt = learnt_hashes(s.catalogue, [m for m in s.catalogue.models() if m.id == version])

        def samples(said: Report) -> Iterator[Sample]:
            items = labelme_frames(
                [outside.folder],
                resolve=resolve,
                all_classes=frozenset(c.id for c in classes.active),
                coverage=outside.coverage or s.settings.imports.coverage,
                report=said,
                ignored=s.settings.imports.ignores,
            )
            return _noting_learnt(outside_samples(s.workspace, items), learnt, version, said)

        return samples

    return len(files_below([outside.folder], frozenset({".json"}))), of


def _noting_learnt(found: Iterator[Sample], learnt: NDArray[np.uint64], version: str, said: Report) -> Iterator[Sample]:
    for sample in found:
        if looks_learnt(perceptual_hash(sample.pixels), learnt):
            said.note(f"looks like a frame that {version} learnt from (not a fair test)", sample.frame)
        yield sample


def parse_renames(renames: Sequence[str]) -> dict[str, str]:
    """Read `--map` options, `LABEL=CLASS` each: class name by label."""
    parts = (rename.partition("=") for rename in renames)
    return {label: name for label, _, name in parts}


def _resolver(classes: Classes, renames: Mapping[str, str]) -> Callable[[str], int | None]:
    """Make the function that gives a label's class id: by `renames` first, then by the workspace's names and aliases.

    Raises:
        UsageError: A name in `renames` is not a class.
    """
    mapped: dict[str, int] = {}
    for label, name in renames.items():
        found = classes.find(name)
        if found is None:
            where = f"--map {label}={name}"
            raise UsageError(where, f"{name!r} is not a class", f"Use one of {', '.join(classes.names)}")
        mapped[canonical_label(label)] = found.id

    def resolve(text: str) -> int | None:
        if (class_id := mapped.get(canonical_label(text))) is not None:
            return class_id
        found = classes.find(text)  # also a retired class: the model may know it
        return found.id if found else None

    return resolve


def _rounded(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else round(float(value), 4) for name, value in figures.items()}
