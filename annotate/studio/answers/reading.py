"""Label Studio's JSON -> `records`. Every odd value is found and reported here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ...shapes import Point
from ...system.clock import utc_text
from ...wording import quoted
from ..interface.adjudication import CHOICE
from .figures import KEYS, Figure, read_figure
from .raw import NO_REGION, further_keys, is_tick, raw_json
from .records import OddAnswer, Project, StudioAnnotation, StudioRegion, StudioTask, TaskData

_SHOWN: Final = 40  # characters shown of an odd value
_MOST: Final = 2**63 - 1  # the largest number that a database keeps
_FAR: Final = 10_000  # percent: an outline may lie outside of the image, but not so far


def member(answer: object, name: str) -> Any:
    """A value of a JSON object or an object of the SDK; None if it has none of this name."""
    return answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)


def whole(answer: object, name: str) -> int:
    """A whole number of an object. Raises OddAnswer."""
    value = member(answer, name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST:
        raise OddAnswer(f"its {name} is {_shown(value)}")
    return value


def moment(answer: object, name: str) -> datetime:
    """A time of an object, with its zone. Raises OddAnswer."""
    value = member(answer, name)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise OddAnswer(f"its {name} is {_shown(value)}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def items(answer: object, name: str) -> Sequence[Any]:
    """A list of an object. Raises OddAnswer."""
    value = member(answer, name)
    if not isinstance(value, list):
        raise OddAnswer(f"its {name} is {_shown(value)}")
    return value


def read_project(answer: object) -> Project:
    """A project. Raises OddAnswer."""
    return Project(
        id=whole(answer, "id"),
        title=str(member(answer, "title") or ""),
        config=str(member(answer, "label_config") or ""),
        model_version=str(member(answer, "model_version") or ""),
        sampling=str(member(answer, "sampling") or ""),
        is_prefilled=bool(member(answer, "show_collab_predictions")),
        people=1 if member(answer, "maximum_annotations") is None else whole(answer, "maximum_annotations"),
    )


def read_task(answer: object, *, is_known: Callable[[str], bool] = bool) -> StudioTask:
    """A task. If one annotation is wrong, its `problem` says so, and the others stay valid.

    Args:
        answer: As the server wrote it.
        is_known: Whether a text is a label of `dmr.toml`, or the name of the project's image; the JSON to keep holds no
            other text.

    Raises:
        OddAnswer: The object is no task.
    """
    predictions = member(answer, "predictions")
    versions = {
        p["id"]: str(p.get("model_version") or "")
        for p in (predictions if isinstance(predictions, list) else [])
        if isinstance(p, Mapping) and isinstance(p.get("id"), int)
    }
    try:
        annotations = tuple(read_annotation(a, is_known=is_known) for a in _items_if_any(answer, "annotations"))
    except OddAnswer as error:
        raw = raw_json({"result": member(answer, "annotations")}, is_known=is_known)
        annotations = (StudioAnnotation(id=0, raw=raw, problem=str(error)),)
    return StudioTask(whole(answer, "id"), read_data(member(answer, "data")), annotations, versions)


def read_data(data: object) -> TaskData:
    """A task's data. Somebody may have changed it, or made the task by hand."""
    image, frame, reason, clip = (_text(member(data, name)) for name in ("image", "frame_id", "reason", "clip"))
    rank = member(data, "rank")
    return TaskData(frame, image, rank if isinstance(rank, int) else 0, reason, clip)


def read_annotation(answer: object, *, is_known: Callable[[str], bool] = bool) -> StudioAnnotation:
    """An annotation. If something is wrong with it, its `problem` says so. For `is_known` see `read_task`."""
    raw = raw_json(answer if isinstance(answer, Mapping) else {"result": answer}, is_known=is_known)
    try:
        number = whole(answer, "id")
    except OddAnswer as error:
        return StudioAnnotation(id=0, raw=raw, problem=str(error))
    is_skipped = bool(member(answer, "was_cancelled"))
    try:
        results = [] if is_skipped else _items_if_any(answer, "result")
        return StudioAnnotation(
            id=number,
            raw=raw,
            user=_user(member(answer, "completed_by")),
            at=_time(member(answer, "updated_at")),
            is_skipped=is_skipped,
            regions=tuple(read_regions(results)),
            notes=count_notes(results),
            is_ticked=any(map(is_tick, results)),
            lead_time_s=_seconds(member(answer, "lead_time")),
            parent_prediction=_number(answer, "parent_prediction"),
            parent_annotation=_number(answer, "parent_annotation"),
            choice=_choice(results),
        )
    except OddAnswer as error:
        return StudioAnnotation(id=number, raw=raw, is_skipped=is_skipped, problem=str(error))


def read_regions(results: Sequence[object]) -> list[StudioRegion]:
    """The drawn regions of an annotation's `result`. Entries about the whole frame, and notes, are passed over.

    Raises:
        OddAnswer: An entry is no object.
    """
    regions = []
    drawn = _drawn_ids(results)
    for result in results:
        if not isinstance(result, Mapping):
            raise OddAnswer(f"a result in it is {_shown(result)}")
        if not _is_beside(result) or (_has_place(result) and not _is_note(result, drawn)):
            regions.append(_read_region(result))
    return regions


def count_notes(results: Sequence[object]) -> int:
    """The number of notes on outlines: texts, choices and numbers beside a region that is drawn."""
    drawn = _drawn_ids(results)
    return sum(isinstance(result, Mapping) and _is_note(result, drawn) for result in results)


