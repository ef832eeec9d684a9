"""Sizes that hold for the whole repository, and tests that mirror the rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import pytest
from rooms import PACKAGES, ROOT, line_counts, project_files

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a git checkout: nothing says which files belong to the project"
)
MOST_LINES: Final = 350
MOST_FILES_IN_ANNOTATE: Final = 12
LONG: Final = 60  # lines of a function, its docstring not counted
MOST_LONG: Final = 3


def function_lengths() -> Iterator[tuple[str, int]]:
    """Each function of the package with its lines."""
    for path in line_counts():
        if path.parts[0] not in PACKAGES and len(path.parts) > 1:
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first, last = node.body[0], node.end_lineno or 0
                docstring = 0 if ast.get_docstring(node) is None else (first.end_lineno or 0) - first.lineno + 1
                yield f"{path}:{node.name}", last - node.lineno + 1 - docstring


def test_no_python_file_is_longer_than_350_lines() -> None:
    assert {str(path): lines for path, lines in line_counts().items() if lines > MOST_LINES} == {}


def test_few_files_lie_directly_in_annotate() -> None:
    direct = [path.name for path in line_counts() if path.parent == PurePosixPath("annotate")]
    assert len(direct) <= MOST_FILES_IN_ANNOTATE, direct


def test_few_functions_are_longer_than_60_lines() -> None:
    lengths = dict(function_lengths())
    assert len(lengths) > 500
    long = {name: lines for name, lines in lengths.items() if lines > LONG}
    assert len(long) <= MOST_LONG, long


def test_the_folders_of_the_tests_are_rooms() -> None:
    rooms = {path.parent for path in line_counts() if path.name == "__init__.py"}
    folders = {path.parent.relative_to("tests") for path in project_files() if path.parts[0] == "tests"}
    mirrored = {folder for folder in folders if folder.parts and folder.parts[0] in PACKAGES}
    assert len(mirrored) > 10
    assert mirrored - rooms == set()
