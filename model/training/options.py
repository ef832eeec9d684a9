"""Options of the commands that train, and what they make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...annotate.settings.model import NETWORK_SIZES

if TYPE_CHECKING:
    from ...annotate.settings.model import Settings
    from .settings import TrainSettings

F = TypeVar("F", bound=Callable[..., Any])


def training_options(function: F) -> F:
    """How to train, over what `dmr.toml` says."""
    for option in (
        click.option(
            "--finish", is_flag=True, help="Train no further: make a version of the training interrupted last."
        ),
        click.option("--again", is_flag=True, help="Make another version though nothing is new."),
        click.option(
            "--minutes",
            type=click.FloatRange(min=0, min_open=True),
            help="Minutes of training, at most [default: it ends within the hour].",
        ),
        click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps, at most, where no epochs are set."),
        click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training frames, at most."),
        click.option(
            "--input",
            type=int,
            help="Side of its square input, pixels [default: by time].",
        ),
        click.option("--size", type=click.Choice(NETWORK_SIZES), help="Of the network [default: dmr.toml]."),
    ):
        function = option(function)
    return function


def chosen_settings(settings: Settings, command: str, **options: Any) -> TrainSettings:
    """The training settings of `dmr.toml` with the options of the command line over them.

    Raises:
        UsageError: A value is out of its range.
    """
    from ...annotate.errors import UsageError
    from .settings import train_settings

    try:
        return train_settings(settings, **options)
    except ValueError as error:
        raise UsageError(command, str(error), "Give another value") from error


def tell_now(line: str) -> None:
    """Print a word on a training at once, not in the report at its end."""
    click.echo(line, err=True)
