"""The demo's page tells verdict, both models and the minutes first, whatever the gate said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from markup import Markup, assert_needs_nothing

from dmr.active.demo.figures import DemoFigures, ModelFigures
from dmr.active.demo.page import demo_page
from dmr.active.simulation.physician import Corrected
from dmr.annotate.classes import ClassDef, Classes
from dmr.model.network.checkpoint import Card


def card(name: str, frames: int) -> Card:
    learnt = {"frames": frames, "patients": 6}
    return Card(name, "s", 128, ("psoas_major",), (1,), "", {"steps": 250, "minutes": 1.2, "data": {"train": learnt}})


def verdict(decision: str) -> dict[str, Any]:
    change = {"value": 0.0521, "low": 0.031, "high": 0.074}
    return {
        "decision": decision,
        "reason": "its mean Dice changes by +0.052 (+0.031 to +0.074)",
        "dice": change,
        "classes": {"psoas_major": change},
        "unjudged": ["lumbar_plexus"],
        "patients": 12,
        "frames": 48,
        "incumbent_dice": {"mean": 0.612, "classes": {"psoas_major": 0.612}},
        "candidate_dice": {"mean": 0.6641, "classes": {"psoas_major": 0.6641}},
    }


def written(said: dict[str, Any], *, smaller: str | None = None, name: str = "psoas_major") -> Markup:
    figures = DemoFigures(
        first=ModelFigures.of(card("v1", 24), said["incumbent_dice"]),
        second=ModelFigures.of(card("v2", 44), said["candidate_dice"]),
        verdict=said,
        corrected=20,
        structures=Corrected(3, 40, 69, 1),
        minutes={"drawing and importing the scans": 0.46, "correcting the drafts": 0.01, "judging both models": 2.5},
        smaller=smaller,
        seed=7,
        date="2026-01-31",
    )
    row = [(text, np.zeros((8, 8, 3), np.uint8)) for text in ("the frame", name)]
    made = demo_page(
        figures, classes=Classes([ClassDef(1, "nerve")]), corrected=[(f"f0: {name}", row)], tested=[row, row]
    )
    return assert_needs_nothing(made.decode("utf-8"))


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        ("promoted", "is the active model now"),
        ("rejected", "It is worse than v1, which stays the active model"),
        ("undecided", "v1 stays the active model"),
    ],
)
def test_verdict_models_and_minutes_come_before_all_else(decision: str, outcome: str) -> None:
    text = written(verdict(decision)).text
    first = text[: text.index("The score of the two models")]

    assert "Synthetic frames." in first
    assert ("undecided" if decision == "undecided" else f"v2 is {decision}") in first and outcome in first
    assert "Dice 0.612learnt from 24 frames of 6 patients, in 250 steps" in first
    assert "Dice 0.664learnt from 44 frames of 6 patients" in first
    assert "3.0 minutes" in first
    assert "smaller" not in first


def test_the_tables_tell_each_class_each_part_and_what_was_done() -> None:
    markup = written(verdict("promoted"))

    assert markup.cells[8:12] == ["psoas_major", "0.612", "0.664", "+0.052+0.031 to +0.074"]
    assert markup.cells[-2:] == ["in all", "3.0"]
    assert "under 0.1" in markup.cells
    for words in ("48 frames of 12 test patients", "too few test patients have them: lumbar_plexus", "2026-01-31"):
        assert words in markup.text
    assert "3 kept as drafted, 40 redrawn, 69 added, 1 taken away" in markup.text
    assert "Seed7" in markup.text


def test_a_smaller_demo_says_so_at_the_written() -> None:
    text = written(verdict("promoted"), smaller="100 steps in place of 250, because the computer is busy.").text
    assert text.index("100 steps in place of 250") < text.index("The score of the two models")


def test_models_that_could_not_be_compared_have_no_figures() -> None:
    said = verdict("undecided") | {
        "dice": None,
        "classes": {},
        "incumbent_dice": None,
        "candidate_dice": None,
        "reason": "there are 2 test patients with outlines",
    }
    markup = written(said)
    assert "Dice -" in markup.text and "there are 2 test patients with outlines" in markup.text
    assert "Dice of v1" not in markup.cells


def test_frames_come_with_their_reason_and_what_to_type_comes_last() -> None:
    markup = written(verdict("promoted"))

    assert "The 1 frames most worth correcting" in markup.text and "1. f0: psoas_major" in markup.text
    assert [tag for tag, _ in markup.tags].count("img") == 3 * 2
    assert markup.text.index("What to do next") < markup.text.index("dmr studio start")


def test_names_of_whatever_text_are_only_text() -> None:
    hostile = '<script>alert(1)</script>&"'
    said = verdict("promoted")
    said |= {"classes": {hostile: said["dice"]}, "unjudged": [hostile], "reason": hostile}
    for side in ("incumbent_dice", "candidate_dice"):
        said[side] = {"mean": 0.6, "classes": {hostile: 0.6}}
    markup = written(said, smaller=hostile, name=hostile)

    assert hostile in markup.cells
    for words in (f"The gate's reason: {hostile}.", f"have them: {hostile}.", f"A smaller demo. {hostile}"):
        assert words in markup.text
