"""Ctrl-C while a network trains: once keeps the state and ends, twice makes a version of what there is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

import click

WAIT_S: Final = 5.0  # for a second Ctrl-C


def ask_again() -> Callable[[int, bool], bool] | None:
    """What asks a person, after Ctrl-C, whether to make a version now; None where nobody sits at a terminal."""
    return wait_for_second if sys.stdin.isatty() and sys.stderr.isatty() else None


def wait_for_second(step: int, twice: bool, *, wait_s: float = WAIT_S) -> bool:
    """Wait for another Ctrl-C.

    Args:
        step: Where the training stands, which is saved.
        twice: It was pressed again already.
        wait_s: How long, seconds.

    Returns:
        Whether it came.
    """
    if not twice:
        try:  # from the first word on: on a busy PC the second one may come before the wait
            click.echo(
                f"Interrupted at step {step}, which is saved. "
                f"To make a version of what it has learnt, press Ctrl-C again within {wait_s:g} seconds.",
                err=True,
            )
            time.sleep(wait_s)
        except KeyboardInterrupt:
            twice = True
    if twice:
        click.echo(f"Making a version of what it has learnt at step {step}; this takes a moment.", err=True)
    return twice
