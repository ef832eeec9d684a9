"""The command line: a table that says where each command is. A command is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from . import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EPILOG = (
    "An annotation assistant for research and quality work: its output is a draft for review by a qualified physician. "
    "It is not a medical device; not for diagnosis, needle guidance or unsupervised use."
)

# Name, place, and the first line of the command's help. It is repeated here because `dmr --help` reads no other file.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Every day": {
        "import": (
            ".annotate.intake.commands:import_",
            "Import outlines: Labelme files in SOURCES, or images and masks.",
        ),
        "train": (".model.commands:train", "Train DMRNet on the workspace's outlines."),
        "ingest": (".annotate.intake.commands:ingest", "Add SCANS to the workspace as frames."),
        "prelabel": (".active.commands:prelabel", "Draw drafts on new SCANS and rank them, most informative first."),
        "select": (".active.commands:select", "Rank the frames that nobody has labelled, and show the first."),
        "push": (".active.commands:push", "Send frames, drafts and their order to Label Studio."),
        "pull": (".annotate.studio.commands:pull", "Fetch submitted outlines from Label Studio; change nothing there."),
        "serve": (".active.serving.commands:serve", "Draw drafts live for Label Studio, and pull what is submitted."),
        "retrain": (".active.commands:retrain", "Pull, train, let the gate judge the new model, push new drafts."),
        "open": (".annotate.editing.commands:open_", "Open the first frames of the ranking in Labelme."),
        "status": (".active.forecast.commands:status", "Show what is in the workspace, and what to do next."),
    },
    "Set up": {
        "init": (".annotate.setup.commands:init", "Make a workspace in FOLDER."),
        "studio": (".annotate.studio.commands:studio", "Run a local Label Studio, or connect to an existing one."),
        "doctor": (".annotate.studio.commands:doctor", "Check the link to Label Studio, and say what to do."),
    },
    "Look closer": {
        "check": (".active.labels.commands:check", "List what is wrong or odd in Labelme files; change nothing."),
        "evaluate": (".model.commands:evaluate", "Judge a model on labelled frames: figures, and a page."),
        "agreement": (".model.commands:agreement", "Show how well readers agree with each other, and with themselves."),
        "conflicts": (
            ".annotate.conflicts.commands:conflicts",
            "List frames whose readers disagree, with pictures; settle some.",
        ),
        "where": (".annotate.origins.commands:where", "Show which file a frame is from, or which frames a file gave."),
        "quarantine": (
            ".annotate.quarantine.commands:quarantine",
            "Look at frames that may show who the patient is.",
        ),
        "simulate": (
            ".active.simulation.commands:simulate",
            "Compare strategies of choosing frames on your outlines.",
        ),
        "models": (".model.versions.commands:models", "List, describe, promote and export model versions."),
    },
    "The database": {
        "db": (".annotate.upkeep.commands:db", "Check the workspace, mend it, back it up, bring it back."),
    },
    "Tools": {
        "export": (".annotate.export.commands:export", "Write the reviewed outlines to DEST in a format of choice."),
        "convert": (
            ".annotate.convert.commands:convert",
            "Convert Labelme files to masks, COCO, YOLO, NIfTI; and back.",
        ),
        "deidentify": (
            ".annotate.quarantine.commands:deidentify",
            "Write the frames of SCANS into DEST without patient data.",
        ),
        "phantom": (".annotate.phantom.commands:phantom", "Draw synthetic Shamrock clips with outlines in FOLDER."),
        "demo": (".active.commands:demo", "Run the whole loop on synthetic frames in FOLDER, in minutes."),
    },
}


class LazyCommands(MutableMapping[str, click.Command]):
    """Commands by name. Each is imported when it is first asked for.

    Args:
        places: `module:attribute` of each command, in the order to list them.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._found: dict[str, str | click.Command] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        found = self._found[name]
        if isinstance(found, str):
            module, attribute = found.split(":")
            command: click.Command = getattr(import_module(module, __package__), attribute)
            found = self._found[name] = command
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@contextmanager
def _told_safely(typed: list[str]) -> Iterator[None]:
    """What was typed may hold names, and characters that steer a terminal."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # it shows the help
    except click.UsageError as error:
        from .annotate import hiding
        from .annotate.console import printable

        hiding.start(wanted="--hide-names" in typed)
        raise click.UsageError(printable(hiding.hidden(error.format_message())), error.ctx) from None


class Sections(click.Group):
    """A group that lists its commands in sections, without importing them."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line; what is wrong with it is told like any other error."""
        self._typed = list(args)
        with _told_safely(self._typed):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _told_safely(self._typed):
            return super().invoke(ctx)

    def list_commands(self, _: click.Context) -> list[str]:
        """The commands' names, section by section."""
        return list(self.commands)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, one line for each command."""
        width = max(map(len, self.commands))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), short) for name, (_, short) in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completions for a name or an option that was begun."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short)
            for section in SECTIONS.values()
            for name, (_, short) in section.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=Sections,
    commands=LazyCommands({name: place for section in SECTIONS.values() for name, (place, _) in section.items()}),
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="dmr")
def main() -> None:
    """Outline ultrasound frames with a model's help: import outlines, train DMRNet, pre-label, rank, correct."""
    from .annotate.hiding import around
    from .annotate.origins.given import keep_given
    from .annotate.session import hide_as_this_workspace

    around(hide_as_this_workspace, keep_given=keep_given)
