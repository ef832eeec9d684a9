"""With a real Label Studio: what is submitted without outlines, the tick, dry runs, and the picture of how to draw."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from physician import Physician, tick
from studio_loop import FRAMES, IDS, PUSH, Loop, catalogue_hash, dmr

from dmr.annotate.studio.projects.picture import picture_png

pytestmark = pytest.mark.studio


def project(physician: Physician) -> dict[str, str]:
    found: dict[str, str] = physician.ask("GET", f"/api/projects/{physician.project}/")
    return found


def test_what_is_submitted_empty_is_held_until_it_is_ticked_or_read_twice(loop: Loop) -> None:
    with loop.physician() as physician:
        one, two, *_ = physician.tasks()
        first = physician.submit(one, [])
        physician.submit(two, [])
        held = dmr("pull").output
        assert "0 revisions added" in held and 'without the tick "Nothing to see here"' in held
        assert "2 submitted annotations without outlines wait to be confirmed" in dmr("status").output
        physician.update(first, [tick()])
        physician.colleague("second@ward.example").submit(two, [])
        taken = dmr("pull").output
        assert "3 revisions added" in taken and "without the tick" not in taken
        before = catalogue_hash()
        assert "nothing was changed" in dmr("pull").output
        assert catalogue_hash() == before
    with loop.catalogue() as catalogue:
        for task, readers in ((one, 1), (two, 2)):
            heads = catalogue.heads(task["data"]["frame_id"])
            assert len(heads) == readers
            assert all(h.record.annotation.shapes == () and h.record.annotation.covered == set(IDS) for h in heads)


def test_a_project_that_holds_annotations_and_lacks_the_tick_gets_it(loop: Loop) -> None:
    with loop.physician() as physician:
        one, two, *_ = physician.tasks()
        physician.submit(one, physician.draft_of(one))
        root = ElementTree.fromstring(project(physician)["label_config"])
        for beside in list(root.iter()):
            for own in [own for own in beside if own.tag == "Choices"]:
                beside.remove(own)
        older = ElementTree.tostring(root, encoding="unicode")
        physician.ask("PATCH", f"/api/projects/{physician.project}/", json={"label_config": older})
        assert 'New in the project: the tick "Nothing to see here".' in dmr(*PUSH).output
        assert '<Choices name="nothing"' in project(physician)["label_config"]
        physician.submit(two, [tick()])
        assert "1 revision added" in dmr("pull").output


def test_a_dry_run_counts_as_the_push_does_and_changes_nothing(fresh: Loop) -> None:
    before = catalogue_hash()
    told = json.loads(dmr(*PUSH, "--dry-run", "--pixels-reviewed", "--json").stdout)
    assert catalogue_hash() == before
    with fresh.catalogue() as catalogue:
        assert catalogue.queues() == []
    done = json.loads(dmr(*PUSH, "--pixels-reviewed", "--json").stdout)
    assert told["counts"] == done["counts"]
    assert told["ranking"] == done["ranking"]
    assert done["counts"]["tasks added"] == FRAMES
    with fresh.physician() as physician:
        there = [physician.tasks(), project(physician)]
        dmr(*PUSH, "--dry-run")
        assert [physician.tasks(), project(physician)] == there


def test_the_instructions_show_a_picture_that_the_server_sends(loop: Loop) -> None:
    with loop.physician() as physician:
        found = re.search(r'<img src="([^"]+)" width="600" alt="Drag', project(physician)["expert_instruction"])
        assert found is not None
        answer = physician.http.get(found[1])
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == picture_png()
