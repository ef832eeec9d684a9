"""`dmr demo`: the loop on synthetic frames, start to end, with a simulated physician."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from ..annotate.catalogue import Catalogue
from ..annotate.console import Tell
from ..annotate.errors import UsageError
from ..annotate.identity import frame_id
from ..annotate.importing import import_labelled
from ..annotate.labelme import labelme_to_annotation
from ..annotate.labelme_reading import read_labelme
from ..annotate.phantom.writing import PhantomSet, write_phantom
from ..annotate.report import Report
from ..annotate.shapes import Annotation
from ..annotate.sources import labelme_frames
from ..annotate.store import sha256_hex
from ..annotate.workspace import Workspace
from ..model.checkpoint import read_card
from ..model.settings import TrainSettings
from ..model.train import Progress
from ..model.training import train_model, train_settings
from .cycle import retrain
from .demo_figures import DemoFigures, ModelFigures, Stopwatch
from .demo_page import PAGE, Correction, write_page
from .prelabel import prelabel_scans
from .simulate import correct_drafts

# Few patients to learn from and many to test on: what twenty more frames bring is then seen, and not only hoped for.
LABELLED: Final = (20, 4)  # patients, and frames of each
NEW: Final = (12, 5)
SPLIT: Final = {"train": 0.3, "validation": 0.1, "test": 0.6}
CORRECTED: Final = 20  # frames
INPUT: Final = 128  # pixels: the smallest at which the plexus is still some pixels wide
_MARK: Final = "demo-scans"


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demonstration came to.

    Attributes:
        verdict: Of the gate on the second model.
        gain: Mean Dice of the second model less that of the first, over test patients.
        page: The page to look at.
        first_dice: Mean Dice of the first model over test patients; None where the gate could not compare.
        second_dice: Of the second model.
    """

    verdict: str
    gain: float
    page: Path
    first_dice: float | None
    second_dice: float | None


def finished_page(folder: Path) -> Path | None:
    """The page of a demo that was run there; None where there is none."""
    page = folder / "reports" / PAGE
    return page if page.is_file() and (folder / _MARK).is_dir() else None


