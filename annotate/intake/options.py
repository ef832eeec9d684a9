"""Options of the commands that read scans."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from .choice import Choice


def clip_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--every` and `--all`; it gets a `choice`."""

    @click.option(
        "--every",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Of a clip, take every N-th frame only.  [default: 1, all frames]",
    )
    @click.option(
        "--all",
        "all_",
        is_flag=True,
        help="Let all frames be chosen: also near-copies within a clip, and what looks like a page or colour Doppler.",
    )
    @functools.wraps(command)
    def chosen(*args: Any, every: int, all_: bool, **others: Any) -> Any:
        return command(*args, choice=Choice(every, all_), **others)

    return chosen
