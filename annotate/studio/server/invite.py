"""A login of their own for each person: made in the local Label Studio, by its sign-up form for invited people."""

from __future__ import annotations

import html
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...errors import StudioError, UsageError
from ...system.store import write_atomic
from ...wording import quoted
from ..answers.reading import member
from .client import StudioClient
from .connection import connection
from .errors import told
from .raw_calls import PATIENCE_S

DOMAIN: Final = "localhost.local"  # of the local server's people; no mail is ever sent
NO_ROLES: Final = (
    "Every login can delete a project, because the open version of Label Studio has no roles. What was pulled is safe: "
    "run dmr serve, or dmr pull often. dmr push makes a deleted project again."
)
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another one
_SIGN_UP: Final = "user/signup/"
_WHAT: Final = "the invitation"


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of an invitation.

    Attributes:
        mail: The person's address, by which annotations are known as theirs.
        password: Of the new login; empty if none was made. It is not shown when this is printed.
        link: Where the person signs up, on a server that dmr does not run; else empty.
    """

    mail: str
    password: str = field(default="", repr=False)
    link: str = field(default="", repr=False)


def mail_of(name: str) -> str:
    """The e-mail address of a person: as it was given, or made of the name.

    Raises:
        UsageError: No address can be made of the name.
    """
    name = name.strip()
    if "@" in name:
        if not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", name, flags=re.ASCII):
            raise UsageError("NAME", f"{quoted(name)} is no e-mail address", "Correct it, as in anna@ward.example")
        return name.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    local = re.sub(r"[^a-z0-9]+", ".", plain).strip(".")
    if not local or not plain.isascii():
        remedy = f"Give an address of Latin letters, as in anna@{DOMAIN}; no mail is sent to it"
        raise UsageError("NAME", f"no e-mail address can be made of {quoted(name)}", remedy)
    return f"{local}@{DOMAIN}"


def invite(client: StudioClient, mail: str, *, is_local: bool, password_file: Path | None, can_show: bool) -> Invited:
    """Make a login for a person who has none, or find the link by which the person makes it.

    Args:
        client: The connection to the server, as somebody who may invite.
        mail: The person's address.
        is_local: Whether it is the server that `dmr studio start` runs.
        password_file: Gets the password, for its owner alone. It may not exist.
        can_show: Whether the password can be shown to a person, and is kept nowhere.

    Raises:
        StudioError: The server refuses.
        UsageError: The file exists, or there is nowhere to show the password.
    """
    if mail in client.users().values():
        return Invited(mail)
    invitation = client.call("GET", "api/invite")
    with told(client.url, _WHAT):
        token = str(member(invitation, "token"))
    if not is_local:
        return Invited(mail, link=f"{client.url}/{_SIGN_UP}?token={token}")
    if password_file is None and not can_show:
        what = "there is no terminal to show the password on"
        raise UsageError("studio invite", what, "Write it into a file that only you can read: --password-file FILE")
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    if password_file is not None:
        if password_file.exists():
            raise UsageError(password_file, "exists already", "Name a new file")
        write_atomic(password_file, f"{password}\n".encode(), private=True)  # first: afterwards it would be lost
    try:
        refusal = _sign_up(client.url, token, mail, password)
    except StudioError:
        if mail in client.users().values():  # only the answer was lost
            return Invited(mail, password)
        _forget(password_file)
        raise
    if mail not in client.users().values():
        _forget(password_file)
        raise StudioError(
            client.url, f"Label Studio refuses a login for {quoted(mail)}{refusal}", "Use another address"
        )
    return Invited(mail, password)


def _sign_up(url: str, token: str, mail: str, password: str) -> str:
    """Fill in the form as a person would. Returns what the page says is wrong with it."""
    with connection(url, timeout=PATIENCE_S) as http, told(url, _WHAT):
        page = str(http.base_url.join(f"{_SIGN_UP}?token={token}"))
        http.get(page).raise_for_status()
        form = {"email": mail, "password": password, "csrfmiddlewaretoken": http.cookies.get("csrftoken") or ""}
        answer = http.post(page, data=form, headers={"Referer": page}, follow_redirects=False)
        if answer.is_redirect:  # to the projects: the person is logged in, here for this moment only
            return ""
        answer.raise_for_status()
    said = " ".join(html.unescape(text) for text in re.findall(r"<li>([^<]*)</li>", answer.text)).strip()
    return f" ({quoted(said)})" if said else ""


def _forget(password_file: Path | None) -> None:
    if password_file is not None:
        password_file.unlink(missing_ok=True)
