"""The options of all commands that compute with the network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

R = TypeVar("R")


def computing_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add `--threads`, which holds for the whole command, and `--device`, which the command gets as `device_name`."""

    @click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        help="Number of processor threads [default: the fastest number, measured while it runs].",
    )
    @click.option(
        "--device",
        "device_name",
        default="auto",
        show_default=True,
        help="Where to compute: cpu, cuda or mps; auto takes a GPU if there is one.",
    )
    @functools.wraps(function)
    def command(*args: Any, threads: int | None, **kwargs: Any) -> R:
        from .threads import set_thread_count

        set_thread_count(threads)
        return function(*args, **kwargs)

    return command