def _choice(results: Sequence[object]) -> str:
    """What was chosen of the whole frame between the readers; empty for nothing, or for more than one."""
    own = [r.get("value") for r in results if isinstance(r, Mapping) and r.get("from_name") == CHOICE]
    found = [text for value in own for text in _labels(member(value, "choices")) or ()]
    return found[0] if len(found) == 1 else ""


def _drawn_ids(results: Sequence[object]) -> set[str]:
    regions = [result for result in results if isinstance(result, Mapping) and not _is_beside(result)]
    return {own for region in regions if isinstance(own := region.get("id"), str)}


def _is_beside(result: Mapping[str, Any]) -> bool:
    return _kind(result.get("type")) in NO_REGION


def _has_place(result: Mapping[str, Any]) -> bool:
    value = result.get("value")
    return "original_width" in result or (isinstance(value, Mapping) and "points" in value)


def _is_note(result: Mapping[str, Any], drawn: set[str]) -> bool:
    """Whether a result says something of an outline that is drawn: it has the outline's id, and its place again."""
    number = result.get("id")
    return _is_beside(result) and _has_place(result) and isinstance(number, str) and number in drawn


def _read_region(result: Mapping[str, Any]) -> StudioRegion:
    """A region; the first of its odd values is its problem.

    Corners are percents of the image. So the size of the image may be missing, as in tasks that another program made.
    """
    kind, value = _kind(result.get("type")), result.get("value")
    problems = [] if isinstance(value, Mapping) else [f"a region has the value {_shown(value)}"]
    value = value if isinstance(value, Mapping) else {}
    if not isinstance(result.get("type"), str):
        problems.append(f"a region has the type {kind}")
    if (labels := _labels(value.get(kind))) is None:
        problems.append(f"a region has the labels {_shown(value[kind])}, not texts")
        labels = ()
    if (points := _points(value.get("points") or [])) is None:
        problems.append(f"an outline of {quoted(labels[0] if labels else '')} has a corner that is no number")
    figure: Figure | None = None
    if kind in KEYS:
        try:
            figure = read_figure(value, kind)
        except ValueError as error:
            problems.append(f"an outline of {quoted(labels[0] if labels else '')} {error}")
    if (rotation := _finite(result.get("image_rotation") or 0)) is None:
        problems.append(f"a region is turned by {_shown(result['image_rotation'])}")
    if further := further_keys(value, kind):
        problems.append(
            f"an outline of {quoted(labels[0] if labels else '')} has more than corners: {quoted(further[0])}"
        )
    sizes = []
    for name in ("original_width", "original_height"):
        if (side := _finite(result.get(name) or 0)) is None:
            problems.append(f"a region has the {name} {_shown(result[name])}")
        sizes.append(side or 0.0)
    return StudioRegion(
        id=str(result.get("id")),
        kind=kind,
        labels=labels,
        points=points or (),
        width=sizes[0],
        height=sizes[1],
        rotation=rotation or 0.0,
        is_closed=bool(value.get("closed", True)),
        problem=next(iter(problems), ""),
        control=_text(result.get("from_name")),
        image=_text(result.get("to_name")),
        figure=figure,
    )


def _labels(named: object) -> tuple[str, ...] | None:
    """The labels of a region, where each says something; None if they are no list of texts."""
    if not isinstance(named, list | None) or not all(isinstance(label, str | None) for label in named or ()):
        return None
    return tuple(dict.fromkeys(label for label in named or () if label and label.strip()))


def _kind(value: object) -> str:
    return value if isinstance(value, str) else _shown(value)


def _points(values: object) -> tuple[Point, ...] | None:
    """The corners; None if one of them is no pair of numbers."""
    points: list[Point] = []
    for corner in values if isinstance(values, list) else [values]:
        x, y = map(_finite, corner) if isinstance(corner, list) and len(corner) == 2 else (None, None)
        if x is None or y is None or max(abs(x), abs(y)) > _FAR:
            return None
        points.append((x, y))
    return tuple(points)


def _finite(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number too large for a float
        return None


def _items_if_any(answer: object, name: str) -> Sequence[Any]:
    return [] if member(answer, name) is None else items(answer, name)


def _user(who: object) -> int:
    """A user's number. `completed_by` is a number in lists, an object elsewhere, and null if the account is gone."""
    if who is None:
        return 0
    return whole(who if isinstance(who, Mapping) else {"id": who}, "id")


def _time(value: object) -> str:
    try:
        return utc_text(datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError):  # the first and the last day have no other zone
        raise OddAnswer(f"its updated_at is {_shown(value)}") from None


def _seconds(value: object) -> float | None:
    seconds = None if value is None else _finite(value)
    if seconds is None and value is not None:
        raise OddAnswer(f"its lead_time is {_shown(value)}")
    return seconds


def _number(answer: object, name: str) -> int | None:
    return None if member(answer, name) is None else whole(answer, name)


def _text(value: object) -> str:
    """Text that a database keeps."""
    return value if isinstance(value, str) and value.encode("utf-8", "ignore").decode() == value else ""


def _shown(value: object) -> str:
    """An odd value in a message. What an object or a list holds is not told: it may be a name."""
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    whole = str(value)
    return json.dumps(value if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}…", ensure_ascii=False, default=str)
