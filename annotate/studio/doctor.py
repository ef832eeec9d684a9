"""`dmr doctor`: find what is wrong with a Label Studio server, and say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ..errors import DmrError, StudioError
from ..wording import quoted
from ..workspace import Session
from .answers.records import Project
from .projects.queues import interface_of, queue_settings
from .projects.texts import queue_mark
from .server.client import OLDEST, StudioClient
from .server.connection import SentElsewhere
from .server.credentials import find_login
from .server.local import local_server
from .server.project_settings import changed_settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        what: The thing, in a few words.
        told: Its state, and what to do if it is wrong.
        is_fine: Whether the loop works with it.
    """

    what: str
    told: str
    is_fine: bool = True


def examine(s: Session) -> Iterator[Finding]:
    """Check the workspace's server from the outside in. What depends on something broken is not checked."""
    try:
        login = find_login(s.settings)
    except DmrError as error:
        yield Finding("login", str(error), False)
        return
    if login is None:
        told = "none is set up. Start a local one with dmr studio start, or use yours with dmr studio connect URL."
        yield Finding("login", told, False)
        return
    yield Finding("address", login.url)
    own = local_server()
    if own is not None and own.url == login.url:
        told = f"runs as process {own.pid}" if own.is_running else "is stopped. Start it: dmr studio start."
        yield Finding("local server", told, own.is_running)
        if not own.is_running:
            return
    try:
        with StudioClient(login) as client:
            yield _tried("version", partial(_version, client))
            token = _tried("token", partial(_token, client))
            yield token
            if not token.is_fine:
                return
            yield from _queues(s, client)
    except StudioError as error:
        yield Finding("server", str(error), False)


def _tried(what: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except DmrError as error:
        return Finding(what, str(error), False)


def _version(client: StudioClient) -> Finding:
    version = client.version()
    numbers = tuple(int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit())
    oldest = ".".join(map(str, OLDEST))
    if numbers < OLDEST:
        return Finding("version", f"{version} has known security holes. Update it to {oldest} or newer.", False)
    return Finding("version", version)


def _token(client: StudioClient) -> Finding:
    _, mail = client.whoami()
    return Finding("token", f"is accepted, as {mail}")


def _queues(s: Session, client: StudioClient) -> Iterator[Finding]:
    for wanted in queue_settings(s.settings):
        what = f"queue {wanted.name}"
        try:
            project = client.find_project(queue_mark(s.catalogue, wanted))
            interface = None if project is None else interface_of(project, s.settings.classes)
        except DmrError as error:
            yield Finding(what, str(error), False)
            continue
        if project is None or interface is None:
            yield Finding(what, "has no project yet; dmr push makes it")
            continue
        yield Finding(what, f"project {project.id} {quoted(project.title)}, {client.url}/projects/{project.id}/data")
        missing = [c.name for c in s.settings.classes.active if c.id not in interface.labels]
        if missing or interface.strangers:
            told = f"classes without a label: {', '.join(missing) or 'none'}; labels that are no class: "
            told += f"{', '.join(interface.strangers) or 'none'}. Rename the labels, or add aliases to dmr.toml."
            yield Finding(f"{what}, labels", told, not missing)
        for setting in changed_settings(project):
            yield Finding(f"{what}, {setting.what}", setting.told, setting.is_fine)
        yield _tried(f"{what}, images", partial(_image, client, project, what))


def _image(client: StudioClient, project: Project, what: str) -> Finding:
    task = next(client.tasks(project.id), None)
    if task is None:
        return Finding(f"{what}, images", "there is no task yet")
    try:
        kind = client.image_type(task.data.image)
    except SentElsewhere:  # such as to the storage of a server with S3: a browser goes there, dmr does not
        return Finding(f"{what}, images", "lie on another server. Open a task to see whether its image is shown")
    if kind != "image/png":
        told = f"for the first task's image the server sent {kind or 'nothing'}. Push again, or check the storage."
        return Finding(f"{what}, images", told, False)
    return Finding(f"{what}, images", "the first task's image is shown")
