"""A second reading in a real browser, by people whom `dmr studio invite` has given their logins."""

from __future__ import annotations

import numpy as np
import pytest
from browser_page import corners, label
from browser_ward import PLEXUS, Ward
from studio_loop import PUSH, dmr, painted

from dmr.annotate.shapes import Shape

pytestmark = [pytest.mark.studio, pytest.mark.browser]
FIRST, SECOND = "flora@ward.example", "sven@ward.example"


def invited(ward: Ward, mail: str) -> tuple[str, str]:
    """The address and the password of somebody who has a login from now on."""
    kept = ward.workspace.root.parent / f"{mail}.txt"
    dmr("studio", "invite", mail, "--password-file", str(kept))
    return mail, kept.read_text(encoding="utf-8").strip()


def test_a_second_reader_sees_the_draft_and_nothing_of_the_first_reader(ward: Ward) -> None:
    with ward.desk() as desk:
        desk.log_in(*invited(ward, FIRST))
        desk.label_all(ward.project)
        first = desk.data
        (plexus,) = [r for r in desk.regions() if label(r) == "lumbar_plexus"]
        desk.pick(plexus)
        x, y = corners(plexus)[0]
        desk.drag((x, y), (x + 8, y + 6))
        desk.submit()
        desk.wait_for_next(first["frame_id"])
    assert "1 revision added" in dmr("pull").output
    settings = ward.workspace.root / "dmr.toml"
    queues = '\n[[studio.queue]]\nname = "main"\n\n[[studio.queue]]\nname = "twice"\npurpose = "second-reading"\n'
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}{queues}reader = "{SECOND}"\nshare = 1.0\n', encoding="utf-8")
    assert "1 task added" in dmr(*PUSH).output
    with ward.catalogue() as catalogue:
        queue = catalogue.queue("twice")
    assert queue is not None

    with ward.desk() as desk:
        desk.log_in(*invited(ward, SECOND))
        desk.label_all(queue.project)
        assert desk.data["frame_id"] == first["frame_id"]
        shown = desk.page.inner_text("body")
        assert not any(word in shown.casefold() for word in (FIRST, "twice", "second"))
        (seen,) = [r for r in desk.regions() if label(r) == "lumbar_plexus"]
        assert np.allclose(corners(seen), corners(plexus)), "the draft as the first reader got it"
        desk.pick(seen)
        x, y = corners(seen)[0]
        desk.drag((x, y), (x - 6, y + 4))
        (drawn,) = [r for r in desk.regions() if label(r) == "lumbar_plexus"]
        desk.picture("second-reading")
        desk.submit()

    assert "1 revision added" in dmr("pull").output
    with ward.catalogue() as catalogue:
        heads = {h.record.author: h.record for h in catalogue.heads(first["frame_id"])}
    assert {author: record.reading for author, record in heads.items()} == {FIRST: "first", SECOND: "second"}
    pulled = tuple(s for s in heads[SECOND].annotation.shapes if s.class_id == PLEXUS)
    assert (painted(pulled) == painted((Shape(PLEXUS, tuple(corners(drawn))),))).all()
