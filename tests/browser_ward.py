"""A workspace for tests in a browser: its drafts are the phantom's outlines, so they show all structures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from browser_page import SMALL, Desk
from playwright.sync_api import Browser
from ranked_workspace import make_workspace, says
from scans import write_scans
from studio_loop import Loop, dmr

from dmr.active.drafts import SPECK, TOLERANCE
from dmr.annotate.catalogue.records import ModelRecord, PredictionRecord
from dmr.annotate.classes import Classes
from dmr.annotate.formats.annotations import read_annotation
from dmr.annotate.geometry.raster import shapes_to_layers
from dmr.annotate.geometry.trace import index_to_shapes
from dmr.annotate.settings.template import SHAMROCK_CLASSES
from dmr.annotate.shapes import Shape
from dmr.annotate.studio.server.credentials import browser_login
from dmr.annotate.system.store import sha256_hex
from dmr.annotate.workspace import Workspace

PATIENTS = 2
FRAMES = 6 * PATIENTS
IDS = tuple(c.id for c in SHAMROCK_CLASSES)
PSOAS, PLEXUS = 1, 6


@dataclass(frozen=True)
class Ward(Loop):
    """A workspace whose frames are on a server, and a browser.

    Attributes:
        browser: The browser.
        truth: The folder of the phantom's files.
    """

    browser: Browser
    truth: Path

    @property
    def project(self) -> int:
        return self.physician().project

    def invitation(self) -> str:
        """The path of the link by which people make themselves an account."""
        with self.physician() as physician:
            return str(physician.ask("GET", "/api/invite")["invite_url"])

    @contextmanager
    def desk(self, *, window: tuple[int, int] = SMALL) -> Iterator[Desk]:
        """A browser's window, without anybody's login."""
        context = self.browser.new_context(viewport={"width": window[0], "height": window[1]})
        desk = Desk(context.new_page(), self.login.url)
        try:
            yield desk
        except BaseException:
            desk.picture("failed")
            raise
        finally:
            context.close()

    @contextmanager
    def first_desk(self, *, window: tuple[int, int] = SMALL) -> Iterator[Desk]:
        """A window in which the server's first user is logged in."""
        login = browser_login(self.login.url)
        assert login is not None
        with self.desk(window=window) as desk:
            desk.log_in(*login)
            yield desk

    def drafts(self, frame: str) -> tuple[Shape, ...]:
        """The outlines that the active model drew on a frame."""
        with self.catalogue() as catalogue:
            active = catalogue.active_model()
            assert active is not None
            return catalogue.latest_predictions(active.id)[frame].shapes


def make_ward(folder: Path) -> Workspace:
    """A new workspace with frames that nobody has labelled, and drafts of all of them."""
    write_scans(folder / "scans", patients=range(PATIENTS), labelled=True)
    workspace = make_workspace(folder / "ws")
    settings = workspace.root / "dmr.toml"
    text = settings.read_text(encoding="utf-8")
    # A frame of the audit may be shown without its draft.
    settings.write_text(text.replace("audit_share = 0.12", "audit_share = 0.0"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workspace.root)
        dmr("ingest", "--all", str(folder / "scans"))
    draw(workspace, folder / "scans", model="v1")
    return workspace


def draw(workspace: Workspace, truth: Path, *, model: str, left: float = 0.0) -> None:
    """Let a model that is active draw what the phantom's files say, so far to the left, in few points."""
    with workspace.session(write=True) as s:
        classes = s.settings.classes
        s.catalogue.add_model(ModelRecord(id=model, sha256="0" * 64, class_ids=IDS))
        s.catalogue.activate(model, reason="a test")
        rng = np.random.default_rng(1)
        files = {sha256_hex(file.read_bytes()): file.with_suffix(".json") for file in truth.glob("*.png")}
        s.catalogue.add_predictions(
            PredictionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                model=model,
                shapes=_drafted(files[frame.source_sha256], classes, left=left),
                scores=says(rng),
                embedding=rng.normal(size=8).astype("<f2").tobytes(),
            )
            for frame in s.catalogue.frames()
        )


def _drafted(file: Path, classes: Classes, *, left: float) -> tuple[Shape, ...]:
    """Exact outlines as a draft has them: the inner ones cut none out of the outer ones, and few points each."""
    exact = read_annotation(file, classes)
    layers = shapes_to_layers(exact.shapes, class_ids=IDS, height=exact.height, width=exact.width)
    shapes: list[Shape] = []
    for class_id, layer in zip(IDS, layers, strict=True):
        parts = index_to_shapes(np.uint8(class_id) * layer.astype(np.uint8), tolerance=TOLERANCE, drop_below=SPECK)
        shapes += (
            replace(p, points=tuple((x - left, y) for x, y in p.points), group=None) for p in parts if not p.hole
        )
    return tuple(shapes)
