"""`dmr demo`: run the whole loop on synthetic frames, with a simulated physician."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from ...annotate.errors import DmrError, UsageError
from ...annotate.progress.tell import Tell, silent
from ...annotate.report import Report
from ...annotate.settings.template import SHAMROCK_CLASSES
from ...annotate.wording import counted
from ...annotate.workspace import Session, Workspace
from ...model.computing.device import pick_device
from ...model.computing.threads import thread_choice
from ...model.network.checkpoint import read_card
from ...model.training.plan import seconds_a_step
from ...model.training.settings import TrainSettings, train_settings
from ...model.training.train import train_model
from ..prelabel import prelabel_scans
from ..retrain import retrain
from ..simulation.physician import Corrected, correct_drafts
from .figures import DemoFigures, ModelFigures
from .journal import SCANS, Journal
from .page import PAGE, Correction, write_page
from .scans import LABELLED, draw_scans, import_scans, scan_answers

SPLIT: Final = {"train": 0.3, "validation": 0.1, "test": 0.6}
CORRECTED: Final = 20  # frames
INPUT: Final = 128  # pixels: the smallest grid on which the plexus is still some pixels wide
BATCH: Final = 8  # frames
EPOCHS: Final = 45  # for both models: the one with more frames takes more steps
LEAST_EPOCHS: Final = 40  # with fewer, the first model draws too little for a demonstration
TRAINING_S: Final = 400.0  # seconds for both trainings together, unless LEAST_EPOCHS take longer


@dataclass(frozen=True, slots=True)
class Demo:
    """The result of a demo.

    Attributes:
        verdict: The gate's decision on the second model.
        gain: Mean Dice of the second model minus that of the first, on test patients.
        page: The page to look at.
        figures: The figures on the page.
    """

    verdict: str
    gain: float
    page: Path
    figures: DemoFigures


def finished_page(folder: Path) -> Path | None:
    """The page of a demo that was finished in this folder; None if there is none."""
    page = folder / "reports" / PAGE
    return page if page.is_file() and (folder / SCANS).is_dir() else None


def run_demo(
    folder: Path,
    *,
    steps: int | None,
    seed: int,
    device: str = "auto",
    show: Callable[[str], None],
    tell: Tell = silent,
) -> Demo:
    """Draw scans, import, train, pre-label, rank, correct, retrain and judge; leave an ordinary workspace.

    A demo that was interrupted goes on where it stopped.

    Args:
        folder: The workspace to make, or one that an interrupted demo has begun.
        steps: Steps of each training; None for what this PC does in some minutes.
        seed: Random seed of the subjects and the networks.
        device: Where to compute, as in `--device`.
        show: Gets lines about what is going on.
        tell: Gets the progress.

    Raises:
        UsageError: The folder holds other files, or a demo of another seed or of other steps.
    """
    if seed < 0:
        raise UsageError("demo --seed", f"is {seed}", "Give 0 or more")
    journal = Journal(folder, seed=seed)
    workspace = _workspace(folder, journal)
    if journal.begun:
        show("Goes on with the demo that was interrupted here.")
    with workspace.session(tell=tell, device=device) as s:
        try:
            return _Run(s, journal, seed, show).to_end(steps)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None  # a training's message names options that the demo does not have


def _workspace(folder: Path, journal: Journal) -> Workspace:
    """The demo's workspace. The journal is written first, so that a killed demo's folder is recognised as one."""
    journal.save()
    try:
        return Workspace.create(folder, coverage="all", split=SPLIT)[0]
    except DmrError:
        if not journal.begun:
            shutil.rmtree(folder / SCANS)
        raise


@dataclass(frozen=True, slots=True)
class _Run:
    """The parts of a demo, in order; each is done once."""

    s: Session
    journal: Journal
    seed: int
    show: Callable[[str], None]

    @property
    def scans(self) -> Path:
        return self.s.workspace.root / SCANS

    def to_end(self, steps: int | None) -> Demo:
        self.journal.part("drawing and importing the scans", self._scans)
        settings, smaller = self._settings(steps)
        first = str(self.journal.part("training the first model", lambda: self._first(settings))["model"])
        ranking = self.journal.part("predicting and ranking the new scans", self._ranking)["first"]
        corrections = self._corrections(ranking, first)
        structures = Corrected(**self.journal.part("correcting the drafts", lambda: self._correct(corrections)))
        verdict = self.journal.part("training the second model and judging both", lambda: self._second(settings))
        cards = [read_card(self.s.workspace.models_folder / model) for model in (first, str(verdict["candidate"]))]
        figures = DemoFigures(
            first=ModelFigures.of(cards[0], verdict["incumbent_dice"]),
            second=ModelFigures.of(cards[1], verdict["candidate_dice"]),
            verdict=verdict,
            corrected=len(corrections),
            structures=structures,
            minutes=self.journal.minutes,
            smaller=smaller,
            seed=self.seed,
        )
        self.s.tell("Writing the page", 0, None)
        page = write_page(self.s, corrections, figures=figures)
        gain = float(verdict["dice"]["value"])
        return Demo(str(verdict["verdict"]), gain, page, figures)

    def _scans(self) -> dict[str, Any]:
        self.show("1. dmr phantom: synthetic Shamrock clips of virtual subjects, some of them with outlines.")
        draw_scans(self.scans, self.seed, self.s.tell)
        self.show("2. dmr import: the outlines go into the in-house database.")
        with self._part("import") as s, s.writing():
            import_scans(s, self.scans / "labelled")
        return {}

    def _settings(self, steps: int | None) -> tuple[TrainSettings, str | None]:
        """The settings of both trainings, and a line if they were made smaller for this PC."""
        settings = train_settings(self.s.settings, input=INPUT, seed=self.seed, batch=BATCH)

        def measured() -> dict[str, Any]:
            if steps is not None:
                return {"steps": steps, "epochs": None, "smaller": None}
            self.s.tell("Measuring this PC", 0, None)
            device = pick_device(self.s.device)
            pace_s = seconds_a_step(
                settings, frames=BATCH, classes=len(SHAMROCK_CLASSES), device=device, threads=thread_choice()
            )
            epochs = affordable_epochs(pace_s)
            smaller = f"A step of training takes {pace_s:.1f} s now, so both models get {epochs} epochs, not {EPOCHS}."
            return {"steps": None, "epochs": epochs, "smaller": smaller if epochs < EPOCHS else None}

        chosen = self.journal.part("measuring this computer", measured)
        if steps is not None and steps != chosen["steps"]:
            what = "holds a demo " + ("without --steps" if chosen["steps"] is None else f"of --steps {chosen['steps']}")
            raise UsageError(self.s.workspace.root, what, "Leave --steps out, or name another folder: dmr demo FOLDER")
        if chosen["smaller"]:
            self.show(f"   {chosen['smaller']}")
        if chosen["epochs"] is None:
            return replace(settings, steps=int(chosen["steps"]), chosen=()), None
        return replace(settings, epochs=int(chosen["epochs"]), chosen=()), chosen["smaller"]

    def _first(self, settings: TrainSettings) -> dict[str, Any]:
        long = counted(settings.steps, "steps") if settings.epochs is None else counted(settings.epochs, "epochs")
        self.show(f"3. dmr train: DMRNet learns from the training patients ({long}).")
        s = replace(self.s, report=Report("train"))
        # Activated even if it has learnt nothing, so that a demo of few steps can go on.
        model = train_model(s, settings=settings, say=self._told, activate=True)
        for line in s.report.words:
            if line.startswith((f"{model}: ", "Verdict: ")):
                self._told(line)
        return {"model": model}

    def _ranking(self) -> dict[str, Any]:
        self.show("4. dmr prelabel new_scans: drafts, the most informative frames first.")
        with self._part("prelabel") as s, s.writing():
            made = prelabel_scans(s, [self.scans / "new_scans"])
        assert made is not None  # the new scans are not labelled
        for r in made.ranking[:5]:
            self.show(f"   {r.rank:>2}. {r.frame_id}  {r.reason}")
        return {"first": [[r.frame_id, r.reason] for r in made.ranking[:CORRECTED]]}

    def _corrections(self, ranking: Sequence[tuple[str, str]], model: str) -> list[Correction]:
        answers, drafts = scan_answers(self.s.workspace, self.scans), self.s.catalogue.latest_predictions(model)
        records = {f.frame_id: f for f in self.s.catalogue.frames(frame for frame, _ in ranking)}
        return [Correction(records[f], why, drafts[f].shapes, answers[f]) for f, why in ranking]

    def _correct(self, corrections: Sequence[Correction]) -> dict[str, Any]:
        self.show(f"5. A simulated physician corrects the first {len(corrections)}.")
        s = replace(self.s, report=Report("correct"))
        with s.writing():
            done = correct_drafts(s, {c.frame.frame_id: c.truth for c in corrections})
        self.show(
            f"   Structures: {done.kept} kept as drafted, {done.redrawn} redrawn, "
            f"{done.added} added, {done.deleted} taken away."
        )
        return asdict(done)

    def _second(self, settings: TrainSettings) -> dict[str, Any]:
        self.show("6. dmr retrain: a second model learns from all outlines; the gate judges it on test patients.")
        with self._part("retrain") as s:
            retrain(s, settings=settings, say=self._told, bar="Training again")
        cycle = self.s.catalogue.cycles()[-1]  # also there if the demo was interrupted after the verdict
        return {"candidate": cycle.candidate, "verdict": cycle.verdict, **cycle.bounds}

    @contextmanager
    def _part(self, command: str) -> Iterator[Session]:
        """A session with its own report, which is shown at the end."""
        s = replace(self.s, report=Report(command))
        yield s
        for line in s.report.lines():
            self._told(line)

    def _told(self, line: str) -> None:
        self.show(f"   {line}")


def affordable_epochs(pace_s: float) -> int:
    """How many epochs of both trainings fit into `TRAINING_S`; from `LEAST_EPOCHS` to `EPOCHS`.

    Args:
        pace_s: Seconds a step.
    """
    first = round(SPLIT["train"] * LABELLED[0]) * LABELLED[1]
    steps = (first + first + CORRECTED) / BATCH  # of one epoch of both trainings
    return max(LEAST_EPOCHS, min(EPOCHS, int(TRAINING_S / steps / pace_s)))
