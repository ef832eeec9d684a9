"""Give a project in Label Studio the tool for boxes, and take all that `dmr serve` set up there away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...errors import StudioError
from ..answers.reading import items, member, whole
from ..interface.smart import with_smart, with_words, without_smart
from ..server.errors import status_of, told
from .backend import TITLE, authorization

if TYPE_CHECKING:
    from ..server.client import StudioClient

_LEFT: Final = (
    "Label Studio keeps the tool for boxes, because an annotation or a draft holds a box. Delete the box there, and "
    "disconnect again"
)


def connect_tool(client: StudioClient, project: int) -> bool:
    """Add the tool for boxes, and what to do with them to the instructions; returns whether anything had to be changed.

    Raises:
        StudioError: Label Studio refuses it, or the labelling interface cannot be read.
    """
    return _change(client, project, is_on=True)


def disconnect(client: StudioClient, project: int, *, secret: str) -> list[str]:
    """Take the backend, the webhook and the tool of `dmr serve` out of a project; nobody's outlines change.

    Args:
        client: The server.
        project: The project's number.
        secret: The secret of `dmr serve`, by which its webhooks are known.

    Returns:
        What was taken away, in words; empty if nothing was there.

    Raises:
        StudioError: Label Studio refuses it.
    """
    gone = []
    ours = {"Authorization": authorization(secret)}
    for path, key, value, name in (
        ("api/ml/", "title", TITLE, "backend"),
        ("api/webhooks/", "headers", ours, "webhook"),
    ):
        with told(client.url, path):
            there = items({"all": client.call("GET", path, params={"project": project})}, "all")
            for number in [whole(own, "id") for own in there if member(own, key) == value]:
                client.call("DELETE", f"{path}{number}{'/' if name == 'webhook' else ''}")
                gone.append(name)
    if _change(client, project, is_on=False):
        gone.append("tool for boxes")
    return gone


def _change(client: StudioClient, project: int, *, is_on: bool) -> bool:
    path = f"api/projects/{project}/"
    with told(client.url, f"project {project}"):
        now = client.call("GET", path)
    config, words = (str(member(now, name) or "") for name in ("label_config", "expert_instruction"))
    try:
        wanted = with_smart(config) if is_on else without_smart(config)
    except ValueError as error:
        remedy = "Repair it in the project's Settings, Labeling Interface"
        raise StudioError(f"project {project}", str(error), remedy) from None
    change = {"label_config": wanted, "expert_instruction": with_words(words, is_on=is_on)}
    change = {name: text for name, text in change.items() if text != (member(now, name) or "")}
    if not change:
        return False
    try:
        with told(client.url, f"project {project}"):
            client.call("PATCH", path, json=change)
    except StudioError as error:
        if is_on or status_of(error) != 400:
            raise
        raise StudioError(f"project {project}", *_LEFT.split(". ", 1)) from error
    return True
