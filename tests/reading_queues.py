"""Queues that read frames again, beside the main one, on a small server."""

from __future__ import annotations

from typing import Any

from studio_round import Round

from dmr.annotate.catalogue.records import RevisionRecord
from dmr.annotate.report import Report
from dmr.annotate.studio.pushing.readings import push_readings

SECOND = "second@ward.example"


def add_queue(round_: Round, text: str) -> None:
    """Name one more queue in `dmr.toml`, beside the main one."""
    settings = round_.s.workspace.root / "dmr.toml"
    known = settings.read_text(encoding="utf-8")
    if '\nname = "main"' not in known:
        known += '\n[[studio.queue]]\nname = "main"\n'
    settings.write_text(f"{known}\n[[studio.queue]]\n{text}\n", encoding="utf-8")
    round_.s.workspace = type(round_.s.workspace).at(round_.s.workspace.root)


def push_again(round_: Round, *, pixels_reviewed: bool = False) -> Report:
    """Fill the queues that read again."""
    round_.s.report = Report("push")
    push_readings(round_.s, round_.client, pixels_reviewed=pixels_reviewed)
    return round_.s.report


def project_of(round_: Round, queue: str) -> dict[str, Any]:
    """A queue's project as the server has it."""
    known = round_.s.catalogue.queue(queue)
    assert known is not None
    return next(p for p in round_.server.studio.projects if p["id"] == known.project)


def revisions(round_: Round, reading: str) -> list[RevisionRecord]:
    """What was drawn in a reading, in the order of arrival."""
    catalogue = round_.s.catalogue
    found = [r.sha256 for records in catalogue.readings().values() for r in records if r.reading == reading]
    return [r.record for r in sorted(map(catalogue.revision, found), key=lambda r: r.sequence)]
