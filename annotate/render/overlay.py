"""Overlays of outlines on frames, and contact sheets of many overlays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..classes import Classes
from ..geometry.raster import shapes_to_layers
from ..shapes import Annotation

Picture = NDArray[np.uint8]
"""`(height, width, 3)` uint8, RGB."""

_LINE = 2  # px
_PAPER = (24, 24, 24)
_INK = (235, 235, 235)
_MARGIN = 10  # px
_TALLEST = 2.0  # greatest height of a cell, in its width
_TEXT = 15  # px


def draw_overlay(pixels: NDArray[np.uint8], annotation: Annotation, *, classes: Classes, fill: float = 0.25) -> Picture:
    """Draw an annotation over its frame: outlines of 2 px and a light fill in the classes' colours.

    Args:
        pixels: The frame, `(height, width)` uint8, in the annotation's size.
        annotation: The annotation to draw. Classes are painted in their order; shapes of unknown classes are left out.
        classes: The classes with their colours and order.
        fill: Opacity of the colour inside the outlines, 0 to 1.

    Returns:
        `(height, width, 3)` uint8, RGB.

    Raises:
        ValueError: The sizes differ.

    Example:
        >>> classes = dmr.Classes([dmr.ClassDef(1, "nerve", color="#E69F00")])
        >>> drawn = dmr.Annotation(100, 200, (dmr.Shape(1, ((10, 10), (40, 10), (40, 30))),), frozenset({1}))
        >>> dmr.draw_overlay(np.zeros((100, 200), np.uint8), drawn, classes=classes).shape
        (100, 200, 3)
    """
    if pixels.shape != (annotation.height, annotation.width):
        raise ValueError(f"frame {pixels.shape}, annotation {(annotation.height, annotation.width)}: sizes differ")
    order = classes.paint_order()
    layers = shapes_to_layers(annotation.shapes, class_ids=order, height=annotation.height, width=annotation.width)
    picture = np.repeat(pixels[:, :, None], 3, axis=2).astype(np.float32)
    for class_id, layer in zip(order, layers, strict=True):
        color = np.array(ImageColor.getrgb(classes.by_id(class_id).color), dtype=np.float32)
        picture[layer] += fill * (color - picture[layer])
    canvas = Image.fromarray(np.rint(picture).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for class_id in order:
        for shape in annotation.shapes:
            if shape.class_id == class_id:
                closed = [*shape.points, shape.points[0], shape.points[1]]
                # Minus half a pixel, because Pillow's coordinates mean the pixels' centres.
                draw.line(
                    [(x - 0.5, y - 0.5) for x, y in closed],
                    fill=classes.by_id(class_id).color,
                    width=_LINE,
                    joint="curve",
                )
    return np.asarray(canvas, dtype=np.uint8)


def contact_sheet(
    cells: Sequence[tuple[NDArray[np.uint8], str]],
    *,
    columns: int = 4,
    cell_width: int = 400,
    legend: Mapping[str, str] | None = None,
) -> Picture:
    """Arrange pictures in rows, each above its caption, with the legend at the top.

    Args:
        cells: Pictures, grey or RGB uint8, and captions of as many lines as they need.
        columns: Number of pictures in a row.
        cell_width: Width to which pictures are scaled, px. Tall strips are scaled to twice this height.
        legend: Names and colours of the legend.
    """
    font = ImageFont.load_default(size=_TEXT)
    line_height = _TEXT + 5
    columns = max(1, min(columns, len(cells)))
    entries = legend or {}
    width = columns * (cell_width + _MARGIN) + _MARGIN
    legend_places, legend_height = _legend_places(list(entries), font, width, line_height)
    pictures = [_scaled(pixels, cell_width) for pixels, _ in cells]
    captions = [_wrapped(caption, font, cell_width) for _, caption in cells]
    tops, top = [], legend_height + _MARGIN
    for start in range(0, len(cells), columns):
        row = range(start, min(start + columns, len(cells)))
        tops += [top for _ in row]
        top += max(pictures[n].height + line_height * len(captions[n]) for n in row) + 2 * _MARGIN
    sheet = Image.new("RGB", (width, max(top, 1)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for (name, color), (x, y) in zip(entries.items(), legend_places, strict=True):
        draw.rectangle((x, y + 2, x + _TEXT, y + 2 + _TEXT), fill=color)
        draw.text((x + _TEXT + 6, y), name, fill=_INK, font=font)
    for n, (picture, lines) in enumerate(zip(pictures, captions, strict=True)):
        x = _MARGIN + (n % columns) * (cell_width + _MARGIN)
        sheet.paste(picture, (x, tops[n]))
        for place, line in enumerate(lines):
            draw.text((x, tops[n] + picture.height + 4 + place * line_height), line, fill=_INK, font=font)
    return np.asarray(sheet, dtype=np.uint8)


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _scaled(pixels: NDArray[np.uint8], width: int) -> Image.Image:
    picture = Image.fromarray(pixels).convert("RGB")
    scale = min(width / picture.width, _TALLEST * width / picture.height)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    # LANCZOS keeps thin outlines visible in a smaller picture.
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _legend_places(
    names: Sequence[str], font: _Font, width: int, line_height: int
) -> tuple[list[tuple[int, int]], int]:
    """The place of each entry, and the height of all."""
    places: list[tuple[int, int]] = []
    x, y = _MARGIN, _MARGIN
    for name in names:
        needed = _TEXT + 6 + math.ceil(font.getlength(name)) + 2 * _MARGIN
        if x > _MARGIN and x + needed > width:
            x, y = _MARGIN, y + line_height
        places.append((x, y))
        x += needed
    return places, y + line_height if names else 0


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    """The lines of a text, broken at spaces. A word wider than a line is broken too."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            if line and font.getlength(f"{line} {word}") <= width:
                line = f"{line} {word}"
                continue
            if line:
                lines.append(line)
            line = word
            while font.getlength(line) > width and len(line) > 1:
                fits = next(n for n in range(1, len(line)) if font.getlength(line[: n + 1]) > width)
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line)
    return lines
