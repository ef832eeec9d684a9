"""`dmr serve` in Label Studio's projects: the machine learning backend and the webhook by which it is called."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ...errors import StudioError
from ..answers.reading import items, member, whole
from ..server.errors import status_of, told

if TYPE_CHECKING:
    from ..server.client import StudioClient

# Never the project's model version: "Label All Tasks" would fail while `dmr serve` is stopped.
TITLE: Final = "dmr serve"
USER: Final = "dmr"
ACTIONS: Final = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED")
_TIMEOUT_S: Final = 30.0
_CONNECTED: Final = "CO"


@dataclass(frozen=True, slots=True)
class Backend:
    """Where Label Studio reaches `dmr serve`, and what it shows there.

    Attributes:
        url: The address, without a slash at the end.
        secret: The password; it is not shown when the backend is printed.
    """

    url: str
    secret: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """The header that Label Studio sends along."""
        return authorization(self.secret)


def authorization(secret: str) -> str:
    """The value of the header `Authorization` for a secret: Label Studio can send a user and a password only."""
    return "Basic " + base64.b64encode(f"{USER}:{secret}".encode()).decode("ascii")


def connect_backend(client: StudioClient, project: int, backend: Backend) -> bool:
    """Let a project ask `dmr serve` for drafts, and tell it of submissions.

    `dmr serve` has to run: Label Studio calls it before it answers.

    Args:
        client: The server.
        project: The project's number.
        backend: Where `dmr serve` is.

    Returns:
        Whether anything had to be changed.

    Raises:
        StudioError: Label Studio does not reach `dmr serve`, or may not call its address.
    """
    # The webhook first: with a backend that has none, Label Studio makes one by itself, which shows no secret.
    has_hook = _ensure_webhook(client, project, backend)
    return _ensure_backend(client, project, backend) or has_hook


def connect_webhook(client: StudioClient, project: int, backend: Backend) -> bool:
    """Let a project tell `dmr serve` of submissions, and ask it for nothing; returns whether anything was changed.

    Raises:
        StudioError: Label Studio may not call its address.
    """
    return _ensure_webhook(client, project, backend)


def _ensure_webhook(client: StudioClient, project: int, backend: Backend) -> bool:
    """Make or correct the webhook. Those of earlier addresses are deleted; returns whether anything was changed."""
    url = f"{backend.url}/webhook"
    wanted = {
        "project": project,
        "url": url,
        "send_payload": False,  # the pull reads what was submitted
        "send_for_all_actions": False,
        "headers": {"Authorization": backend.authorization},
        "is_active": True,
        "actions": sorted(ACTIONS),
    }
    there = items({"all": _asked(client, "GET", "api/webhooks/", backend, params={"project": project})}, "all")
    changed, found = False, False
    for hook in there:
        path = f"api/webhooks/{whole(hook, 'id')}/"
        if member(hook, "url") == url and not found:
            found = True
            if {**hook, "actions": sorted(hook.get("actions") or ())} != {**hook, **wanted}:
                _asked(client, "PATCH", path, backend, json=wanted)
                changed = True
        elif member(hook, "headers") == wanted["headers"]:
            _asked(client, "DELETE", path, backend)
            changed = True
    if not found:
        _asked(client, "POST", "api/webhooks/", backend, json=wanted)
    return changed or not found


def _ensure_backend(client: StudioClient, project: int, backend: Backend) -> bool:
    """Make or correct the backend; returns whether anything was changed."""
    wanted = {
        "project": project,
        "url": backend.url,
        "title": TITLE,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": USER,
        "basic_auth_pass": backend.secret,
        "timeout": _TIMEOUT_S,
        "is_interactive": True,  # boxes and clicks come too
    }
    there = items({"all": _asked(client, "GET", "api/ml/", backend, params={"project": project})}, "all")
    known = next((b for b in there if member(b, "title") == TITLE), None)
    if known is None:
        made = _asked(client, "POST", "api/ml/", backend, json=wanted)
    elif [member(known, n) for n in ("url", "state", "is_interactive")] == [backend.url, _CONNECTED, True]:
        return False
    else:
        made = _asked(client, "PATCH", f"api/ml/{whole(known, 'id')}", backend, json=wanted)
    if member(made, "state") not in (_CONNECTED, None):
        raise StudioError(backend.url, "Label Studio does not reach it", "Check the address: dmr serve --address URL")
    return True


def _asked(client: StudioClient, method: str, path: str, backend: Backend, **options: Any) -> Any:
    try:
        with told(client.url, path):
            return client.call(method, path, **options)
    except StudioError as error:
        if status_of(error) == 403:
            what = f"may not call {backend.url}, an address of this computer or of a private network"
            remedy = "Restart the local one, dmr studio stop and dmr studio start; the guide says what others need"
            raise StudioError(client.url, what, remedy) from error
        if status_of(error) == 400:
            what = f"does not accept {backend.url} as the address of dmr serve"
            remedy = "Name one that it reaches: dmr serve --connect --address URL"
            raise StudioError(client.url, what, remedy) from error
        raise
