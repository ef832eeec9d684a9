"""A class that a project offers only later is not called absent on what was submitted before."""

from __future__ import annotations

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.studio.answers.records import StudioAnnotation
from dmr.annotate.studio.projects.offered import was_offered


def _made(at: str, seconds: float | None) -> StudioAnnotation:
    made = object.__new__(StudioAnnotation)
    object.__setattr__(made, "at", at)
    object.__setattr__(made, "lead_time_s", seconds)
    return made


def test_what_was_submitted_before_or_begun_before_does_not_cover_it() -> None:
    since = {1: "", 7: "2026-03-01T10:00:00.000000Z"}
    before, during, after = "2026-03-01T09:00:00.000000Z", "2026-03-01T10:01:00.000000Z", "2026-03-01T11:00:00.000000Z"
    assert was_offered(1, since, _made(before, None))
    assert not was_offered(7, since, _made(before, None))
    assert not was_offered(7, since, _made(during, 120.0)), "the page was open since before"
    assert was_offered(7, since, _made(during, 30.0))
    assert was_offered(7, since, _made(after, None))


def test_where_nobody_knows_since_when_it_covers_nothing() -> None:
    assert not was_offered(7, {1: ""}, _made("2026-03-01T09:00:00.000000Z", None))


def test_since_when_is_kept_for_each_queue(catalogue: Catalogue) -> None:
    assert catalogue.offered(1) is None
    catalogue.set_offered(1, {1: "", 7: "2026-03-01T10:00:00.000000Z"})
    catalogue.set_offered(1, {1: ""})
    assert catalogue.offered(1) == {1: ""} and catalogue.offered(2) is None
