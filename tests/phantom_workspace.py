"""Workspaces of synthetic outlines, made by the commands as a user makes them, and copies of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dmr.annotate.phantom.writing import PhantomSet, write_phantom
from dmr.annotate.workspace import Workspace
from dmr.cli import main


def dmr(*arguments: str, code: int | None = 0) -> Result:
    """Run a command that has to end with this code, or with any: a bug is raised as it is."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code is None or result.exit_code == code, result.output
    return result


def outlined(folder: Path, outlines: PhantomSet, **beside: PhantomSet) -> Path:
    """A workspace `w` with these outlines, from `in`, and no model; other sets lie beside it in their folders."""
    for name, wanted in {"in": outlines, **beside}.items():
        for _ in write_phantom(folder / name, wanted):
            pass
    dmr("init", str(folder / "w"), "--coverage", "all")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "w")
        dmr("import", str(folder / "in"))
    return folder


def copied(made: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of a workspace, in which the test works."""
    shutil.copytree(made, target)
    monkeypatch.chdir(target)
    return Workspace.find()
