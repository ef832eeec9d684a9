"""What `dmr simulate` does: check the wishes, run what is left, write the page and what its forecasts taught."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...annotate.errors import UsageError, WorkspaceError
from ...annotate.settings.model import NetworkSize
from ...annotate.system.appended import whole_lines
from ...annotate.system.platform import exclusive_lock
from ...annotate.system.store import write_atomic
from ...annotate.wording import counted
from ...annotate.workspace import Session
from ...model.computing.device import pick_device
from ...model.training.settings import TrainSettings
from ..forecast.learning import CORRECTION
from ..selection.strategies import BASELINE
from .book import OWN_KEY
from .check import limits, long_enough, protocol_check
from .curves import curve_points, full_dice, to_goals
from .learner import OutOfTimeError, network_name
from .lines import budget_rows, read_lines
from .page import simulation_page
from .protocol import strategy_of
from .run import LONGER, Plan, Simulation
from .study import Study, load_study
from .teach import teach

FOLDER: Final = "simulation"  # in reports/
STRATEGIES: Final = ("informative", BASELINE, "random")
FIRST, SMALL_FIRST, MOST = 16, 4, 256  # frames: the first budget, that of a small workspace, and the last one
SEEDS, STEPS, INPUT = 5, 600, 128


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; see `dmr simulate --help`."""

    strategies: tuple[str, ...] = STRATEGIES
    seeds: int = SEEDS
    budgets: tuple[int, ...] | None = None
    steps: int = STEPS
    size: NetworkSize = "s"
    input: int = INPUT
    minutes: float | None = None


def simulate(s: Session, wishes: Wishes, *, say: Callable[[str], None]) -> Path | None:
    """Run the simulation as far as the minutes allow, and write its page.

    Args:
        s: The session; its report gets counts, words and the figures.
        wishes: What is asked for.
        say: Gets a line at once about what is done.

    Returns:
        The page; None where no training is done yet.

    Raises:
        UsageError: The wishes cannot be met with this workspace.
        WorkspaceError: Another simulation is running here.
    """
    began = time.monotonic()
    for name in wishes.strategies:
        strategy_of(name)  # refused before anything is read
    try:
        settings = TrainSettings(size=wishes.size, input=wishes.input, steps=wishes.steps)
    except ValueError as error:
        raise UsageError("simulate", str(error), "Give another value") from error
    device = pick_device(s.device)
    folder = s.workspace.reports_folder / FOLDER
    s.tell("Reading the frames", 0, None)
    study = load_study(s, size=wishes.input)
    plan = Plan(wishes.strategies, tuple(range(wishes.seeds)), budgets_for(study, wishes.budgets), settings)
    folder.mkdir(parents=True, exist_ok=True)
    say(_announced(study, plan))

    def left() -> float:
        return math.inf if wishes.minutes is None else 60 * wishes.minutes - (time.monotonic() - began)

    complete = True
    try:
        with exclusive_lock(folder / ".lock", wait_s=0):
            simulation = Simulation(s, study, plan, folder=folder, device=device, left=left)
            try:
                simulation.run()
            except OutOfTimeError:
                complete = False
    except TimeoutError:
        remedy = "Wait for it to finish, or stop it, and try again"
        raise WorkspaceError(folder, "another dmr simulate is running here", remedy) from None
    if not complete:
        s.report.say("The minutes are used up. The same command goes on from here.")
    elif not s.report.counts["trainings done"]:
        s.report.say("Nothing new: all trainings are done.")
    return write_page(s, study, plan, folder=folder, complete=complete)


def budgets_for(study: Study, wished: tuple[int, ...] | None) -> tuple[int, ...]:
    """The budgets, each twice the last unless others are wished for.

    Raises:
        UsageError: They do not rise, or there are too few frames for two.
    """
    most = study.smallest_pool
    if wished is not None:
        if len(wished) < 2 or list(wished) != sorted(set(wished)) or wished[0] < 2:
            told = ",".join(map(str, wished))
            raise UsageError(
                "simulate", f"--budgets {told}", "Give at least two rising numbers from 2 on, as in 16,32,64"
            )
        if wished[-1] > most:
            what = f"--budgets asks for {wished[-1]} frames, and {most} may be labelled when a fold is held out"
            raise UsageError("simulate", what, "Give smaller numbers")
        return wished
    first = FIRST if most > 2 * FIRST else SMALL_FIRST
    found = [first]
    while 2 * found[-1] <= min(most, MOST):
        found.append(2 * found[-1])
    if len(found) < 2 or found[-1] > most:
        what = f"{counted(most, 'labelled frames')} when a fold is held out: too few to simulate rounds"
        raise UsageError(
            "simulate", what, f"It takes {2 * SMALL_FIRST}. Outline more frames, or import them: dmr import"
        )
    return tuple(found)