def run_demo(
    folder: Path,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    show: Callable[[str], None],
    tell: Tell,
) -> Demo:
    """Make scans, import, train, pre-label, rank, correct, retrain, judge; leave an ordinary workspace.

    Args:
        folder: Of the workspace; a new one.
        steps: Of each training.
        seed: Of subjects and networks.
        device: To compute on.
        show: Told what is going on, a line each.
        tell: Told how far it is.

    Raises:
        UsageError: The folder is there and not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        what = "holds a demo that did not end" if (folder / _MARK).is_dir() else "holds other things"
        raise UsageError(folder, what, "Delete it, or name another folder: dmr demo FOLDER")
    if seed < 0:
        raise UsageError("demo --seed", f"is {seed}", "Give a number from 0")
    workspace, _ = Workspace.create(folder, coverage="all", split=SPLIT)
    scans = workspace.root / _MARK
    watch = Stopwatch()
    show("1. dmr phantom: synthetic Shamrock clips of virtual subjects, some of them with outlines.")
    _make_scans(scans, seed, tell)
    with workspace.catalogue() as catalogue:
        show("2. dmr import: the outlines go into the in-house database.")
        report = Report("import")
        with workspace.lock():
            _import(workspace, catalogue, scans / "labelled", report, tell)
        _say(report, show)
        watch.end("drawing and importing the scans")

        show(f"3. dmr train: DMRNet learns from the training patients ({steps} steps).")
        settings = train_settings(workspace.settings, input=INPUT, steps=steps, seed=seed)
        first = _train(workspace, catalogue, settings, device, tell)
        watch.end("training the first model")

        show("4. dmr prelabel new_scans: drafts, the most informative frames first.")
        report = Report("prelabel")
        with workspace.lock():
            made = prelabel_scans(
                workspace, catalogue, [scans / "new_scans"], device=device, report=report, on_progress=tell
            )
        assert made is not None  # no new scan is labelled
        _say(report, show)
        for r in made.ranking[:5]:
            show(f"   {r.rank:>2}. {r.frame_id}  {r.reason}")
        watch.end("predicting and ranking the new scans")

        show(f"5. A simulated physician corrects the first {CORRECTED}.")
        answers = _answers(workspace, scans)
        best = made.ranking[:CORRECTED]
        drafts = catalogue.latest_predictions(first)
        frames = {f.frame_id: f for f in catalogue.frames(r.frame_id for r in best)}
        corrections = [
            Correction(frames[r.frame_id], r.reason, drafts[r.frame_id].shapes, answers[r.frame_id]) for r in best
        ]
        report = Report("correct")
        with workspace.lock():
            done = correct_drafts(workspace, catalogue, list(frames), answers, report=report)
        show(
            f"   Structures left as drafted {done.kept}, redrawn {done.redrawn}, "
            f"added {done.added}, taken away {done.deleted}."
        )
        watch.end("correcting the drafts")

        show("6. dmr retrain: a second model from everything drawn, judged by the gate on test patients.")
        report = Report("retrain")
        cycle = retrain(
            workspace,
            catalogue,
            settings=settings,
            device=device,
            report=report,
            on_training=_timed(_on_training(tell, "Training again", steps), watch, "training the second model"),
            tell=tell,
        )
        assert cycle is not None  # there are corrections
        watch.end("judging both models")
        _say(report, show)
        verdict = report.data["cycle"]
        figures = DemoFigures(
            first=ModelFigures.of(read_card(workspace.models_folder / first), verdict["incumbent_dice"]),
            second=ModelFigures.of(read_card(workspace.models_folder / cycle.candidate), verdict["candidate_dice"]),
            verdict=verdict,
            corrected=len(best),
            structures=done,
            minutes=watch.minutes,
            seed=seed,
        )
        page = write_page(workspace, catalogue, corrections, figures=figures, device=device)
    return Demo(cycle.verdict, float(verdict["dice"]["value"]), page, figures.first.dice, figures.second.dice)


def _make_scans(scans: Path, seed: int, tell: Tell) -> None:
    """Clips with outlines in `labelled/`; others in `new_scans/`, with what is on them put aside in `answers/`."""
    sets = {
        "labelled": PhantomSet(*LABELLED, seed=2 * seed),
        "answers": PhantomSet(*NEW, seed=2 * seed + 1),
    }
    total = sum(s.patients * s.frames for s in sets.values())
    for name, wanted in sets.items():
        for n in write_phantom(scans / name, wanted):
            tell("Drawing scans", n, total)
    (scans / "new_scans").mkdir()
    for path in (scans / "answers").glob("*.png"):
        shutil.move(path, scans / "new_scans" / path.name)


def _import(workspace: Workspace, catalogue: Catalogue, folder: Path, report: Report, tell: Tell) -> None:
    classes = workspace.settings.classes
    ids = {c.name: c.id for c in classes}
    items = labelme_frames(
        [folder], resolve=ids.get, all_classes=frozenset(ids.values()), coverage="all", report=report
    )
    total = LABELLED[0] * LABELLED[1]
    import_labelled(workspace, catalogue, items, report=report, on_progress=lambda n: tell("Importing", n, total))


def _train(
    workspace: Workspace, catalogue: Catalogue, settings: TrainSettings, device: torch.device, tell: Tell
) -> str:
    return train_model(
        workspace,
        catalogue,
        settings=settings,
        device=device,
        report=Report("train"),
        on_progress=_on_training(tell, "Training", settings.steps),
    )


def _on_training(tell: Tell, what: str, steps: int) -> Callable[[Progress], None]:
    done = 0

    def on_progress(p: Progress) -> None:
        nonlocal done
        tell(what, p.step - done, steps, f"loss {p.loss:.2f}")
        done = p.step

    return on_progress


def _timed(on_progress: Callable[[Progress], None], watch: Stopwatch, part: str) -> Callable[[Progress], None]:
    """Counts the time up to the last step as the training's; what follows it is judging."""

    def timed(p: Progress) -> None:
        on_progress(p)
        watch.end(part)

    return timed


def _say(report: Report, show: Callable[[str], None]) -> None:
    for line in report.lines():
        show(f"   {line}")


def _answers(workspace: Workspace, scans: Path) -> dict[str, Annotation]:
    """What is truly on the new scans, by frame id."""
    classes, key = workspace.settings.classes, workspace.key
    ids = {c.name: c.id for c in classes}
    answers = {}
    for path in sorted((scans / "answers").glob("*.json")):
        image = (scans / "new_scans" / path.name).with_suffix(".png")
        file = read_labelme(path)
        height, width = int(file.height or 0), int(file.width or 0)
        answer, _ = labelme_to_annotation(
            file, resolve=ids.get, height=height, width=width, covered=frozenset(ids.values())
        )
        answers[frame_id(key, source_sha256=sha256_hex(image.read_bytes()), index=0)] = answer
    return answers
