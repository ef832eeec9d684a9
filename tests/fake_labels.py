"""What Label Studio says of annotations that do not fit a labelling interface."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from typing import Any


def misfits(drawn: Iterable[Any], config: str) -> str:
    """What the results of a project hold that a labelling interface does not allow; empty if all fits."""
    results = [r for r in drawn if isinstance(r, dict) and r.get("type") != "choices"]
    named = [(r.get("from_name"), r.get("to_name"), r.get("type")) for r in results]
    lists = [tag for tag in ElementTree.fromstring(config).iter() if tag.tag.endswith("Labels")]
    allowed = {(tag.get("name"), tag.get("toName"), tag.tag.lower()) for tag in lists}
    odd = [n for n in named if n not in allowed]
    if odd:
        told = "\n".join(f"1 with from_name={a}, to_name={b}, type={c}" for a, b, c in odd)
        return f"Created annotations are incompatible with provided labeling schema, we found:\n{told}"
    labels = [label for r in results for label in (r.get("value") or {}).get(r["type"]) or [None]]
    told = "\n".join(f"{x} (1 annotation)" for x in labels if f'value="{x}"' not in config)
    end = 'Please add labels to tag with name="label".'
    return f"These labels still exist in annotations or drafts:\n{told}\n{end}" if told else ""
