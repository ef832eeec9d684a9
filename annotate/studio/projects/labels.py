"""Labels for classes that are new since a project was made; what Label Studio refuses about them is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...classes import ClassDef, Classes
from ...errors import StudioError
from ...report import Report
from ...settings.model import Settings
from ...wording import quoted
from ..answers.records import StudioRegion, StudioTask
from ..interface.adjudication import has_readers, with_readers
from ..interface.config import TICK, Interface, read_interface
from .offered import is_left_out
from .queues import OpenQueue, has_tick, with_labels, with_tick

if TYPE_CHECKING:
    from ..server.client import StudioClient

NEW: Final = "New in the project: "
_SHOWN: Final = 3  # annotations named in one line
NO_TICK: Final = (
    f'Label Studio does not take the tick "{TICK}" into a project while its annotations do not fit its labels; '
    "submissions without outlines are held there"
)
_BARE: Final = "a region without a label"


def complete_labels(client: StudioClient, opened: OpenQueue, settings: Settings, *, report: Report) -> OpenQueue:
    """Add labels for classes that are new since the project was made.

    Label Studio refuses every change of the labels while an annotation holds something that does not fit them. Then the
    report says which one, and the project keeps its labels: what is sent leaves the new classes out.

    Raises:
        StudioError: A class has no label and a label is no class: somebody has renamed the label.
    """
    classes = settings.classes
    missing = [c for c in classes.active if c.id not in opened.interface.labels]
    if not missing:
        return opened
    where = f"project {quoted(opened.project.title)}"
    strangers = [label for label in opened.interface.strangers if not is_left_out(label, settings)]
    if strangers:
        what = f"class '{missing[0].name}' has no label in it, and its label {quoted(strangers[0])} is no class"
        remedy = "If it is that class, rename it back or make it an alias in dmr.toml; if not, [import] ignore names it"
        raise StudioError(where, what, remedy)
    config = with_labels(opened.project.config, missing)
    try:
        client.set_config(opened.project.id, config)
    except StudioError as error:
        if client.status_of(error) != 400:
            raise
        report.fail_once(_refused(client, opened, missing, error))
        return opened
    report.say(f"{NEW}{', '.join(c.name for c in missing)}.")
    return OpenQueue(opened.queue, replace(opened.project, config=config), read_interface(config, classes=classes))


def complete_tick(client: StudioClient, opened: OpenQueue, *, report: Report) -> OpenQueue:
    """Add the tick that nothing is to be seen to a project that was made without it.

    Label Studio may refuse it, as it may refuse labels. Then the project stays without.

    Raises:
        StudioError: The server fails.
    """
    if has_tick(opened.project.config):
        return opened
    config = with_tick(opened.project.config)
    try:
        client.set_config(opened.project.id, config)
    except StudioError as error:
        if client.status_of(error) != 400:
            raise
        report.note_once(NO_TICK, quoted(opened.project.title))
        return opened
    report.say(f'{NEW}the tick "{TICK}".')
    return replace(opened, project=replace(opened.project, config=config))


def complete_readers(client: StudioClient, opened: OpenQueue, classes: Classes, *, readers: int) -> None:
    """Add what a project for adjudications lacks: labels of new classes, or of one more reader.

    Raises:
        StudioError: Label Studio refuses it.
    """
    now = client.project(opened.project.id)  # with the labels that it has just been given
    config = now.config if now is not None else opened.project.config
    if not has_readers(config, classes, readers=readers):
        client.set_config(opened.project.id, with_readers(config, classes, readers=readers))


def _refused(client: StudioClient, opened: OpenQueue, missing: Sequence[ClassDef], error: StudioError) -> StudioError:
    """Which annotations keep Label Studio from taking the new labels."""
    names = ", ".join(f"'{c.name}'" for c in missing)
    found = list(_misfits(client.annotated_tasks(opened.project.id), opened.interface))
    sure = [words for words, is_sure in found if is_sure]
    shown = sure or [words for words, _ in found]
    told = "; ".join(shown[:_SHOWN])
    if len(shown) > _SHOWN:
        told += f" and {len(shown) - _SHOWN} more"
    if not sure:  # the server's own words may name what dmr does not read, such as a choice
        told = f"{told}; {error.what}" if told else error.what
    what = f"it cannot get the label {names} yet: {told}"
    remedy = (
        "Correct or delete that in Label Studio and push again; until then nobody can draw "
        f"{names} there. All else was sent"
    )
    return StudioError(f"project {quoted(opened.project.title)}", what, remedy)


def _misfits(tasks: Iterable[StudioTask], interface: Interface) -> Iterable[tuple[str, bool]]:
    """What each annotation holds that the project's labels do not allow, and whether Label Studio surely minds."""
    for task in tasks:
        for annotation in task.annotations:
            found = [words for region in annotation.regions if (words := _misfit(region, interface))]
            odd = next((words for words in found if words != _BARE), "")
            if odd or found or annotation.problem:
                told = odd or annotation.problem or _BARE
                yield f"annotation {annotation.id} of task {task.id} has {told}", bool(odd)


def _misfit(region: StudioRegion, interface: Interface) -> str:
    if unknown := [x for x in region.labels if x not in (*interface.labels.values(), *interface.strangers)]:
        return f"the label {quoted(unknown[0])}"
    if region.kind not in interface.kinds.values():
        return f"a region of type {quoted(region.kind)}"
    if not region.labels:
        return _BARE
    if interface.kinds.get(region.control) != region.kind:
        return f"a region of the control {quoted(region.control)}"
    return "" if region.image == interface.image else f"a region on the image {quoted(region.image)}"
