"""The tick "Nothing to see here" in projects: new ones have it, older ones get it, where Label Studio takes it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from odd_submissions import drawn, strange, without_tick
from physician import Physician, tick
from studio_round import PSOAS, Round

from dmr.annotate.studio.projects.labels import NO_TICK
from dmr.annotate.studio.projects.queues import has_tick
from dmr.annotate.studio.pulling.bare import HELD


def config(round_: Round) -> str:
    return str(round_.server.studio.projects[0]["label_config"])


def test_a_new_project_has_it_beside_the_image_with_a_key_of_its_own(round_: Round) -> None:
    report = round_.push()
    root = ElementTree.fromstring(config(round_))
    (choice,) = root.iter("Choice")
    keys = [own.get("hotkey") for own in root.iter("Label")]
    assert choice.get("hotkey") == "0" and "0" not in keys
    assert report.words == []


def test_an_older_project_gets_it_after_its_labels(round_: Round, physician: Physician) -> None:
    new = config(round_)
    without_tick(round_)
    assert not has_tick(config(round_))
    assert 'New in the project: the tick "Nothing to see here".' in round_.push().words
    tags = [[own.tag for own in root.iter()] for root in map(ElementTree.fromstring, (config(round_), new))]
    assert tags[0] == tags[1]
    before = round_.server.count("PATCH", "/api/projects/1/")
    assert round_.push().words == []
    assert round_.server.count("PATCH", "/api/projects/1/") == before
    physician.submit(physician.tasks()[0], [tick()])
    assert round_.pull().counts["revisions added"] == 1


def test_where_it_is_refused_all_else_is_sent_and_what_is_empty_is_held(round_: Round, physician: Physician) -> None:
    one, two, *_ = physician.tasks()
    physician.submit(one, [drawn(PSOAS), strange("Knoten")])
    physician.submit(two, [])
    without_tick(round_)
    round_.draw("v2", left=10.0)
    report = round_.push(round_.outgoing("v2"), model="v2")
    assert report.failures == []
    (title,) = report.oddities[NO_TICK]
    assert title == "'ws: main'"
    assert report.counts["drafts replaced"] == 4
    assert HELD in round_.pull().oddities
