"""The command `dmr simulate`: which strategy would have saved time on the workspace's own outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...annotate.console import reporting, show
from ...annotate.report import Report
from ...annotate.session import at_work, pass_workspace
from ...annotate.settings.model import NETWORK_SIZES
from ...model.computing.options import computing_options
from ...model.training.options import Minutes, tell_now

if TYPE_CHECKING:
    from ...annotate.settings.model import NetworkSize
    from ...annotate.workspace import Workspace


@click.command()
@click.option(
    "--strategies",
    default="informative,foreground,random",
    show_default=True,
    help="Strategies to compare, with commas. The first one is compared with the others.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Number of random seeds; each holds out other patients.",
)
@click.option("--budgets", help="Numbers of labelled frames, with commas [default: 16, 32, 64 and so on].")
@click.option("--steps", type=click.IntRange(min=1), default=600, show_default=True, help="Steps of each training.")
@click.option("--minutes", type=Minutes(or_none=True), help="Stop after so many minutes; the same command goes on.")
@click.option("--input", type=int, default=128, show_default=True, help="Side of the network's grid in pixels.")
@click.option("--size", type=click.Choice(NETWORK_SIZES), default="s", show_default=True, help="Size of the network.")
@computing_options
@reporting
@pass_workspace
def simulate(
    workspace: Workspace,
    strategies: str,
    seeds: int,
    budgets: str | None,
    steps: int,
    minutes: float | None,
    input: int,
    size: NetworkSize,
    device_name: str,
) -> Report:
    """Compare strategies of choosing frames on your outlines.

    A simulated physician labels frames of training and validation patients in rounds, and its effort is counted. It
    takes hours. Ctrl-C stops it, and the same command goes on. The page is reports/simulation/index.html.
    """
    from ...annotate.errors import UsageError
    from .simulate import Wishes
    from .simulate import simulate as run

    report = Report("simulate")
    try:
        wanted = None if budgets is None else tuple(int(b) for b in budgets.split(","))
    except ValueError:
        raise UsageError("simulate", f"--budgets {budgets}", "Give whole numbers with commas, as in 16,32,64") from None
    names = tuple(dict.fromkeys(name.strip() for name in strategies.split(",")))
    wishes = Wishes(names, seeds, wanted, steps, size, input, minutes)
    with at_work(workspace, report, device=device_name) as s:
        page = run(s, wishes, say=tell_now)
        if page is not None:
            show(f"Look at {workspace.relative(page)}")
    return report
