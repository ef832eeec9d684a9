"""The entry point of `dmr` and `python -m dmr`."""

from __future__ import annotations

import sys

from . import __version__


def run() -> None:
    """Run the command. `dmr --version` imports nothing more, so it is quick on a slow disk too."""
    if sys.argv[1:] == ["--version"]:
        print(f"dmr, version {__version__}")
        return
    from .cli import main

    main()


if __name__ == "__main__":
    run()
