"""Keys, clicks and seconds a frame in Label Studio: before the page was laid out anew, and now.

`make bench-browser`; it needs Chromium and a Label Studio, as the tests in a browser do. The seconds are those
of a script that never thinks, so only their differences say something.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from record import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser_page import Desk, corners, label, running_browser
from browser_ward import Ward, make_ward
from studio_loop import PUSH, dmr, own_copy, running_studio

NERVE, BONE = "6", "4"  # the keys of the plexus and the transverse process
CENTRE, RADIUS = (256.0, 130.0), 18.0  # where no draft has an outline


def ring(count: int) -> list[tuple[float, float]]:
    """Corners of a round structure."""
    (x, y), step = CENTRE, 2 * math.pi / count
    return [(x + RADIUS * math.cos(k * step), y + RADIUS * math.sin(k * step)) for k in range(count)]


def accept(_: Desk) -> None:
    """Nothing is to do."""


def correct(desk: Desk) -> None:
    """Move one corner of the plexus, which lies in the psoas."""
    (plexus,) = [r for r in desk.regions() if label(r) == "lumbar_plexus"]
    x, y = corners(plexus)[0]
    desk.click(*_middle(plexus))
    if desk.picked() != [plexus["id"]]:  # the psoas lies above it: only the list beside the image is left
        desk.press("Escape")
        desk.page.get_by_text("lumbar_plexus", exact=True).last.click()
        desk.clicks += 1
    desk.page.wait_for_function("() => window.Htx.annotationStore.selected.selectedRegions.length > 0")
    assert desk.picked() == [plexus["id"]]
    desk.drag((x, y), (x + 6, y + 6))
    (after,) = [r for r in desk.regions() if r["id"] == plexus["id"]]
    assert after["value"] != plexus["value"]


def polygon(count: int) -> Callable[[Desk], None]:
    """A new polygon of so many corners."""

    def draw(desk: Desk) -> None:
        before = len(desk.regions())
        desk.draw(NERVE, ring(count))
        assert len(desk.regions()) == before + 1

    return draw


def ellipse(desk: Desk) -> None:
    """A new ellipse: the key of its label, and a drag from the centre outwards."""
    key = desk.ellipse_key("lumbar_plexus")
    assert key is not None
    before = len(desk.regions())
    desk.press(key)
    (x, y) = CENTRE
    desk.drag((x, y), (x + RADIUS, y + RADIUS))
    assert len(desk.regions()) == before + 1 and desk.regions()[-1]["type"] == "ellipselabels"


def lay_out_as_before(ward: Ward) -> None:
    """Give the project the layout of the first version, and the drafts their old order: outer structures first."""
    with ward.catalogue() as catalogue, ward.physician() as physician:
        classes = catalogue.classes()
        order = classes.paint_order()
        lines = [
            '<View><Header value="$reason" size="5"/>',
            '<Image name="image" value="$image" zoom="true" zoomControl="true" brightnessControl="true" '
            'contrastControl="true"/>',
            '<PolygonLabels name="label" toName="image" strokeWidth="2" pointSize="small" opacity="0.25">',
        ]
        for place, c in enumerate(sorted(classes.active, key=lambda c: order.index(c.id)), 1):
            lines.append(f'<Label value={quoteattr(c.name)} background={quoteattr(c.color)} hotkey="{place}"/>')
        config = "\n".join([*lines, "</PolygonLabels></View>"])
        physician.ask("PATCH", f"/api/projects/{ward.project}/", json={"label_config": config})
        for task in physician.tasks():
            for prediction in task["predictions"]:
                turned = {"result": prediction["result"][::-1]}
                physician.ask("PATCH", f"/api/predictions/{prediction['id']}/", json=turned)


def measured(ward: Ward, *, layout: str) -> list[dict[str, Any]]:
    """Each work on a frame of its own, from the frame shown to the next one shown."""
    works: dict[str, Callable[[Desk], None]] = {
        "accept": accept,
        "correct a corner of the plexus": correct,
        "draw a round structure, 8 corners": polygon(8),
        "draw a polygon of 12 corners": polygon(12),
    }
    rows = []
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        desk.picture(f"keys-{layout}")
        if desk.ellipse_key("lumbar_plexus") is not None:
            works["draw a round structure as an ellipse"] = ellipse
        for name, work in works.items():
            frame = desk.data["frame_id"]
            desk.keys = desk.clicks = 0
            start = time.perf_counter()
            work(desk)
            desk.submit()
            desk.wait_for_next(frame)
            seconds = time.perf_counter() - start
            row = {"layout": layout, "work": name, "keys": desk.keys, "clicks": desk.clicks, "seconds": seconds}
            rows.append(row | {"seconds": round(seconds, 2)})
            print(f"{layout:7} {name:40} {desk.keys:3} keys {desk.clicks:3} clicks {seconds:6.2f} s", flush=True)
    return rows


def main() -> None:
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_browser() as browser,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(temporary)
        with running_studio(folder, port=18080):
            made = make_ward(folder)
            for layout in ("before", "now"):
                loop = own_copy(made.root, folder / layout)
                patch.chdir(loop.workspace.root)
                dmr(*PUSH, "--pixels-reviewed")
                ward = Ward(loop.workspace, loop.login, browser, folder / "scans")
                if layout == "before":
                    lay_out_as_before(ward)
                rows += measured(ward, layout=layout)
            patch.undo()
    finish(rows)


def finish(rows: list[dict[str, Any]]) -> None:
    touches = {r["layout"]: r["keys"] + r["clicks"] for r in rows if r["work"] == "correct a corner of the plexus"}
    headline = {f"touches_to_correct_{layout}": float(count) for layout, count in touches.items()}
    record("keys", headline=headline, rows=rows)


def _middle(region: dict[str, Any]) -> tuple[float, float]:
    found = corners(region)
    return sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found)


if __name__ == "__main__":
    main()
