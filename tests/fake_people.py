"""The people of the small Label Studio, and the form with which an invited one makes a login."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OWNER = "owner@ward.example"
INVITATION = "an-invitation-to-the-ward"


@dataclass
class Answer:
    """A body (JSON, bytes of a picture, or a text) and a status."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def refused(status: int, detail: str, **more: Any) -> Answer:
    """A refusal as the server words it."""
    return Answer(
        {"id": "0", "status_code": status, "version": "1.23.2", "detail": detail, "exc_info": None, **more}, status
    )


@dataclass
class FakePeople:
    """The users.

    Attributes:
        users: Each as the server's own JSON; the first owns the token.
        refused_mail: What the sign-up form says is wrong with every address; empty if nothing is.
    """

    users: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 1, "email": OWNER, "username": "owner"}])
    refused_mail: str = ""

    def _whoami(self, *_: Any) -> Answer:
        return Answer(self.users[0])

    def _users(self, *_: Any) -> Answer:
        return Answer(self.users)

    def _add_user(self, _: Any, body: Any) -> Answer:
        self.users.append({"id": 1 + len(self.users), **body})
        return Answer(self.users[-1], 201)

    def _invite(self, *_: Any) -> Answer:
        return Answer({"token": INVITATION, "invite_url": f"/user/signup/?token={INVITATION}"})

    def _sign_up(self, method: str, parameters: dict[str, str], body: Any) -> Answer:
        """The form that an invited person fills in; the page holds its secret once more, as a cookie."""
        if method == "GET":
            return Answer("<form>", headers={"set-cookie": "csrftoken=c5rf; Path=/"})
        if parameters.get("token") != INVITATION or body.pop("csrfmiddlewaretoken") != "c5rf":
            return Answer("<h1>Forbidden</h1>", 403)
        if self.refused_mail or body["email"] in {u["email"] for u in self.users}:
            return Answer(f'<ul class="field_errors"><li>{self.refused_mail}</li></ul>')
        self._add_user({}, body)
        return Answer("", 302, {"location": "/"})
