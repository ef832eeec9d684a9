"""The picture in a project's instructions: a corner to drag, an edge to click on, Ctrl to draw inside an outline."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from ...errors import StudioError
from ..answers.records import Project

if TYPE_CHECKING:
    from ..server.client import StudioClient

NAME: Final = "instructions.png"
SIDE: Final = (600, 140)  # px on the screen
SAID: Final = "Drag a corner to move it. Click on an edge to add a corner. Hold Ctrl to draw inside another outline."
_FINE: Final = 6  # px drawn for one px on the screen, before it is made smaller
_SHARP: Final = 1.5  # px of the file for one px on the screen: sharp on most screens, and small
_COLOURS: Final = 32
_BACK: Final = "#26282c"
_OUTER, _INNER, _LIGHT, _FAINT = "#3d9ade", "#f0e442", "#ffffff", "#8b9098"
_OUTLINE: Final = ((34.0, 78.0), (58.0, 30.0), (112.0, 20.0), (158.0, 46.0), (146.0, 92.0), (82.0, 104.0))

_Place = tuple[float, float]


def instructions_with_picture(instructions: str, *, address: str) -> str:
    """Instructions with the picture after their first paragraph.

    Args:
        instructions: Their HTML.
        address: Where the picture lies on the server: Label Studio removes those that are written in the text.
    """
    shown = f'<p><img src="{address}" width="{SIDE[0]}" alt="{SAID}"></p>'
    return instructions.replace("</p>", f"</p>{shown}", 1)


def show_picture(client: StudioClient, project: Project, *, instructions: str) -> None:
    """Send the picture to a new project, and show it in its instructions. A server that takes no files goes without.

    Raises:
        StudioError: The server does not answer.
    """
    try:
        ((_, address),) = client.upload(project.id, [(NAME, picture_png())])
        client.set_instructions(project.id, instructions_with_picture(instructions, address=address))
    except StudioError as error:
        if client.status_of(error) in (None, 401):  # no answer, or a token that is refused
            raise


@cache
def picture_png() -> bytes:
    """The picture as PNG, a few kB."""
    canvas = Image.new("RGB", (SIDE[0] * _FINE, SIDE[1] * _FINE), _BACK)
    pen = _Pen(ImageDraw.Draw(canvas, "RGBA"))
    _corner(pen.at(0))
    _edge(pen.at(200))
    _inside(pen.at(400))
    small = canvas.resize((round(_SHARP * SIDE[0]), round(_SHARP * SIDE[1])), Image.Resampling.BOX)
    out = io.BytesIO()
    small.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


class _Pen:
    """Draws in px of the screen, from a panel's left border on."""

    def __init__(self, draw: ImageDraw.ImageDraw, left: float = 0.0) -> None:
        self.draw = draw
        self.left = left

    def at(self, left: float) -> _Pen:
        return _Pen(self.draw, left)

    def _px(self, points: Sequence[_Place]) -> list[_Place]:
        return [((x + self.left) * _FINE, y * _FINE) for x, y in points]

    def outline(self, points: Sequence[_Place], colour: str, *, closed: bool = True) -> None:
        own = self._px(points)
        if closed:
            self.draw.polygon(own, fill=f"{colour}40")
        self.draw.line([*own, own[0], own[1]] if closed else own, fill=colour, width=2 * _FINE, joint="curve")
        for place in points:
            self.dot(place, colour)

    def dot(self, place: _Place, colour: str, *, size: float = 3.5) -> None:
        ((x, y),) = self._px([place])
        r = size * _FINE
        self.draw.rectangle((x - r, y - r, x + r, y + r), fill=_LIGHT, outline=colour, width=round(1.5 * _FINE))

    def dashed(self, one: _Place, two: _Place, colour: str, *, pieces: int = 6) -> None:
        (x, y), (right, bottom) = one, two
        steps = [k / (2 * pieces - 1) for k in range(2 * pieces)]
        places = [(x + (right - x) * t, y + (bottom - y) * t) for t in steps]
        for part in zip(places[::2], places[1::2], strict=True):
            self.draw.line(self._px(part), fill=colour, width=round(1.5 * _FINE))

    def arrow(self, tip: _Place) -> None:
        """A mouse pointer."""
        x, y = tip
        shape = [(0, 0), (0, 17), (4, 13.5), (7, 20), (9.8, 18.8), (6.8, 12.4), (12, 12)]
        own = self._px([(x + a, y + b) for a, b in shape])
        self.draw.polygon(own, fill=_LIGHT, outline="#000000", width=_FINE)

    def words(self, place: _Place, text: str, *, size: float = 13, colour: str = _LIGHT, anchor: str = "mm") -> None:
        ((x, y),) = self._px([place])
        self.draw.text((x, y), text, fill=colour, font=ImageFont.load_default(size * _FINE), anchor=anchor)

    def key(self, left: float, top: float, text: str) -> None:
        """A key of the keyboard."""
        (a, b) = self._px([(left, top), (left + 38, top + 22)])
        self.draw.rounded_rectangle((*a, *b), radius=4 * _FINE, fill="#4a4e55", outline=_LIGHT, width=_FINE)
        self.words((left + 19, top + 11), text, size=12)


def _corner(pen: _Pen) -> None:
    old, new = _OUTLINE[3], (176.0, 30.0)
    moved = [new if place == old else place for place in _OUTLINE]
    pen.dashed(_OUTLINE[2], old, _FAINT)
    pen.dashed(old, _OUTLINE[4], _FAINT)
    pen.outline(moved, _OUTER)
    pen.dot(old, _FAINT)
    pen.arrow(new)
    pen.words((100, 124), "Drag a corner")


def _edge(pen: _Pen) -> None:
    pen.outline(_OUTLINE, _OUTER)
    (x1, y1), (x2, y2) = _OUTLINE[4:]
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    pen.dot(middle, "#d55e00", size=5.0)
    pen.arrow(middle)
    pen.words((100, 124), "Click on an edge: a new corner")


def _inside(pen: _Pen) -> None:
    pen.outline(_OUTLINE, _OUTER)
    inner = [(84.0, 74.0), (78.0, 52.0), (100.0, 42.0), (122.0, 56.0)]
    pen.outline(inner, _INNER, closed=False)
    pen.dashed(inner[-1], (110.0, 76.0), _INNER, pieces=3)
    pen.arrow((110.0, 76.0))
    pen.key(8, 12, "Ctrl")
    pen.words((100, 124), "Hold Ctrl to draw inside")
