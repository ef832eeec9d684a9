"""One frame, two frames: what is counted reads as English."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dmr.annotate.report import Report
from dmr.annotate.wording import counted

ROOT = Path(__file__).resolve().parents[2]

NO_NOUN = {"written", "replaced", "unchanged", "skipped", "withdrawn", "labelled already"}  # the same for one


def texts(node: ast.expr | None) -> set[str]:
    """The texts that an expression stands for: itself, or those of a list."""
    nodes = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def counts_in(tree: ast.Module) -> Iterator[str]:
    """What the reports of a module count by: a text on the spot, a constant's, or one of those a loop goes through."""
    known: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = texts(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            known[node.target.id] = texts(node.value)
    for loop in [n for n in ast.walk(tree) if isinstance(n, ast.For)]:
        words = known.get(loop.iter.id, set()) if isinstance(loop.iter, ast.Name) else texts(loop.iter)
        if any(is_count(n) and ast.unparse(n.args[0]) == ast.unparse(loop.target) for n in calls(loop)):
            yield from words
    for call in filter(is_count, calls(tree)):
        what = call.args[0]
        yield from known.get(what.id, set()) if isinstance(what, ast.Name) else texts(what)


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def is_count(call: ast.Call) -> bool:
    """Whether it is `report.count(...)`, whoever has the report."""
    return ast.unparse(call.func).split(".")[-2:] == ["report", "count"]


COUNTED = sorted(
    {
        words
        for package in ("annotate", "model", "active")
        for path in (ROOT / package).rglob("*.py")
        for words in counts_in(ast.parse(path.read_text(encoding="utf-8")))
    }
)


def test_the_counts_of_the_code_are_found() -> None:
    assert {"models made", "frames added", "tasks added", "pixels hidden", "drafts not submitted yet"} <= set(COUNTED)
    assert set(COUNTED) >= NO_NOUN


@pytest.mark.parametrize("words", COUNTED)
def test_each_count_of_the_code_has_a_singular(words: str) -> None:
    for n in (0, 2, 11):
        assert counted(n, words) == f"{n:,} {words}"
    if words in NO_NOUN:
        assert counted(1, words) == f"1 {words}"
    else:
        assert counted(1, words) != f"1 {words}", "annotate/wording.py has no singular of its noun"


@pytest.mark.parametrize(
    ("words", "one"),
    [
        ("models made", "1 model made"),
        ("synthetic frames written", "1 synthetic frame written"),
        ("drafts not submitted yet", "1 draft not submitted yet"),
        ("files that can be read", "1 file that can be read"),
        ("near-copies of another frame of their patient", "1 near-copy of another frame of its patient"),
        ("patients by their names", "1 patient by its name"),
        ("frames with their file", "1 frame with its file"),
        ("frames of test patients, without a draft", "1 frame of test patients, without a draft"),
    ],
)
def test_one_reads_as_english(words: str, one: str) -> None:
    assert counted(1, words) == one


def test_only_the_first_noun_becomes_one() -> None:
    assert counted(1, "new patients") == "1 new patient"
    assert counted(1, "files, of 3 patients") == "1 file, of 3 patients"


def test_a_report_prints_the_singular_and_keeps_its_keys() -> None:
    report = Report("train")
    report.count("models made")
    report.count("frames added", 2)

    assert report.lines() == ["train: 1 model made, 2 frames added"]
    assert report.as_dict()["counts"] == {"models made": 1, "frames added": 2}
