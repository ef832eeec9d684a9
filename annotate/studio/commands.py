"""The commands for Label Studio that need no trained network: studio, pull, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import progress, reporting, show
from ..report import Report
from ..session import at_work, pass_workspace

if TYPE_CHECKING:
    from ..workspace import Workspace


@click.group()
def studio() -> None:
    """Run a local Label Studio, or connect to an existing one."""


@studio.command()
@click.option(
    "--port", type=click.IntRange(1024, 65535), help="Port to listen on [default: 8080, or the next free one]."
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Install from this folder of wheels, for a PC without internet.",
)
@reporting
def start(port: int | None, wheels: Path | None) -> Report:
    """Start a Label Studio on this computer; install it if needed.

    Other computers cannot reach it.
    """
    from .server.credentials import browser_login, credentials_path, uses_keyring
    from .server.local import start as start_server

    report = Report("studio start")
    with progress() as tell:
        server, started = start_server(port=port, wheels=wheels, tell=tell)
    report.data |= {"url": server.url, "pid": server.pid}
    report.say(f"Label Studio {'runs' if started else 'was running already'}: {server.url}")
    login = browser_login(server.url)
    if login is not None:
        kept = "the system's keyring, entry dmr-label-studio" if uses_keyring() else str(credentials_path())
        report.say(f"Log in as {login[0]}; the password is in {kept}.")
    report.say("Next: dmr push. Other people on this computer get a login of their own: dmr studio invite NAME.")
    return report


@studio.command()
@reporting
def stop() -> Report:
    """Stop the local Label Studio; nothing in it is lost."""
    from .server.local import stop as stop_server

    report = Report("studio stop")
    stopped = stop_server()
    report.say("No local Label Studio was running." if stopped is None else f"Stopped {stopped.url}.")
    return report


@studio.command(name="status")
@reporting
def studio_status() -> Report:
    """Say whether the local Label Studio runs, and where."""
    from .server.local import local_server

    report = Report("studio status")
    server = local_server()
    state = "none" if server is None else "stopped" if not server.is_running else "up" if server.answers else "starting"
    report.data |= {"state": state, "url": server.url if server else None}
    if server is None:
        report.say("There is no local Label Studio yet. Make one: dmr studio start.")
    else:
        show(f"{server.url}  {state}")
    return report


@studio.command()
@click.argument("url")
@reporting
def connect(url: str) -> Report:
    """Use the Label Studio at URL.

    The command asks for the access token, or reads it from standard input.
    """
    from ..errors import UsageError
    from .server.client import StudioClient
    from .server.credentials import Login, save_login

    report = Report("studio connect")
    if not url.startswith(("http://", "https://")) or "@" in url:
        raise UsageError("URL", "expected http:// or https:// and a host, without user or token", "Correct it")
    if sys.stdin.isatty():
        token = click.prompt("Access token (Account & Settings in Label Studio)", hide_input=True, err=True)
    else:
        token = sys.stdin.readline()
    login = Login(url.rstrip("/"), token.strip())
    with StudioClient(login) as client:
        _, mail = client.whoami()
    save_login(login)
    report.say(f"Connected to {login.url} as {mail}. Check the link with `dmr doctor`.")
    return report


@studio.command()
@reporting
@pass_workspace
def layout(workspace: Workspace) -> Report:
    """Give projects that an older dmr made the layout of new ones.

    The image is larger, and beside it stand the classes, an ellipse tool and the keys. Outlines, and the names and
    colours of the labels, stay. Frames of clips show their neighbours only where they were pushed by this dmr. Who has
    the project open sees it after loading the page again.
    """
    from .projects.layout import renew_layouts
    from .projects.queues import studio_client

    report = Report("studio layout")
    with studio_client(workspace) as client, at_work(workspace, report, write=True) as s:
        renew_layouts(s, client)
    return report


@studio.command()
@click.argument("name")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the password into this new file, which only you can read, instead of showing it.",
)
@reporting
@pass_workspace
def invite(workspace: Workspace, name: str, password_file: Path | None) -> Report:
    """Give a person a login of their own.

    Then each annotation tells who drew it. NAME is the person's name or e-mail address. The password is shown once, and
    not kept.
    """
    from .projects.queues import studio_client
    from .server.invite import NO_ROLES, mail_of
    from .server.invite import invite as invite_person
    from .server.local import local_server

    report, local, mail = Report("studio invite"), local_server(), mail_of(name)
    can_show = _is_terminal() and not click.get_current_context().params["as_json"]
    with studio_client(workspace) as client:
        is_local = local is not None and local.url == client.url
        invited = invite_person(client, mail, is_local=is_local, password_file=password_file, can_show=can_show)
        url = client.url
    report.data |= {"user": mail, "is_new": bool(invited.password), "link": invited.link or None}
    if invited.password:
        report.say(f"Log in at {url} as {mail}.")
        if password_file is None:
            show(f"password: {invited.password}")
            report.say("Give it to the person now: it is shown only this time, and not kept.")
        else:
            report.say(f"The password is in {password_file}. Give it to the person, and delete the file.")
    elif invited.link:
        show(invited.link)
        report.say(f"This server is not run by dmr. Send {mail} the link: with it the person makes a login.")
        report.say("Whoever has the link can do so. Make a new one in Label Studio under Organization if it got about.")
    else:
        report.say(f"{mail} has a login at {url} already: nothing was changed.")
    report.say(NO_ROLES)
    return report


@click.command()
@click.option(
    "--take-empty",
    multiple=True,
    metavar="FRAME",
    help="Take what was submitted on this frame without outlines: you have asked, and nothing is to be seen there. "
    "Repeatable.",
)
@reporting
@pass_workspace
def pull(workspace: Workspace, take_empty: tuple[str, ...]) -> Report:
    """Fetch submitted outlines from Label Studio; change nothing there.

    Submitted outlines become revisions in the workspace. Where outlines were deleted there, the revision is withdrawn.
    """
    from ..editing.edits import sync_checkout
    from .projects.queues import studio_client
    from .pulling.pull import pull as pull_all

    report = Report("pull")
    with studio_client(workspace) as client, at_work(workspace, report, write=True) as s:
        sync_checkout(s)
        found = pull_all(s, client, take_empty=take_empty)
    if not found:
        report.say("There is no project in Label Studio yet: dmr push makes it.")
    elif not any(report.counts[what] for what in ("revisions added", "withdrawn", "edits taken up", "skipped")):
        report.say_unchanged()
    return report


@click.command()
@reporting
@pass_workspace
def doctor(workspace: Workspace) -> Report:
    """Check the link to Label Studio, and say what to do."""
    from ..scans.identity import key_file
    from ..system.platform import is_shared, open_to_others
    from .doctor import examine

    report = Report("doctor")
    report.data["findings"] = []
    with at_work(workspace, report) as s:
        report.data["database"] = s.catalogue.written_mode()
        show(f"ok     database: {report.data['database']}")
        if open_to_others(workspace.root):
            show(f"advice workspace: all users of this computer can read it. Close it: chmod -R o-rwx {workspace.root}")
        key = key_file(s.catalogue.meta("key_id"))
        if is_shared(key):
            report.failures.append(f"{key}: the pseudonym key can be read by others. Close it: chmod 600 {key}")
        s.tell("Checking Label Studio", 0, None)
        for finding in examine(s):
            s.tell("Checking Label Studio", 1, None)
            report.data["findings"].append({"what": finding.what, "told": finding.told, "fine": finding.is_fine})
            if finding.is_fine:
                show(f"ok     {finding.what}: {finding.told}")
            else:
                show(f"wrong  {finding.what}")
                report.failures.append(f"{finding.what}: {finding.told}")
    return report


def _is_terminal() -> bool:
    """Whether what is shown is read by a person, and kept in no file."""
    return sys.stdout.isatty()
