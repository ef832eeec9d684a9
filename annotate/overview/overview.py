"""What `dmr status` shows: what is in a workspace, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..catalogue.catalogue import DrawnClass
from ..catalogue.records import CycleRecord
from ..settings.conflicts import ConflictUse
from ..wording import counted
from ..workspace import Session
from .audit_figures import audit_figures
from .audit_table import audit_data, audit_lines
from .class_table import class_figures, class_table
from .model_card import interrupted_at
from .queue_lines import queue_figures, queue_lines


def overview(s: Session) -> str:
    """The text of `dmr status`. The report gets the same facts for programs, and what to do next."""
    counts = s.catalogue.counts()
    if n := counts["open conflicts"]:
        s.report.say(_disputed(n, use=s.settings.conflict.use))
    drawn, active = s.catalogue.drawn_classes(), s.catalogue.active_model()
    model = active.id if active else None
    cycles = s.catalogue.cycles()
    last = cycles[-1] if cycles else None
    s.report.data["status"] = {**counts, "active model": model}
    s.report.data["last_cycle"] = last and {"candidate": last.candidate, "verdict": last.verdict, **last.bounds}
    figures = class_figures(s.workspace, s.catalogue.classes(), drawn, model=model, report=s.report)
    s.report.data |= figures
    audit = audit_figures(s.catalogue)
    s.report.data["audit"] = audit_data(audit, s.settings.classes)
    if (step := interrupted_at(s.workspace.models_folder)) is not None:
        s.report.say(
            f"A training was interrupted at step {step}. Run the same command to go on, or `dmr train --finish` to "
            "make a version of what it has learnt so far."
        )
    for line in _unread(counts):
        s.report.say(line)
    models = len(s.catalogue.models())
    s.report.say(f"Next: {_next_step(counts, drawn, models=models, active=active is not None)}.")
    s.report.data["queues"] = queue_figures(s.catalogue)
    queues = queue_lines(s.report.data["queues"])
    told = [*_lines(counts, model=model, last=last), *queues, "", class_table(figures, model=model)]
    return "\n".join([*told, *audit_lines(audit, s.settings.classes)])


def _disputed(n: int, *, use: ConflictUse) -> str:
    many = f"The readers of {counted(n, 'frames')} disagree."
    meanwhile = {
        "leave-out": "Until that is settled, nothing is learnt from these frames, and no model is judged on them.",
        "consensus": "Until that is settled, only the classes on which they agree count there.",
    }[use]
    return f"{many} {meanwhile} `dmr conflicts` lists them."


def _unread(counts: Mapping[str, int]) -> Iterator[str]:
    if submitted := counts["submitted but not readable"]:
        yield f"{counted(submitted, 'submitted annotations')} could not be read; see `dmr pull`."
    if held := counts["submitted empty, not confirmed"]:
        verb = "waits" if held == 1 else "wait"
        yield f"{counted(held, 'submitted annotations')} without outlines {verb} to be confirmed; see `dmr pull`."
    if edits := counts["edits not readable"]:
        yield f"{counted(edits, 'edited files')} could not be read; see `dmr import`."
    if frames := counts["frames in doubt"]:
        where = counted(frames, "labelled frames")
        yield f"In {where}, what may be drawn there counts as neither present nor absent until it is read or drawn."


def _lines(counts: Mapping[str, int], *, model: str | None, last: CycleRecord | None) -> list[str]:
    width = max(len(what) for what in counts)
    lines = [f"{what:<{width}}  {n}" for what, n in counts.items() if n or what in ("frames", "frames labelled")]
    lines.append(f"{'active model':<{width}}  {model or 'none'}")
    if last is not None:
        against = f" against {last.incumbent}" if last.incumbent else ""
        reason = last.bounds.get("reason", "")
        lines.append(f"{'last verdict':<{width}}  {last.candidate}{against}: {last.verdict}; {reason}")
        if told := (last.bounds.get("trainings") or {}).get("told"):
            lines.append(f"{'':<{width}}  {told}")
    return lines


def _next_step(counts: Mapping[str, int], drawn: Mapping[int, DrawnClass], *, models: int, active: bool) -> str:
    """The next thing to do, as a sentence without a full stop."""
    if not counts["frames"]:
        return "`dmr import FOLDER` to add outlines that you have, or `dmr prelabel FOLDER` for scans without outlines"
    if not counts["frames labelled"] and not counts["frames to choose from"]:
        return "`dmr prelabel FOLDER` for more scans: of those that are here, no frame is left to draw on"
    if active:
        return (
            "`dmr prelabel FOLDER` for new scans. Correct their drafts in Label Studio with `dmr push`, or in Labelme "
            "with `dmr open`. Then `dmr retrain`"
        )
    if not counts["frames labelled"]:
        return "`dmr open` to draw on the frames that come first"
    if not drawn:
        return (
            f"none of the {counted(counts['frames labelled'], 'labelled frames')} shows an outline of a class. `dmr "
            "import FOLDER --dry-run` says what was left out of the files, and which lines of dmr.toml to change. Then "
            "import again, or draw with `dmr open`"
        )
    if not any(own.frames["train"] for own in drawn.values()):
        return "add outlines of more patients with `dmr import FOLDER` or `dmr open`: no training patient has any yet"
    if models:
        return (
            "no model is active, because none has learnt enough yet. Train longer (`dmr train --minutes 60`), or "
            "outline more frames"
        )
    return "`dmr train`"
