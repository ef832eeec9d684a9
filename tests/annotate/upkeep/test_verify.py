"""`dmr db verify` finds every fault that is put in, and mends what the workspace still knows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from spoiling import MENDED, OTHERS, Spoil, changed_value, deleted_row

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.report import Report
from dmr.annotate.upkeep.fault import Fault
from dmr.annotate.upkeep.verify import verify
from dmr.annotate.workspace import Workspace

FAULTS = 200


def faults_of(workspace: Workspace, *, repair: bool = False) -> list[Fault]:
    return verify(workspace, report=Report("db verify"), repair=repair)


def catalogue_hash(workspace: Workspace) -> str:
    with Catalogue.open(workspace.root / "catalogue.sqlite", store=workspace.store, is_copy=True) as catalogue:
        return catalogue.catalogue_hash()


def blobs(workspace: Workspace) -> dict[str, bytes]:
    return {sha256: workspace.store.get(sha256) for sha256 in workspace.store.hashes()}


def test_nothing_is_found_in_a_sound_workspace_and_nothing_in_it_changes(ward: Workspace) -> None:
    def files() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in sorted(ward.root.rglob("*")) if p.is_file() and not p.name.endswith(".lock")}

    before = files()
    assert faults_of(ward) == []
    assert files() == before


def test_each_of_200_faults_is_found(copied: Callable[[], Workspace]) -> None:
    kinds = [*MENDED, *OTHERS]
    missed = []
    for number in range(FAULTS):
        workspace, random = copied(), Random(number)
        spoil = kinds[number % len(kinds)]
        put_in = spoil(workspace, random)
        if not faults_of(workspace):
            missed.append((number, spoil.__name__, put_in))
        shutil.rmtree(workspace.root)
    assert missed == []


@pytest.mark.parametrize("spoil", [*MENDED, changed_value, deleted_row], ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_can_be_mended_is_mended_and_nothing_is_lost(
    sound: Workspace, ward: Workspace, spoil: Spoil, seed: int
) -> None:
    put_in = spoil(ward, Random(seed))
    left = [fault for fault in faults_of(ward, repair=True) if "alembic_version" not in put_in]
    assert left == [], put_in
    if spoil.__name__ != "foreign_row" and "alembic_version" not in put_in:
        assert catalogue_hash(ward) == catalogue_hash(sound), put_in
    assert blobs(ward).items() >= blobs(sound).items()
