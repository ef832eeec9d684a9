"""Label Studio's page as a physician uses it: pictures, keys and clicks; what the page holds is read from its store."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import shapely
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ARTEFACTS: Final = Path(__file__).resolve().parents[1] / "build" / "browser"
SMALL, LARGE = (1366, 768), (1920, 1080)  # windows: an old laptop's, a desk's
PATIENCE_MS: Final = 60_000  # for a server that shares two cores
# Nothing leaves this computer, and no graphics card or sandbox is needed in a container.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
_READY: Final = """() => {
    const annotation = window.Htx?.annotationStore?.selected;
    const image = annotation?.names.get("image");
    return Boolean(image?.imageIsLoaded && image.stageWidth > 0 && !window.Htx.isLoading);
}"""
_REGIONS: Final = "() => window.Htx.annotationStore.selected.serializeAnnotation()"
_PLACE: Final = """() => {
    const image = window.Htx.annotationStore.selected.names.get("image");
    const box = document.querySelector(".konvajs-content").getBoundingClientRect();
    return {x: box.x + image.zoomingPositionX, y: box.y + image.zoomingPositionY,
            width: image.stageWidth * image.zoomScale, height: image.stageHeight * image.zoomScale,
            columns: image.naturalWidth, rows: image.naturalHeight};
}"""
_PICKED: Final = """() => window.Htx.annotationStore.selected.selectedRegions.map(r => r.cleanId ?? r.id)"""

_ELLIPSE_KEY: Final = """name => {
    const lists = [...window.Htx.annotationStore.selected.names.values()];
    const ellipses = lists.find(list => list.type === "ellipselabels");
    return ellipses?.children.find(one => one._value === name || one.value === name)?.hotkey ?? null;
}"""


def chromium() -> str | None:
    """The browser: what `DMR_CHROMIUM` names, or Debian's."""
    named = os.environ.get("DMR_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser without windows. Without one the test is skipped; with `DMR_BROWSER=required`, it fails."""
    program = chromium()
    if program is None:
        said = "no Chromium here: install Debian's package `chromium`, or name one with DMR_CHROMIUM"
        if os.environ.get("DMR_BROWSER") == "required":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Desk:
    """A person before a page of Label Studio; places are in pixels of the frame.

    Attributes:
        page: The browser's page.
        url: The server's address.
        keys: Keys that were pressed, two for Ctrl and another one at once.
        clicks: Clicks and drags.
        shown: When the last frame was shown, as `time.monotonic` counts.
    """

    page: Page
    url: str
    keys: int = 0
    clicks: int = 0
    shown: float = 0.0
    _folder: Path = field(default=ARTEFACTS)

    def log_in(self, mail: str, password: str) -> None:
        self.page.goto(f"{self.url}/user/login", timeout=PATIENCE_MS)
        self.page.fill("[name=email]", mail)
        self.page.fill("[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/login" not in url, timeout=PATIENCE_MS)

    def sign_up(self, invitation: str, mail: str, password: str) -> None:
        """Make an account with an organisation's invite link, as somebody does who was invited."""
        self.page.goto(f"{self.url}{invitation}", timeout=PATIENCE_MS)
        self.page.fill("[name=email]", mail)
        self.page.fill("[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/signup" not in url, timeout=PATIENCE_MS)

    def open_table(self, project: int) -> None:
        """Open a project's list of frames."""
        self.page.goto(f"{self.url}/projects/{project}/data", timeout=PATIENCE_MS)
        self._label_all.wait_for(timeout=PATIENCE_MS)
        self.page.get_by_text("reason", exact=True).wait_for(timeout=PATIENCE_MS)

    @property
    def _label_all(self) -> Locator:
        return self.page.get_by_role("button", name="Label All Tasks")

    def label_all(self, project: int) -> None:
        """Press "Label All Tasks", and put the instructions away.

        The address alone is not enough: it serves frames "as displayed", where nobody else's frame is left out.
        """
        self.open_table(project)
        self._label_all.click()
        self.wait()
        self.close_instructions()

    def open_task(self, project: int, task: int) -> None:
        """Open a task as a click on it in the table does."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}", timeout=PATIENCE_MS)
        self.wait()

    def close_instructions(self) -> None:
        self.page.get_by_text("Labeling Instructions").wait_for(timeout=PATIENCE_MS)
        self.page.keyboard.press("Escape")
        self.page.get_by_text("Labeling Instructions").wait_for(state="hidden", timeout=PATIENCE_MS)

    def wait(self) -> None:
        """Until a frame is shown, and no longer moves as the panels beside it come."""
        self.page.wait_for_function(_READY, timeout=PATIENCE_MS)
        self.page.evaluate("() => { window.shownAt = Date.now() }")
        self.shown = time.monotonic()
        before = None
        while before != (now := self.page.evaluate(_PLACE)):
            before = now
            self.page.wait_for_timeout(200)

    def wait_for_next(self, frame: str) -> None:
        """Until another frame than this one is shown."""
        is_other = f"() => window.Htx?.task && JSON.parse(window.Htx.task.data).frame_id !== '{frame}'"
        self.page.wait_for_function(is_other, timeout=PATIENCE_MS)
        self.wait()

    @property
    def data(self) -> dict[str, Any]:
        """The data of the task that is shown."""
        found: dict[str, Any] = self.page.evaluate("() => JSON.parse(window.Htx.task.data)")
        return found

    @property
    def task(self) -> int:
        return int(self.page.evaluate("() => window.Htx.task.id"))

    def regions(self) -> list[dict[str, Any]]:
        """The outlines as Submit would send them."""
        found: list[dict[str, Any]] = self.page.evaluate(_REGIONS)
        return found

    def picked(self) -> list[str]:
        """The ids of the regions that are selected."""
        found: list[str] = self.page.evaluate(_PICKED)
        return found

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the frame is in the window."""
        p = self.page.evaluate(_PLACE)
        return p["x"] + x * p["width"] / p["columns"], p["y"] + y * p["height"] / p["rows"]

    def click(self, x: float, y: float) -> None:
        left, top = self.at(x, y)
        # The instructions fade for a while after they were closed, and would take the click.
        is_free = f"() => document.elementFromPoint({left}, {top})?.tagName === 'CANVAS'"
        self.page.wait_for_function(is_free, timeout=PATIENCE_MS)
        self.page.mouse.click(left, top)
        self.clicks += 1

    def pick(self, region: dict[str, Any]) -> None:
        """Click into the middle of an outline; another one that lies there fails the test."""
        ring = corners(region)
        self.click(sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring))
        self.page.wait_for_function(f"() => ({_PICKED})().length > 0", timeout=PATIENCE_MS)
        assert self.picked() == [region["id"]], "another outline was picked"

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()
        self.clicks += 1

    def press(self, keys: str) -> None:
        """Press keys at once, such as `Control+Enter`."""
        self.page.keyboard.press(keys)
        self.keys += len(keys.split("+"))

    def draw(self, key: str, corners: Sequence[tuple[float, float]], *, inside: bool = False) -> None:
        """Draw a polygon with a label's key; with Ctrl held if it lies inside another outline."""
        self.press(key)
        if inside:
            self.page.keyboard.down("Control")
            self.keys += 1
        for corner in (*corners, corners[0]):
            self.click(*corner)
        if inside:
            self.page.keyboard.up("Control")

    def ellipse_key(self, name: str) -> str | None:
        """The key that begins an ellipse of a class; None if the project offers none."""
        found: str | None = self.page.evaluate(_ELLIPSE_KEY, name)
        return found

    def submit(self) -> dict[str, Any]:
        """Submit by the keys; what the page sent."""
        return self._sent("Control+Enter")

    def skip(self) -> dict[str, Any]:
        return self._sent("Control+Space")

    def update(self) -> float:
        """Press Update on what was submitted or skipped before; the seconds that the page sent."""

        def is_update(response: Any) -> bool:
            return response.request.method == "PATCH" and "/api/annotations/" in response.url

        with self.page.expect_response(is_update, timeout=PATIENCE_MS) as answer:
            self.page.get_by_text("Update", exact=True).click()
        assert answer.value.status == 200, answer.value.text()
        return float((answer.value.request.post_data_json or {})["lead_time"])

    def _sent(self, keys: str) -> dict[str, Any]:
        before = self.task

        def is_annotation(response: Any) -> bool:
            return response.request.method == "POST" and f"/tasks/{before}/annotations" in response.url

        with self.page.expect_response(is_annotation, timeout=PATIENCE_MS) as answer:
            self.press(keys)
        assert answer.value.status == 201, answer.value.text()
        sent = answer.value.request.post_data_json
        assert isinstance(sent, dict)
        return sent

    def picture(self, name: str) -> Path:
        """Keep a picture of the window."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._folder / f"{name}.png")
        return self._folder / f"{name}.png"


def corners(region: dict[str, Any]) -> list[tuple[float, float]]:
    """A polygon's corners in pixels of the frame."""
    width, height = region["original_width"], region["original_height"]
    return [(x * width / 100, y * height / 100) for x, y in region["value"]["points"]]


def label(region: dict[str, Any]) -> str:
    return str(region["value"][region["type"]][0])


def inside(ring: Sequence[tuple[float, float]], x: float, y: float) -> bool:
    """Whether a place lies in a polygon."""
    return bool(shapely.Polygon(ring).contains(shapely.Point(x, y)))
