"""The public Python API: each name is there, says what it is, and has an example that runs."""

from __future__ import annotations

import ast
import doctest
import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dmr

NAMES = dmr.__all__


def test_importing_dmr_imports_no_other_module_of_it() -> None:
    program = "import sys, dmr\nprint(sorted(name for name in sys.modules if name.startswith('dmr.')))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)

    assert run.stdout.strip() == "[]"


def test_all_names_what_type_checkers_see() -> None:
    (block,) = (node for node in ast.parse(inspect.getsource(dmr)).body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert len(NAMES) >= 10
    assert seen == set(NAMES) == set(dmr._PLACES)
    assert sorted(NAMES) == list(NAMES)
    assert set(NAMES) < set(dir(dmr))


def test_a_name_that_is_not_there_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dmr.nothing


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the outlines of three virtual subjects and a version that was trained for two steps."""
    folder = tmp_path_factory.mktemp("api")
    dmr.draw_phantom(folder / "outlines", patients=3, frames=2, seed=3)
    workspace, _ = dmr.Workspace.create(folder / "department")
    with workspace.session(device="cpu") as s:
        dmr.import_outlines(s, [folder / "outlines"])
        assert dmr.train(s, steps=2, input=32) == "v1"
    return workspace.root


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_docstring_of_its_own_with_an_example_that_runs(
    name: str, tmp_path: Path, department: Path
) -> None:
    value = getattr(dmr, name)
    text = inspect.cleandoc(vars(value).get("__doc__") or "" if inspect.isclass(value) else value.__doc__)
    workspace = dmr.Workspace.at(shutil.copytree(department, tmp_path / "workspace"))
    given: dict[str, Any] = {"dmr": dmr, "np": np, "tmp": tmp_path, "workspace": workspace}
    example = doctest.DocTestParser().get_doctest(text, given, name, None, None)

    assert value.__name__ == name
    assert not text.startswith(f"{name}(")  # what dataclasses write by themselves
    assert example.examples
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
