"""Label Studio's `lead_time` against a stopwatch: a scripted browser works on frames for known times.

`make bench-browser`; it needs Chromium and a Label Studio, as the tests in a browser do.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from record import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser_page import Desk, corners, label, running_browser
from browser_ward import Ward, make_ward
from studio_loop import PUSH, dmr, own_copy, running_studio

# From when the page made the outlines until the image was shown.
_LOADING = "() => (window.shownAt - window.Htx.annotationStore.selected.loadedDate.getTime()) / 1000"


@dataclass
class Watch:
    """A stopwatch: the seconds that a frame was before somebody, in parts; the first begins as the image is shown."""

    shown: float
    parts: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.monotonic() if self.parts else self.shown
        yield
        self.parts.append(time.monotonic() - start)

    @property
    def seconds(self) -> float:
        return sum(self.parts)


def correct(desk: Desk, *, by: float = 6.0) -> None:
    """Drag a corner of the plexus."""
    (plexus,) = [r for r in desk.regions() if label(r) == "lumbar_plexus"]
    if plexus["id"] not in desk.picked():
        desk.pick(plexus)
    x, y = corners(plexus)[0]
    desk.drag((x, y), (x + by, y + by))


def until(seconds: float, watch: Watch, desk: Desk, *steps: Callable[[], object]) -> None:
    """Let somebody work for so long; the steps come first."""
    with watch.running():
        end = time.monotonic() + seconds if watch.parts else watch.shown + seconds
        for step in steps:
            step()
        desk.page.wait_for_timeout(max(0.0, 1000 * (end - time.monotonic())))


def sent(desk: Desk) -> float:
    """Submit and wait for the next frame; the seconds that the page sent."""
    frame = desk.data["frame_id"]
    body = desk.submit()
    desk.wait_for_next(frame)
    return float(body["lead_time"])


def looked(desk: Desk, seconds: float) -> tuple[float, float]:
    watch = Watch(desk.shown)
    until(seconds, watch, desk)
    return watch.seconds, sent(desk)


def corrected(desk: Desk, seconds: float) -> tuple[float, float]:
    """A corner is dragged, and dragged once more at the end: drafts are saved in between if there is time."""
    watch = Watch(desk.shown)
    until(seconds / 2, watch, desk, lambda: correct(desk))
    until(seconds / 2, watch, desk, lambda: correct(desk, by=-3.0))
    return watch.seconds, sent(desk)


def in_another_tab(desk: Desk) -> tuple[float, float]:
    """Six seconds before the frame, and twenty before another tab in between."""
    watch = Watch(desk.shown)
    until(3.0, watch, desk)
    other = desk.page.context.new_page()
    other.goto("about:blank")
    other.bring_to_front()
    other.wait_for_timeout(20_000)
    other.close()
    desk.page.bring_to_front()
    until(3.0, watch, desk)
    return watch.seconds, sent(desk)


def reloaded(desk: Desk, *, draft: bool) -> tuple[float, float]:
    """Ten seconds, a reload, six seconds; with a saved draft before the reload, or without a change."""
    watch = Watch(desk.shown)
    until(10.0, watch, desk, *([lambda: correct(desk)] if draft else []))
    desk.page.reload()
    desk.wait()
    desk.close_instructions()
    until(6.0, watch, desk)
    return watch.seconds, sent(desk)


def skipped_first(desk: Desk, project: int) -> tuple[float, float]:
    """Skipped after six seconds; half a minute later somebody comes back for eight seconds and submits."""
    watch = Watch(desk.shown)
    until(6.0, watch, desk)
    frame, task = desk.data["frame_id"], desk.task
    desk.skip()
    desk.wait_for_next(frame)
    desk.page.wait_for_timeout(20_000)
    desk.open_task(project, task)
    with watch.running():
        desk.page.get_by_text("Cancel skip", exact=True).click()
        desk.page.get_by_text("Submit", exact=True).wait_for()
        desk.wait()
    until(8.0, watch, desk, lambda: correct(desk))
    lead = float(desk.submit()["lead_time"])
    desk.label_all(project)
    return watch.seconds, lead


def updated(desk: Desk, project: int) -> tuple[float, float]:
    """Submitted after eight seconds; later changed for six seconds and updated."""
    watch = Watch(desk.shown)
    until(8.0, watch, desk)
    task = desk.task
    sent(desk)
    desk.page.wait_for_timeout(10_000)
    desk.open_task(project, task)
    until(6.0, watch, desk, lambda: correct(desk))
    lead = desk.update()
    desk.label_all(project)
    return watch.seconds, lead


def measured(ward: Ward) -> list[dict[str, Any]]:
    """All cases, a frame each."""
    rows: list[dict[str, Any]] = []
    with ward.first_desk() as desk:
        desk.label_all(ward.project)
        cases: dict[str, Callable[[], tuple[float, float]]] = {
            "looked at for 8 s": lambda: looked(desk, 8.0),
            "looked at for 20 s": lambda: looked(desk, 20.0),
            "corrected in 8 s, no draft saved": lambda: corrected(desk, 8.0),
            "corrected in 20 s, drafts saved": lambda: corrected(desk, 20.0),
            "corrected in 45 s, drafts saved": lambda: corrected(desk, 45.0),
            "6 s, and 20 s in another tab": lambda: in_another_tab(desk),
            "16 s, reloaded in between with a draft": lambda: reloaded(desk, draft=True),
            "16 s, reloaded in between without a change": lambda: reloaded(desk, draft=False),
            "skipped after 6 s, 8 s more later": lambda: skipped_first(desk, ward.project),
            "submitted after 8 s, updated in 6 s": lambda: updated(desk, ward.project),
        }
        for name, case in cases.items():
            loading = float(desk.page.evaluate(_LOADING))
            seconds, lead = case()
            figures = {"loading_s": loading, "stopwatch_s": seconds, "lead_time_s": lead}
            rows.append({"case": name} | {key: round(value, 2) for key, value in figures.items()})
            print(name, rows[-1], flush=True)
    return rows


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_browser() as browser,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(temporary)
        with running_studio(folder, port=18080):
            made = make_ward(folder)
            loop = own_copy(made.root, folder / "copy")
            patch.chdir(loop.workspace.root)
            dmr(*PUSH, "--pixels-reviewed")
            rows = measured(Ward(loop.workspace, loop.login, browser, folder / "scans"))
            patch.undo()
    finish(rows)


def finish(rows: list[dict[str, Any]]) -> None:
    """Record the rows; the first five are those in which nothing comes in between."""
    errors = [abs((r["lead_time_s"] - r["loading_s"]) / r["stopwatch_s"] - 1) for r in rows[:5]]
    record("lead_time", headline={"worst_error_undisturbed_less_loading": round(max(errors), 4)}, rows=rows)


if __name__ == "__main__":
    main()
