"""The entry point of `dmr` and `python -m dmr`."""

from __future__ import annotations

import os
import sys

from . import __version__


def run() -> None:
    """Run the command. `dmr --version` imports nothing more, so it is quick on a slow disk too."""
    if sys.argv[1:] == ["--version"]:
        print(f"dmr, version {__version__}")
        return
    _take_no_code_from_here()
    from .cli import main

    main()


def _take_no_code_from_here() -> None:
    """Import nothing from the working folder, which may hold anybody's files; nor shall a program that is started."""
    os.environ["PYTHONSAFEPATH"] = "1"
    if not sys.flags.safe_path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  (pathlib is not read yet)
        del sys.path[0]  # Python put it there for `python -m dmr`


if __name__ == "__main__":
    run()
