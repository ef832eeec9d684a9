"""Where `dmr` and `python -m dmr` begin."""

from __future__ import annotations

import sys

from . import __version__


def run() -> None:
    """Run the command; `dmr --version` reads nothing else for it, so a slow disk does not matter."""
    if sys.argv[1:] == ["--version"]:
        print(f"dmr, version {__version__}")
        return
    from .cli import main

    main()


if __name__ == "__main__":
    run()
