"""The command line: parse, call, print. Every command lives in its package and is registered here."""

from __future__ import annotations

import click

from . import __version__
from .active.commands import demo, prelabel, push, retrain
from .annotate.commands import check, import_, ingest, init, open_, status
from .annotate.convert_commands import convert
from .annotate.phantom.commands import phantom
from .annotate.studio_commands import doctor, pull, studio
from .model.commands import evaluate, train
from .model.version_commands import models

EPILOG = (
    "An annotation assistant for research and quality work: its output is a draft for review by a qualified physician. "
    "It is not a medical device; not for diagnosis, needle guidance or unsupervised use."
)


class InOrder(click.Group):
    """A group that lists its commands as they were added: in the order of the work."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Names, in order."""
        return list(self.commands)


@click.group(cls=InOrder, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dmr")
def main() -> None:
    """Make physicians' outlining of ultrasound frames count: import, train DMRNet, pre-label, rank, correct."""


WORK = (init, import_, train, prelabel, push, pull, retrain, open_, status)
TOOLS = (studio, doctor, evaluate, models, ingest, check, convert, phantom, demo)
for command in (*WORK, *TOOLS):
    main.add_command(command)
