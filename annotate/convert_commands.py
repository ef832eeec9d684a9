"""`dmr convert`: between file formats, without a workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .console import progress, reporting
from .report import Report

_PATH = click.Path(path_type=Path)
_THERE = click.Path(exists=True, path_type=Path)


@click.group()
def convert() -> None:
    """Convert between Labelme files and masks, layers or COCO.

    No workspace is needed.
    """


def _conversion(function: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that both directions share."""
    for decorate in (
        click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing."),
        click.option("--preview", type=_PATH, help="Write a contact sheet of some of the frames (PNG)."),
        click.option("--images", type=_THERE, help="Where the images lie, if not beside SRC's files."),
        click.option("--classes", help="Labels in the order of their indices: a,b,c [default: class_1, class_2, ...]."),
        click.argument("dst", type=_PATH),
        click.argument("src", type=_THERE),
    ):
        function = decorate(function)
    return function


def _names(classes: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in classes.split(",")) if classes else None


@convert.command(name="labelme-to-mask")
@_conversion
@reporting
def labelme_to_mask_(
    src: Path, dst: Path, classes: str | None, images: Path | None, preview: Path | None, dry_run: bool
) -> Report:
    """Labelme files SRC (file or folder) to class-index PNGs in DST."""
    from .convert import labelme_to_mask

    with progress() as tell:
        return labelme_to_mask(
            src,
            dst,
            classes=_names(classes),
            images=images,
            preview=preview,
            dry_run=dry_run,
            on_progress=lambda: tell("Converting", 1, None),
        )


@convert.command(name="mask-to-labelme")
@_conversion
@click.option(
    "--tolerance",
    default=0.0,
    show_default=True,
    help="Pixels that an outline may stray, for fewer points; 0 is exact.",
)
@click.option("--max-points", "most_points", type=click.IntRange(min=3), help="Of an outline [default: what it takes].")
@reporting
def mask_to_labelme_(
    src: Path,
    dst: Path,
    classes: str | None,
    images: Path | None,
    preview: Path | None,
    dry_run: bool,
    tolerance: float,
    most_points: int | None,
) -> Report:
    """Class-index masks SRC (file or folder) to Labelme files in DST."""
    from .convert import mask_to_labelme

    with progress() as tell:
        return mask_to_labelme(
            src,
            dst,
            classes=_names(classes),
            tolerance=tolerance,
            most_points=most_points,
            images=images,
            preview=preview,
            dry_run=dry_run,
            on_progress=lambda: tell("Converting", 1, None),
        )


@convert.command(name="labelme-to-coco")
@click.argument("src", type=_THERE)
@click.argument("dst", type=_PATH)
@click.option("--classes", help="Labels in the order of their category ids: a,b,c [default: all, by alphabet].")
@click.option("--rle", is_flag=True, help="Run lengths everywhere: exact in any program; else outlines where they do.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@reporting
def labelme_to_coco_(src: Path, dst: Path, classes: str | None, rle: bool, dry_run: bool) -> Report:
    """Labelme files SRC (file or folder) to one COCO data set DST (JSON)."""
    from .convert_coco import labelme_to_coco

    with progress() as tell:
        return labelme_to_coco(
            src,
            dst,
            classes=_names(classes),
            rle=rle,
            dry_run=dry_run,
            on_progress=lambda: tell("Converting", 1, None),
        )


@convert.command(name="coco-to-labelme")
@click.argument("src", type=_THERE)
@click.argument("dst", type=_PATH)
@click.option("--images", type=_THERE, help="Where the images lie, for the files to point to.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@reporting
def coco_to_labelme_(src: Path, dst: Path, images: Path | None, dry_run: bool) -> Report:
    """A COCO data set SRC (JSON) to Labelme files in DST."""
    from .convert_coco import coco_to_labelme

    with progress() as tell:
        return coco_to_labelme(
            src, dst, images=images, dry_run=dry_run, on_progress=lambda: tell("Converting", 1, None)
        )


@convert.command(name="labelme-to-layers")
@click.argument("src", type=_THERE)
@click.argument("dst", type=_PATH)
@click.option("--classes", help="Labels to paint: a,b,c [default: all that are drawn].")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@reporting
def labelme_to_layers_(src: Path, dst: Path, classes: str | None, dry_run: bool) -> Report:
    """Labelme files SRC to black and white masks DST/CLASS/NAME.png, which may overlap."""
    from .convert_layers import labelme_to_layers

    with progress() as tell:
        return labelme_to_layers(
            src, dst, classes=_names(classes), dry_run=dry_run, on_progress=lambda: tell("Converting", 1, None)
        )


@convert.command(name="layers-to-labelme")
@click.argument("src", type=_THERE)
@click.argument("dst", type=_PATH)
@click.option("--images", type=_THERE, help="Where the images lie, for the files to point to.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@reporting
def layers_to_labelme_(src: Path, dst: Path, images: Path | None, dry_run: bool) -> Report:
    """Black and white masks SRC/CLASS/NAME.png to Labelme files in DST, exactly."""
    from .convert_layers import layers_to_labelme

    with progress() as tell:
        return layers_to_labelme(
            src, dst, images=images, dry_run=dry_run, on_progress=lambda: tell("Converting", 1, None)
        )
