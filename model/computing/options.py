"""Options of every command that computes with the network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

R = TypeVar("R")


def computing_options(function: Callable[..., R]) -> Callable[..., R]:
    """`--device`, handed on as `device_name`, and `--threads`, which holds for the whole command."""

    @click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        help="Processor threads to compute with [default: measured while it runs, for other programs run beside it].",
    )
    @click.option("--device", "device_name", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
    @functools.wraps(function)
    def command(*args: Any, threads: int | None, **kwargs: Any) -> R:
        from .threads import set_thread_count

        set_thread_count(threads)
        return function(*args, **kwargs)

    return command
