"""Ctrl-C during a training: once saves the state and stops, twice makes a version too."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

import click

WAIT_S: Final = 5.0  # seconds to wait for a second Ctrl-C


def ask_again() -> Callable[[int, bool], bool] | None:
    """The function that asks after Ctrl-C whether to make a version now; None without a terminal."""
    return wait_for_second if sys.stdin.isatty() and sys.stderr.isatty() else None


def wait_for_second(step: int, twice: bool, *, wait_s: float = WAIT_S) -> bool:
    """Wait for another Ctrl-C.

    Args:
        step: The step at which the training was saved.
        twice: Whether Ctrl-C was pressed again already.
        wait_s: Seconds to wait.

    Returns:
        Whether Ctrl-C was pressed again.
    """
    if not twice:
        try:  # around the message too: on a busy PC the second Ctrl-C may come before the wait
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
