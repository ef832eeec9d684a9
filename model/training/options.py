"""Options of the commands that train, and the settings that follow from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...annotate.settings.model import NETWORK_SIZES

if TYPE_CHECKING:
    from ...annotate.settings.model import Settings
    from .settings import TrainSettings

F = TypeVar("F", bound=Callable[..., Any])


class Minutes(click.FloatRange):
    """Minutes, never fewer than none; "nan", which Python takes for a number, is refused."""

    def __init__(self, *, or_none: bool = False) -> None:
        super().__init__(min=0, min_open=not or_none)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of minutes."""
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number of minutes.", param, ctx)
        return found


def training_options(function: F) -> F:
    """Add the options that say how to train; they go before `dmr.toml`."""
    for option in (
        click.option(
            "--finish",
            is_flag=True,
            help="Do not train on: make a version of what the last interrupted training has learnt.",
        ),
        click.option("--again", is_flag=True, help="Train another version even if nothing is new."),
        click.option(
            "--minutes",
            type=Minutes(),
            help="Train for at most this many minutes [default: 50, if no other limit is set].",
        ),
        click.option(
            "--steps", type=click.IntRange(min=1), help="Train for at most this many steps, if no epochs are set."
        ),
        click.option(
            "--epochs", type=click.IntRange(min=1), help="Train for at most this many passes over the training frames."
        ),
        click.option(
            "--input",
            type=int,
            help="Side of the network's square grid in pixels [default: as in dmr.toml, or what this PC has time for].",
        ),
        click.option("--size", type=click.Choice(NETWORK_SIZES), help="Size of the network [default: as in dmr.toml]."),
    ):
        function = option(function)
    return function


def chosen_settings(settings: Settings, command: str, **options: Any) -> TrainSettings:
    """The training settings: the options of the command line, and for the rest `dmr.toml`.

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
    """Print a line about a training at once, not in the report at the end."""
    click.echo(line, err=True)
