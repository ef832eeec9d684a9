"""The rooms of the package: which files belong to the project, and how many lines each room has.

Run it as `python tests/rooms.py`, or `make rooms`.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGES: Final = ("annotate", "model", "active")


def project_files() -> list[PurePosixPath]:
    """What belongs to the repository, as paths from its root: tracked, or new and not ignored."""
    listing = subprocess.run(
        ["git", "-c", "core.quotepath=off", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    return [PurePosixPath(name) for name in sorted(set(listing.split("\0"))) if name and (ROOT / name).is_file()]


def line_counts() -> dict[PurePosixPath, int]:
    """The Python files of the project with their lines."""
    python = (path for path in project_files() if path.suffix == ".py")
    return {path: len((ROOT / path).read_bytes().splitlines()) for path in python}


def main() -> None:
    """Print each room with its files and lines, its own first and then those of the rooms in it."""
    files, lines = Counter[PurePosixPath](), Counter[PurePosixPath]()
    for path, count in line_counts().items():
        if path.parts[0] in PACKAGES:
            files[path.parent] += 1
            lines[path.parent] += count
    print(f"{'room':32}{'files':>6}{'lines':>7}")
    for room in sorted(files):
        name = "  " * (len(room.parts) - 1) + room.name
        print(f"{name:32}{files[room]:6}{lines[room]:7,}")
    print(f"{'all':32}{files.total():6}{lines.total():7,}")


if __name__ == "__main__":
    main()
