"""A workspace's projects in Label Studio: find or make them, and check their labels."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...catalogue.catalogue import Catalogue
from ...catalogue.records import FrameRecord, LabelledFrame, PredictionRecord, Queue
from ...classes import ClassDef, Classes
from ...errors import StudioError
from ...settings.model import QueueSettings, Settings
from ...system.canonical import canonical_json
from ...wording import quoted
from ...workspace import Session, Workspace
from ..answers.records import Project
from ..interface.config import ELLIPSES, NOTHING, TICK, Interface, beside_image, read_interface
from ..interface.smart import has_smart, with_smart
from ..server.credentials import need_login
from .payload import DraftRegion, shapes_to_regions
from .picture import show_picture
from .texts import project_texts, queue_mark

if TYPE_CHECKING:
    from ..server.client import StudioClient

MAIN: Final = QueueSettings(name="main")
GONE_TOO: Final = (
    "What was pulled is kept. What nobody had submitted, or nobody had pulled, went with it; frames that were skipped "
    "come again."
)
VIEW: Final = "Most informative first"
IN_ORDER: Final = "In order"  # the view where frames are read again: their order is by chance
READINGS: Final = "readings"  # in place of a model in the versions of predictions of queues that read again
ORDERING: Final = "tasks:predictions_score"
COLUMNS: Final = (  # without the score: it is the rank alone, and reads as the model's confidence
    "tasks:data.image",
    "tasks:data.reason",
    "tasks:total_annotations",
    "tasks:cancelled_annotations",
    "tasks:annotators",
    "tasks:completed_at",
)


@dataclass(frozen=True, slots=True)
class OpenQueue:
    """A queue whose project was found on the server.

    Attributes:
        queue: The catalogue's record of the queue.
        project: The project on the server.
        interface: What can be drawn in it.
    """

    queue: Queue
    project: Project
    interface: Interface


@contextmanager
def studio_client(workspace: Workspace) -> Iterator[StudioClient]:
    """A connection to the workspace's server.

    Raises:
        StudioError: No server is set up, it does not answer, or it is too old to be safe.
    """
    login = need_login(workspace.settings)
    from ..server.client import StudioClient  # the SDK takes seconds to import

    with StudioClient(login) as client:
        yield client


def queue_settings(settings: Settings) -> tuple[QueueSettings, ...]:
    """The queues of `dmr.toml`; where none is for corrections, one called `main` comes first."""
    named = settings.studio.queues
    has_main = any(queue.purpose == "correct" or queue.name == MAIN.name for queue in named)
    return named if has_main else (MAIN, *named)


def pulled_queues(settings: Settings, catalogue: Catalogue) -> list[QueueSettings]:
    """The queues of `dmr.toml`, and those no longer named there, because their submissions count too."""
    named = queue_settings(settings)
    former = [q for q in catalogue.queues() if q.name not in {queue.name for queue in named}]
    return [*named, *(QueueSettings(name=q.name, purpose=q.purpose, reader=q.reader) for q in former)]


def open_queue(s: Session, client: StudioClient, wanted: QueueSettings, *, create: bool) -> OpenQueue | None:
    """Find a queue's project, or make it.

    A project is recognised by a mark in its description, not by its number. So no second project is made after a push
    was killed before it recorded the number, and a number that the server has reused does no harm.

    Returns:
        The queue; None if it has no project and `create` is false.

    Raises:
        StudioError: The project's labels are not those of the workspace.
    """
    classes = s.settings.classes
    mark = queue_mark(s.catalogue, wanted)
    known = s.catalogue.queue(wanted.name)
    project = client.find_project(mark) or _unmarked(s, client, known)
    if project is None:
        if known is not None and s.catalogue.queue_tasks(known.id):
            s.report.note("its project is gone from Label Studio; what was pulled from it is kept", wanted.name)
            s.catalogue.drop_queue_tasks(known.id)
        if not create:
            return None
        if known is not None and known.server == client.url:
            s.report.say(f"Project {quoted(wanted.name)} was deleted in Label Studio and is made again. {GONE_TOO}")
        new = project_texts(s.catalogue, wanted, classes=classes, workspace=s.workspace.root.name)
        project = client.create_project(
            new.title, description=new.description, config=new.config, instructions=new.instructions
        )
        show_picture(client, project, instructions=new.instructions)
    elif known is not None and known.project != project.id:
        s.catalogue.drop_queue_tasks(known.id)  # this is another project, so the old tasks' numbers are wrong
    _refuse_other_purpose(known, wanted, s.catalogue)
    queue = s.catalogue.put_queue(
        wanted.name, server=client.url, project=project.id, purpose=wanted.purpose, reader=wanted.reader
    )
    return OpenQueue(queue, project, interface_of(project, classes))


def _refuse_other_purpose(known: Queue | None, wanted: QueueSettings, catalogue: Catalogue) -> None:
    """A project keeps its purpose: what was submitted there would count as another reading from now on."""
    if known is not None and known.purpose != wanted.purpose and catalogue.queue_tasks(known.id):
        what = f"its project was made for {quoted(known.purpose)}, and dmr.toml says {quoted(wanted.purpose)}"
        raise StudioError(f"queue {quoted(wanted.name)}", what, "Give the new queue a name of its own")


def interface_of(project: Project, classes: Classes) -> Interface:
    """What can be drawn in a project.

    Raises:
        StudioError: Its labelling interface cannot be read.
    """
    try:
        return read_interface(project.config, classes=classes)
    except ValueError as error:
        remedy = "Repair it in the project's Settings, Labeling Interface"
        raise StudioError(f"project {quoted(project.title)}", str(error), remedy) from None


def _unmarked(s: Session, client: StudioClient, known: Queue | None) -> Project | None:
    """The queue's last project, if it still holds the queue's frames: then somebody has changed its description."""
    if known is None or known.server != client.url or (project := client.project(known.project)) is None:
        return None
    frames = s.catalogue.queue_tasks(known.id)
    if not any(task.frame_id in frames for task in client.tasks(project.id)):
        return None
    s.report.note("the project's description no longer has the word by which dmr finds it", known.name)
    return project


def with_labels(config: str, classes: Sequence[ClassDef]) -> str:
    """A labelling interface with more labels, otherwise unchanged."""
    root = ElementTree.fromstring(config)
    polygons = next(iter(root.iter("PolygonLabels")))
    ellipses = [tag for tag in root.iter(ELLIPSES) if tag.get("toName") == polygons.get("toName")][:1]
    for control in (polygons, *ellipses):
        there = {label.get("value"): label.get("html") for label in control.iter("Label")}
        for c in classes:
            if c.name not in there:
                label = ElementTree.SubElement(control, "Label", {"value": c.name, "background": c.color})
                if html := next(iter(there.values()), None):  # a circle, where the name stands beside it
                    label.set("html", html)
    made = ElementTree.tostring(root, encoding="unicode")
    return with_smart(made) if has_smart(made) else made


def has_tick(config: str) -> bool:
    """Whether a labelling interface has the tick that nothing is to be seen."""
    return any(choices.get("name") == NOTHING for choices in ElementTree.fromstring(config).iter("Choices"))


def with_tick(config: str) -> str:
    """A labelling interface with the tick that nothing is to be seen, after its labels; otherwise unchanged."""
    root = ElementTree.fromstring(config)
    control = next(iter(root.iter("PolygonLabels")))
    side, place = beside_image(root)
    tick = ElementTree.Element("Choices", {"name": NOTHING, "toName": control.get("toName", ""), "choice": "multiple"})
    ElementTree.SubElement(tick, "Choice", {"value": TICK, "hotkey": "0"})
    side.insert(place + 1, tick)
    return ElementTree.tostring(root, encoding="unicode")


def draft_regions(
    draft: PredictionRecord, frame: FrameRecord, *, interface: Interface, classes: Classes
) -> list[DraftRegion]:
    """A model's draft of a frame as regions. Their ids depend on the model and the picture."""
    return shapes_to_regions(
        draft.shapes,
        interface=interface,
        order=classes.paint_order(),
        height=frame.height,
        width=frame.width,
        key=f"{frame.frame_id} {frame.pixel_sha256} {draft.model}",
    )


def outline_regions(item: LabelledFrame, *, interface: Interface, classes: Classes) -> list[DraftRegion]:
    """A labelled frame's own outlines as regions. Their ids depend on the revision."""
    return shapes_to_regions(
        item.annotation.shapes,
        interface=interface,
        order=classes.paint_order(),
        height=item.frame.height,
        width=item.frame.width,
        key=outline_key(item.frame, item.revision),
    )


def outline_key(frame: FrameRecord, revision: str) -> str:
    """What makes the ids of a revision's regions."""
    return f"{frame.frame_id} {frame.pixel_sha256} revision {revision}"


def pushed_hash(frame: FrameRecord, model: str | None, result: Sequence[dict[str, Any]]) -> str:
    """Hash of what is pushed, without the place in the order."""
    return hashlib.sha256(canonical_json([frame.pixel_sha256, model, list(result)]).encode()).hexdigest()


def model_of(version: str) -> str:
    """The model of a version of predictions on the server: `v2` for `v2-1a2b3c4d`."""
    return version.rpartition("-")[0]
