"""What `dmr status` says of physicians' time: seconds a frame, and the minutes that drafts save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from ...annotate import hiding
from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.classes import Classes
from ...annotate.render.text_table import text_table
from ...annotate.shapes import Annotation, Shape, changed_classes
from ...annotate.wording import counted
from ...annotate.workspace import Session
from ..selection.drawn_work import LEAST_OPEN_S, MOST_TIMES, outline_work
from .saved import LEAST_DRAWN, LEAST_OWN, Saved, Saving, Timed, saved


def timed_frames(catalogue: Catalogue) -> list[Timed]:
    """The frames whose time is known, as `saved` takes them."""
    merged = catalogue.merged_classes()
    found = []
    for own in catalogue.timed_drawings():
        drawn, draft = _merged(own.drawn.shapes, merged), _merged(own.draft, merged)
        lengths = outline_work(Annotation(own.drawn.height, own.drawn.width, drawn, frozenset()))
        changed = changed_classes(drawn, draft)
        found.append(Timed(own.patient, own.author, own.seconds, own.model, lengths, changed))
    return found


def minute_lines(s: Session, *, tables: bool) -> list[str]:
    """What to print; nothing where no time is known. The report gets the figures for programs.

    Args:
        s: The session.
        tables: Show the time by model, physician and structure too.
    """
    found = saved(timed_frames(s.catalogue))
    hiding.seen_people(found.seconds_by_author)
    classes = s.catalogue.classes()
    s.report.data["minutes"] = _data(found, classes) if found.is_told else None
    if not found.is_told:
        return []
    lines = [*told(found)]
    if tables:
        lines += [line for table in _tables(found, classes) for line in ("", table)]
    return lines


def told(found: Saved) -> list[str]:
    """In a few lines."""
    rows = found.seconds_by_author.values()
    lines = []
    if found.corrected:
        mean = sum(n * mean for _, _, n, mean in rows) / found.corrected
        lines.append(f"Time in Label Studio: {counted(found.corrected, 'drafts')} corrected, {mean:.0f} s each.")
    else:
        mean = sum(n * mean for n, mean, _, _ in rows) / found.from_nothing
        lines.append(
            f"Time in Label Studio: {counted(found.from_nothing, 'frames')} drawn from nothing, {mean:.0f} s each."
        )
    if found.whole is not None:
        lines += [f"  {line}" for line in _saving_lines(found.whole)]
        if others := found.corrected - found.whole.frames:
            who = f"physicians who drew fewer than {LEAST_OWN} from nothing"
            lines.append(f"  Not compared: {counted(others, 'frames')} of {who}.")
    elif found.corrected:
        lines.append(f"  {_too_few(found)}")
    if found.left_out:
        lines.append(
            f"  Left out: {counted(found.left_out, 'frames')} over {LEAST_OPEN_S / 60:.0f} minutes and over "
            f"{MOST_TIMES:.0f} times what drawing takes: a tab was left open."
        )
    return lines


def _saving_lines(whole: Saving) -> list[str]:
    """What drawing takes, and the sum of what was saved on the frames that were corrected so far."""
    assert whole.low is not None
    assert whole.high is not None
    n = whole.frames
    low, high = whole.low * n / 60, whole.high * n / 60
    if low > 0:
        what = f"Drafts have saved {whole.saved_s * n / 60:.0f} minutes ({low:.0f} to {high:.0f})"
    elif high < 0:
        what = f"Drafts have cost {-whole.saved_s * n / 60:.0f} minutes ({-high:.0f} to {-low:.0f})"
    else:
        what = f"Nobody can tell yet whether drafts save time: {low:.0f} to {high:.0f} minutes"
    basis = f"Drawing the same from nothing takes {whole.drawn_s:.0f} s, by frames that went out without a draft."
    return [basis, f"{what} on {counted(n, 'frames')}."]


def _too_few(found: Saved) -> str:
    if found.counted < LEAST_DRAWN:
        few = f" by physicians with {LEAST_OWN} or more" if found.from_nothing > found.counted else ""
        return (
            f"Too few frames drawn from nothing to say what drafts save: {found.counted} of {LEAST_DRAWN}{few}. Frames "
            "of test patients, and some of the audit slice, are drawn from nothing."
        )
    return f"Too few drafts corrected to say what they save; it takes {LEAST_DRAWN} of physicians who are compared."


def _tables(found: Saved, classes: Classes) -> Iterable[str]:
    head = ["corrected", "s each", "from nothing", "saved a frame"]
    if found.by_model:
        yield text_table([["drafts of", *head], *([m, *_cells(one)] for m, one in found.by_model.items())])
    people = [["physician", "drawn from nothing", "s each", "drafts corrected", "s each", "saved a frame"]]
    for author, (drawn, drawn_s, corrected, corrected_s) in found.seconds_by_author.items():
        saving = found.by_author.get(author)
        row = [str(drawn), _seconds(drawn, drawn_s), str(corrected), _seconds(corrected, corrected_s)]
        people.append([hiding.hidden(author), *row, "-" if saving is None else _interval(saving)])
    yield text_table(people)
    if found.structures:
        rows = [["structure", "frames", "left as drafted", "s each", "from nothing"]]
        for class_id, own in found.structures.items():
            if (name := _name(classes, class_id)) is not None:
                share = f"{100 * own.as_drafted / own.frames:.0f} %"
                rows.append([name, str(own.frames), share, f"{own.corrected_s:.0f}", f"{own.drawn_s:.0f}"])
        yield text_table(rows)


def _cells(one: Saving) -> list[str]:
    return [str(one.frames), _seconds(one.frames, one.corrected_s), _seconds(one.frames, one.drawn_s), _interval(one)]


def _seconds(frames: int, mean: float) -> str:
    return f"{mean:.0f}" if frames else "-"


def _interval(one: Saving) -> str:
    if one.low is None or one.high is None:
        return "too few"
    return f"{one.saved_s:.0f} s ({one.low:.0f} to {one.high:.0f})"


def _name(classes: Classes, class_id: int) -> str | None:
    return next((c.name for c in classes.active if c.id == class_id), None)


def _data(found: Saved, classes: Classes) -> dict[str, Any]:
    """The figures as JSON values."""

    def saving(one: Saving) -> dict[str, Any]:
        return asdict(one) | {"saved_s": one.saved_s}

    names = ("drawn", "drawn_s", "corrected", "corrected_s")
    return {
        "drawn_from_nothing": found.from_nothing,
        "corrected": found.corrected,
        "left_out": found.left_out,
        "saved": None if found.whole is None else saving(found.whole),
        "models": {model: saving(one) for model, one in found.by_model.items()},
        "physicians": {
            author: dict(zip(names, row, strict=True))
            | {"saved": saving(found.by_author[author]) if author in found.by_author else None}
            for author, row in found.seconds_by_author.items()
        },
        "structures": {
            name: asdict(own) for i, own in found.structures.items() if (name := _name(classes, i)) is not None
        },
    }


def _merged(shapes: Iterable[Shape], merged: Mapping[int, int]) -> tuple[Shape, ...]:
    return tuple(replace(shape, class_id=merged.get(shape.class_id, shape.class_id)) for shape in shapes)
