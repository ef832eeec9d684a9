"""The words that a column may hold are those of the program's types and settings."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.records import (
    AnnotationState,
    Decision,
    ModelState,
    Origin,
    Reading,
    RenditionState,
    RevisionRecord,
    TaskState,
)
from dmr.annotate.settings.model import SPLITS, Coverage, ImportSettings, Purpose, QueueSettings, Split, SplitSettings
from dmr.cli import main

COLUMNS = {
    ("patient", "split"): Split,
    ("rendition", "state"): RenditionState,
    ("revision", "origin"): Origin,
    ("revision", "reading"): Reading,
    ("model", "state"): ModelState,
    ("queue", "purpose"): Purpose,
    ("task", "state"): TaskState,
    ("remote_annotation", "state"): AnnotationState,
    ("cycle", "verdict"): Decision,
}


def words_of(catalogue: Catalogue) -> dict[tuple[str, str], tuple[str, ...]]:
    """What each column that is held to some words may hold, as the migrations made it."""
    with catalogue.reading() as connection:
        inspector = sa.inspect(connection)
        checks = {name: inspector.get_check_constraints(name) for name in inspector.get_table_names()}
    found = {}
    for table, its in checks.items():
        for check in its:
            if (held := re.fullmatch(r"(\w+) IN \((.*)\)", check["sqltext"])) is not None:
                found[table, held[1]] = tuple(re.findall(r"'([^']*)'", held[2]))
    return found


def test_every_column_of_words_holds_those_of_its_type(catalogue: Catalogue) -> None:
    assert words_of(catalogue) == {column: get_args(kind) for column, kind in COLUMNS.items()}


@pytest.mark.parametrize(
    ("cls", "name", "kind"),
    [(RevisionRecord, "origin", Origin), (QueueSettings, "purpose", Purpose), (ImportSettings, "coverage", Coverage)],
    ids=["origin", "purpose", "coverage"],
)
def test_records_and_settings_take_these_words(cls: Any, name: str, kind: object) -> None:
    assert get_type_hints(cls)[name] == kind


def test_every_split_has_a_share() -> None:
    assert tuple(f.name for f in fields(SplitSettings)) == SPLITS == get_args(Split)


def test_a_new_workspace_is_offered_every_coverage() -> None:
    assert f"[{'|'.join(get_args(Coverage))}]" in CliRunner().invoke(main, ["init", "--help"]).output
