"""HTML pages of one file, with their pictures inside: what reports are written with."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from PIL import Image

from .classes import Classes
from .overlay import Picture

NOTICE: Final = "dmr is an annotation assistant: its drafts are for a physician's review. It is not a medical device."
_JPEG_QUALITY: Final = 82
_STYLE: Final = """
body { margin: 0 auto; max-width: 1180px; padding: 1rem 1.5rem 4rem; background: #14171a; color: #e6e8ea;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem } h2 { margin-top: 2.5rem; font-size: 1.2rem } p { max-width: 46rem }
.notice { padding: .5rem .8rem; border-left: 4px solid #e69f00; background: #23272b; }
.legend span { display: inline-block; margin-right: 1.2rem } .legend i { display: inline-block; width: .9em;
       height: .9em; margin-right: .4em; vertical-align: -.1em; border-radius: 2px }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: .6rem;
       margin: 1.4rem 0 .2rem }
figure { margin: 0 } img { width: 100%; display: block; border-radius: 4px }
img.drawing { width: auto; max-width: 100% }
figcaption, .why { color: #aab2b9; font-size: .9rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .25rem .9rem; text-align: right; border-bottom: 1px solid #333; white-space: nowrap }
td:first-child, th:first-child { text-align: left } code { background: #23272b; padding: .1rem .3rem }
"""


def page(title: str, parts: Iterable[str]) -> bytes:
    """A whole page, UTF-8; `parts` are HTML."""
    head = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    return "\n".join([head, *parts]).encode("utf-8")


def legend(classes: Classes) -> str:
    """The active classes and their colours."""
    spans = "".join(f'<span><i style="background:{c.color}"></i>{escape(c.name)}</span>' for c in classes.active)
    return f"<p class=legend>{spans}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts."""
    lines = ["".join(f"<td>{escape(cell)}" for cell in row) for row in rows]
    return (
        "<div class=wide><table><tr>"
        + "".join(f"<th>{escape(cell)}" for cell in head)
        + "".join(f"<tr>{line}" for line in lines)
        + "</table></div>"
    )


def pictures(title: str, row: Sequence[tuple[str, Picture]]) -> str:
    """Pictures side by side, each with its name, and a line about them."""
    figures = "".join(
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{_jpeg(picture)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, picture in row
    )
    return f"<div class=row>{figures}</div><div class=why>{escape(title)}</div>"


def drawing(name: str, png: bytes) -> str:
    """A drawing as it is."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img class=drawing alt="{escape(name)}" src="data:image/png;base64,{data}">'


def _jpeg(picture: Picture) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=_JPEG_QUALITY)
    return base64.b64encode(out.getvalue()).decode("ascii")
