"""Address and token of Label Studio, kept in a file for its owner alone or in the keyring, never elsewhere."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...errors import StudioError
from ...settings.model import Settings
from ...system.platform import user_data_folder
from ...system.store import write_atomic

TOKEN_VARIABLE: Final = "DMR_STUDIO_TOKEN"
URL_VARIABLE: Final = "DMR_STUDIO_URL"
_SERVICE: Final = "dmr-label-studio"


@dataclass(frozen=True, slots=True)
class Login:
    """Address and token of a server.

    Attributes:
        url: The address, without a slash at the end.
        token: The access token; it is not shown when the login is printed.
    """

    url: str
    token: str = field(repr=False)


def credentials_path() -> Path:
    """The file with addresses, and with tokens if there is no keyring."""
    return user_data_folder() / "studio" / "credentials.json"


def save_login(login: Login, *, password: str | None = None, user: str | None = None) -> None:
    """Keep a login. Its server is used from now on if `dmr.toml` names none.

    Args:
        login: Address and token.
        password: Password of the local server's first user, to log in with a browser.
        user: That user's e-mail.
    """
    kept = _read()
    kept["default"] = login.url
    own = {"token": login.token} | ({"password": password} if password else {})
    _keep(kept, login.url, own, {"user": user} if user else {})


def serve_secret(workspace_id: str) -> str:
    """What Label Studio has to show when it calls a workspace's `dmr serve`; made when it is first asked for."""
    name = f"dmr serve {workspace_id}"
    secret = kept_token(name)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        _keep(_read(), name, {"token": secret}, {})
    return secret


def find_login(settings: Settings) -> Login | None:
    """The login of the workspace's server; None if no server was ever set up.

    The address comes from `DMR_STUDIO_URL`, else `dmr.toml`, else the server that was set up last. The token comes from
    `DMR_STUDIO_TOKEN`, else from what is kept for the address.

    Raises:
        StudioError: There is an address, but no token for it.
    """
    url = os.environ.get(URL_VARIABLE) or settings.studio.url or _read()["default"]
    if not url:
        return None
    url = str(url).rstrip("/")
    token = os.environ.get(TOKEN_VARIABLE) or kept_token(url)
    if not token:
        remedy = f"Give it one: dmr studio connect {url}"
        raise StudioError(url, "there is no token for this Label Studio on this computer", remedy)
    return Login(url, token)


def need_login(settings: Settings) -> Login:
    """Like `find_login`, but never None.

    Raises:
        StudioError: No server was ever set up, or it has no token.
    """
    login = find_login(settings)
    if login is None:
        remedy = "Start a local one with dmr studio start, or use yours with dmr studio connect URL"
        raise StudioError("Label Studio", "none is set up", remedy)
    return login


def kept_token(url: str) -> str | None:
    """The token that is kept for a server on this computer."""
    return _secret(url, "token")


def browser_login(url: str) -> tuple[str, str] | None:
    """E-mail and password of the local server's first user; None for any other server."""
    user, password = _read()["servers"].get(url, {}).get("user"), _secret(url, "password")
    return (user, password) if user and password else None


def uses_keyring() -> bool:
    """Whether secrets go to the system's keyring: yes on Windows and macOS, where it is open while a user is logged in.

    On other systems, a keyring may be missing, or ask for a password during a nightly run.
    """
    return sys.platform in ("win32", "darwin")


def _keep(kept: dict[str, Any], url: str, own: Mapping[str, str], more: Mapping[str, str]) -> None:
    """Write what is kept, with the secrets of one server, and more about it that is none."""
    entry: dict[str, Any] = dict(kept["servers"].get(url, {})) | dict(more)
    if uses_keyring():
        import keyring

        for name, secret in own.items():
            keyring.set_password(_SERVICE, f"{name} {url}", secret)
    else:
        entry |= own
    kept["servers"][url] = entry
    text = json.dumps(kept, indent=1) + "\n"
    write_atomic(credentials_path(), text.encode("utf-8"), private=True)


def _secret(url: str, name: str) -> str | None:
    if uses_keyring():
        import keyring

        return str(keyring.get_password(_SERVICE, f"{name} {url}") or "") or None
    value = _read()["servers"].get(url, {}).get(name)
    return str(value) if value else None


def _read() -> dict[str, Any]:
    path = credentials_path()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {"default": kept["default"], "servers": dict(kept["servers"])}
    except FileNotFoundError:
        return {"default": None, "servers": {}}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StudioError(path, "cannot be read", "Delete it and run `dmr studio connect` again") from None