def _announced(study: Study, plan: Plan) -> str:
    patients = len(set(study.table.patients.tolist()))
    return (
        f"{counted(plan.trainings, 'trainings')} of {network_name(plan.settings)} x {plan.settings.input}, "
        f"{counted(plan.settings.steps, 'steps')} each and one of {LONGER * plan.settings.steps}, "
        f"on {counted(len(study.table.ids), 'frames')} of {counted(patients, 'patients')}; "
        f"budgets {', '.join(map(str, plan.budgets))}. Test patients are left out. "
        "After Ctrl-C the same command goes on."
    )


def write_page(s: Session, study: Study, plan: Plan, *, folder: Path, complete: bool) -> Path | None:
    """Write `index.html` of all lines that belong together, and put the figures into the report."""
    path = folder / "simulate.csv"
    if not whole_lines(path):
        return None
    network, steps = network_name(plan.settings), plan.settings.steps
    lines = read_lines(path, key=OWN_KEY)
    lines = lines[(lines["network"] == network) & (lines["data"] == study.data)]
    whole = plan.rounds(len(plan.budgets))
    lines = lines[[r == "-" or f"{whole} ".startswith(f"{r} ") for r in lines["rounds"]]]
    rows, full = budget_rows(lines[lines["steps"] == steps])
    check = protocol_check(lines, steps=steps, first=plan.budgets[0], longer=LONGER * steps)
    for line in check:
        s.report.say(line)
    if not len(rows):
        return None
    shown = [n for n in dict.fromkeys((*plan.strategies, *rows["strategy"])) if n in set(rows["strategy"])]
    seeds = sorted(int(k) for k in rows["seed"].unique())
    held = {p for seed in seeds for p in study.table.patients[study.held_out(seed)].tolist()}
    frames, patients = len(study.table.ids), len(set(study.table.patients.tolist()))
    facts = [
        ("Frames", f"{counted(frames, 'frames')} of {counted(patients, 'training and validation patients')}"),
        (
            "Network",
            f"{network} x {plan.settings.input} pixels, {counted(steps, 'steps')} each round, with augmentation",
        ),
        ("Seeds", f"{len(seeds)}; seed k holds out one of {study.fold_count} parts of the patients"),
        ("All frames", f"Dice {full_dice(full, seeds):.3f}, the mean of {len(full)}"),
    ]
    made = simulation_page(
        rows,
        full,
        strategies=shown,
        facts=facts,
        check=check,
        limits=limits(rows, held_out=len(held), network=network),
        complete=complete,
    )
    page = folder / "index.html"
    write_atomic(page, made)
    s.report.data["simulation"] = _figures(rows, full, complete=complete) | {"page": s.workspace.relative(page)}
    enough = bool(long_enough(lines, steps=steps, longer=LONGER * steps))
    teach(
        rows,
        full,
        path=s.workspace.reports_folder / CORRECTION,
        network=network,
        steps=steps,
        enough=enough,
        report=s.report,
    )
    return page


def _figures(rows: pd.DataFrame, full: pd.DataFrame, *, complete: bool) -> dict[str, Any]:
    goals = to_goals(rows, full, against=["random", BASELINE]).reset_index()
    return {
        "complete": complete,
        "full_dice": _value(full_dice(full, [])),
        "curves": [{k: _value(v) for k, v in row.items()} for row in curve_points(rows).to_dict("records")],
        "goals": [{k: _value(v) for k, v in row.items()} for row in goals.to_dict("records")],
    }


def _value(value: Any) -> Any:
    """A JSON value; None for what is not known."""
    if isinstance(value, str):
        return value
    return None if math.isnan(value) else round(float(value), 4)
