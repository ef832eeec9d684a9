"""HTML pages of one file, with their pictures inside: what reports are written with."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from PIL import Image

from ..classes import Classes
from .overlay import Picture
from .style import STYLE

NOTICE: Final = "dmr is an annotation assistant: its drafts are for a physician's review. It is not a medical device."
_JPEG_QUALITY: Final = 82
FEW: Final = 4  # columns of a table that would be lost in a window's width
# A page needs nothing from elsewhere and runs nothing; with this the browser sees to it.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, parts: Iterable[str]) -> bytes:
    """A whole page, UTF-8; `parts` are HTML."""
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
    )
    return "\n".join([head, *parts, "</body></html>\n"]).encode("utf-8")


def today() -> str:
    """The date on this computer, `2026-01-31`."""
    return datetime.now().astimezone().date().isoformat()


def heading(text: str, *, level: int = 2) -> str:
    """A heading; level 1 is the page's title."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str) -> str:
    """Plain words."""
    return f"<p>{escape(text)}</p>"


def notice(text: str, *, first: str = "") -> str:
    """Words that nobody may miss; `first` in bold before them."""
    bold = f"<b>{escape(first)}</b> " if first else ""
    return f'<p class="notice">{bold}{escape(text)}</p>'


def legend(classes: Classes) -> str:
    """The active classes and their colours."""
    spans = "".join(f'<span><i style="background:{c.color}"></i>{escape(c.name)}</span>' for c in classes.active)
    return f'<p class="legend">{spans}</p>'


def headline(figures: Iterable[tuple[str, str, str]]) -> str:
    """The figures to read first: what it is, the figure, a line about it."""
    tiles = "".join(
        f'<div><p class="what">{escape(what)}</p><p class="figure">{escape(figure)}</p><p>{escape(about)}</p></div>'
        for what, figure, about in figures
    )
    return f'<div class="headline">{tiles}</div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and what they are, one pair a line."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<dl class="facts">{lines}</dl>'


def commands(pairs: Iterable[tuple[str, str]]) -> str:
    """Commands to type, each with what it does."""
    lines = "".join(f"<dt><code>{escape(name)}</code></dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<dl class="facts">{lines}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts, which fits the window's width.

    In a cell, what follows a line break stands below in small letters. On a phone each row becomes a list.
    """
    top = "".join(f'<th scope="col">{_cell(cell)}</th>' for cell in head)
    labels = [escape(" ".join(cell.split())) for cell in head]
    lines = []
    for first, *others in rows:
        cells = "".join(
            f'<td data-label="{label}"><div>{_cell(cell)}</div></td>'
            for label, cell in zip(labels[1:], others, strict=True)
        )
        lines.append(f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>')
    few = ' class="few"' if len(head) <= FEW else ""
    return f"<table{few}><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def pictures(title: str, row: Sequence[tuple[str, Picture]]) -> str:
    """Pictures side by side, each with its name, and a line about them."""
    figures = "".join(
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{_jpeg(picture)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, picture in row
    )
    about = f'<p class="why">{_breakable(title)}</p>' if title else ""
    return f'<div class="frames"><div class="row">{figures}</div>{about}</div>'


def drawing(name: str, svg: str) -> str:
    """A drawing of `figure.draw_svg`."""
    return f'<div class="drawing" role="img" aria-label="{escape(name)}">{svg}</div>'


def _cell(text: str) -> str:
    first, *below = text.split("\n")
    return _breakable(first) + "".join(f"<small>{_breakable(line)}</small>" for line in below)


def _breakable(text: str) -> str:
    """Long names may go on in the next line after each underscore."""
    return escape(text).replace("_", "_<wbr>")


def _jpeg(picture: Picture) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=_JPEG_QUALITY)
    return base64.b64encode(out.getvalue()).decode("ascii")
