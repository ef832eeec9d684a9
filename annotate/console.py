"""What all commands share: `--json`, progress, and the one line that shows an expected failure."""

from __future__ import annotations

import errno
import functools
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from . import hiding
from .errors import DmrError
from .faults import told
from .progress.tell import Tell
from .report import Report
from .wording import shortened

F = TypeVar("F", bound=Callable[..., Any])


_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """A text in which control characters are written out, as in `\\x1b`, so that they cannot change the terminal.

    Labels and names of files come from outside and may hold anything.
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def reporting(function: Callable[..., Report]) -> Callable[..., None]:
    """Make a command of a function that returns a `Report`: add `--json`, print the report, exit with its code."""

    @click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
    @click.option(
        "--hide-names",
        is_flag=True,
        help="Print short names instead of names and texts of your files; `dmr where` knows them.",
    )
    @functools.wraps(function)
    def command(*args: Any, as_json: bool, hide_names: bool, **kwargs: Any) -> None:
        hiding.start(wanted=hide_names)
        hiding.seen(*_paths(kwargs.values()))
        try:
            report = function(*args, **kwargs)
            _print(report, as_json=as_json)
        except DmrError as error:
            _fail(error)
        except KeyboardInterrupt as error:
            click.echo(
                str(error) or "Interrupted. Finished work is kept. Run the same command again to go on.", err=True
            )
            sys.exit(130)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # nobody reads any more: click ends in silence
            line = told(error)
            if line is None:
                raise
            _fail(line)
        finally:
            hiding.end()
        if report.exit_code:
            sys.exit(report.exit_code)

    return command


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_shown(report).as_dict(), indent=2))  # ASCII: a pipe on Windows takes no more
        return
    for line in _shown(report).lines():
        click.echo(printable(line), err=True)


def _shown(report: Report) -> Report:
    """The report as it may be shown: with its names hidden, where that is wanted."""
    hider = hiding.hider()
    if hider is None:
        return report
    oddities = {hider.text(text): [hider.place(p) for p in places] for text, places in report.oddities.items()}
    texts = {"failures": hider.value(report.failures), "words": hider.value(report.words)}
    return replace(report, oddities=oddities, data=hider.value(report.data), **texts)


def _paths(values: Iterable[object]) -> Iterator[Path | str]:
    """What was typed that may be a name: paths and texts, alone or several."""
    for value in values:
        if isinstance(value, (str, Path)):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _paths(value)


def _fail(error: DmrError) -> NoReturn:
    hiding.seen(error.where)
    # The line is not wrapped, so that a user can search for it. If it cannot be written, the exit code tells.
    with suppress(OSError):
        click.echo(printable(shortened(hiding.hidden(f"Error: {error}"))), err=True)
    sys.exit(error.exit_code)


def show(text: str) -> None:
    """Print data for the reader or the next program, unless `--json` was asked for."""
    context = click.get_current_context()
    if not context.params.get("as_json"):
        click.echo(printable(hiding.hidden(text)))


def say(line: str) -> None:
    """Tell the person at the terminal a line that comes from elsewhere, such as from a program that was started."""
    if hiding.hider() is None:  # nobody knows which names another program prints
        click.echo(printable(line), err=True)


@contextmanager
def progress() -> Iterator[Tell]:
    """Show progress on stderr: bars in a terminal, elsewhere a line at least once a minute."""
    from rich.console import Console
    from rich.live import Live

    from .progress.bars import Bars
    from .progress.heartbeat import Heartbeat
    from .progress.parts import Parts

    parts = Parts()

    def tell(what: str, more: int, of: int | None, note: str = "") -> None:
        parts.tell(printable(what), more, of, printable(hiding.hidden(note)))

    console = Console(stderr=True)
    if sys.stderr.isatty() and not console.is_dumb_terminal:
        # Output that goes to a file is left alone.
        with Live(Bars(parts), console=console, refresh_per_second=4, redirect_stdout=sys.stdout.isatty()):
            yield tell
        return
    heartbeat = Heartbeat(parts, sys.stderr)
    heartbeat.start()
    try:
        yield tell
    finally:
        heartbeat.end()


def seed_option(function: F) -> F:
    """`--seed`."""
    return click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=None, help="Random seed.")(function)
