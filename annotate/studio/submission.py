"""What a physician submitted in Label Studio, as a revision: outlines, coverage, and whose draft was corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..catalogue.catalogue import Catalogue
from ..catalogue.records import FrameRecord, RevisionRecord
from ..settings.model import Settings
from ..shapes import Annotation
from ..system.canonical import canonical_json
from ..system.clock import utc_text
from ..workspace import Workspace
from .payload import Region, regions_to_shapes
from .queues import OpenQueue, draft_regions, model_of

# What the server changes by itself: how long ago that was, and the pre-label once its predictions are replaced.
_VOLATILE: Final = ("created_ago", "parent_prediction")


def raw_json(annotation: Mapping[str, Any]) -> bytes:
    """An annotation as the server told it, but for what changes by itself."""
    return canonical_json({k: v for k, v in annotation.items() if k not in _VOLATILE}).encode("utf-8", "surrogatepass")


def submitted_revision(
    annotation: Mapping[str, Any],
    *,
    task: Mapping[str, Any],
    frame: FrameRecord,
    author: str,
    raw_sha256: str,
    over: str | None,
    was_empty: bool,
    opened: OpenQueue,
    catalogue: Catalogue,
    workspace: Workspace,
) -> RevisionRecord:
    """Convert one annotation; it covers every class that its project offers.

    Args:
        annotation: As the server tells it.
        task: Its task, with its predictions.
        frame: The task's frame.
        author: Who submitted it.
        raw_sha256: Of the blob with its JSON.
        over: The revision that it was begun from, where it was another annotation.
        was_empty: The task was pushed without a draft.
        opened: Its queue.
        catalogue: Knows what was predicted.
        workspace: Knows the classes.

    Raises:
        ValueError: It cannot be taken over without losing something.
    """
    classes = workspace.settings.classes

    def resolve(label: str) -> int | None:
        found = classes.find(label)
        return None if found is None or found.retired else found.id

    model, sent = _draft(annotation, task=task, frame=frame, opened=opened, catalogue=catalogue, workspace=workspace)
    regions, _ = without_ignored(annotation["result"] or (), workspace.settings)
    shapes = regions_to_shapes(regions, resolve=resolve, height=frame.height, width=frame.width, sent=sent)
    lead_time = annotation.get("lead_time")
    return RevisionRecord(
        frame=frame.frame_id,
        rendition=frame.pixel_sha256,
        author=author,
        origin="studio",
        annotation=Annotation(frame.height, frame.width, shapes, frozenset(opened.interface.labels)),
        parent=over,
        blind=model is None and was_empty,
        raw_sha256=raw_sha256,
        lead_time_s=None if lead_time is None else float(lead_time),
        draft_model=model,
        at=utc_text(datetime.fromisoformat(str(annotation["updated_at"]))),
    )


def without_ignored(regions: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[list[Mapping[str, Any]], int]:
    """The regions but for those whose label is ignored, and how many those are."""

    def stays(region: Mapping[str, Any]) -> bool:
        value = region.get("value")
        named = value.get(str(region.get("type"))) if isinstance(value, Mapping) else None
        return not (isinstance(named, list) and named and settings.imports.ignores(str(named[0])))

    kept = [region for region in regions if stays(region)]
    return kept, len(regions) - len(kept)


def _draft(
    annotation: Mapping[str, Any],
    *,
    task: Mapping[str, Any],
    frame: FrameRecord,
    opened: OpenQueue,
    catalogue: Catalogue,
    workspace: Workspace,
) -> tuple[str | None, list[Region]]:
    """The model whose draft was corrected, and what was sent of it.

    The regions' ids tell, for they stay through every correction; where all were deleted, the annotation's parent.
    """
    ids = {str(item.get("id")) for item in annotation["result"] or ()}
    sent = {
        p.model: draft_regions(p.shapes, p.model, frame, interface=opened.interface, workspace=workspace)
        for p in catalogue.frame_predictions(frame.frame_id)
        if p.rendition == frame.pixel_sha256
    }
    for model, regions in sent.items():
        if ids & {str(region.payload["id"]) for region in regions}:
            return model, regions
    parent = annotation.get("parent_prediction")
    versions = {int(p["id"]): str(p["model_version"]) for p in task.get("predictions", ())}
    seen = model_of(versions.get(int(parent), "")) if parent else ""
    return (seen, sent[seen]) if sent.get(seen) else (None, [])
