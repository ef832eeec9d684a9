"""The commands `dmr convert`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..classes import parse_names
from ..console import progress, reporting
from ..report import Report
from .options import Options

_PATH = click.Path(path_type=Path)
_THERE = click.Path(exists=True, path_type=Path)
_INCOMPLETE = click.option(
    "--incomplete",
    is_flag=True,
    help="Write also what lacks something. The format cannot say so: a class that is missing looks absent.",
)
_MOST_POINTS = "Most points of an outline; needs a --tolerance above 0 [default: no limit]."


@click.group()
def convert() -> None:
    """Convert Labelme files to masks, COCO, YOLO, NIfTI; and back.

    No workspace is needed. Files in DST that were drawn or edited by hand are never replaced.
    """


def _conversion(function: Callable[..., Report]) -> Callable[..., None]:
    """Make a command of a conversion: add the arguments that all conversions share, and a progress bar."""

    @functools.wraps(function)
    def converting(
        src: Path,
        dst: Path,
        *,
        classes: str | None,
        images: Path | None,
        preview: Path | None,
        dry_run: bool,
        **own: Any,
    ) -> Report:
        given = None if classes is None else parse_names(classes)
        with progress() as tell:
            return function(Options(src, dst, given, images, preview, dry_run, tell), **own)

    command = reporting(converting)
    for decorate in (
        click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing."),
        click.option("--preview", type=_PATH, help="Write a contact sheet of some of the frames (PNG)."),
        click.option("--images", type=_THERE, help="Folder of the images, if they are not with the files of SRC."),
        click.option(
            "--classes",
            metavar="NAME[=LABEL],...",
            help="Classes in the order of their numbers, 1 first. nerve=shenjing,muscle: the labels shenjing and "
            "nerve of SRC become nerve, and muscle stays muscle. Other labels are left out and reported "
            "[default: all labels; for class-index masks class_1, class_2, ...].",
        ),
        click.argument("dst", type=_PATH),
        click.argument("src", type=_THERE),
    ):
        command = decorate(command)
    return command


@convert.command(name="labelme-to-mask")
@_INCOMPLETE
@_conversion
def labelme_to_mask_(o: Options, *, incomplete: bool) -> Report:
    """Convert Labelme files SRC to class-index masks DST.

    Each pixel has the number of its class; 0 is background. Where classes overlap, the higher number covers the lower.
    """
    from .masks import labelme_to_mask

    return labelme_to_mask(o, incomplete=incomplete)


@convert.command(name="mask-to-labelme")
@click.option(
    "--tolerance",
    default=0.0,
    show_default=True,
    help="Pixels by which an outline may differ from the mask, to save points; 0 is exact.",
)
@click.option(
    "--colors",
    metavar="NAME=#RRGGBB,...",
    help="The classes' colours in masks that hold colours [default: those of Pascal VOC are recognised].",
)
@click.option("--max-points", "most_points", type=click.IntRange(min=3), help=_MOST_POINTS)
@_conversion
def mask_to_labelme_(o: Options, *, colors: str | None, **own: Any) -> Report:
    """Convert class-index masks SRC to Labelme files DST."""
    from ..formats.color_mask import parse_colors
    from .masks import mask_to_labelme

    return mask_to_labelme(o, colors=None if colors is None else parse_colors(colors), **own)


@convert.command(name="labelme-to-coco")
@click.option(
    "--rle",
    is_flag=True,
    help="Write all structures as run lengths, exact in any program [default: only those with holes].",
)
@_conversion
def labelme_to_coco_(o: Options, *, rle: bool) -> Report:
    """Convert Labelme files SRC to a COCO data set DST."""
    from .from_labelme import labelme_to_files

    return labelme_to_files(o, form="coco", rle=rle)


@convert.command(name="coco-to-labelme")
@_conversion
def coco_to_labelme_(o: Options) -> Report:
    """Convert a COCO data set SRC to Labelme files in DST."""
    from .to_labelme import files_to_labelme

    return files_to_labelme(o, form="coco")


@convert.command(name="labelme-to-layers")
@_INCOMPLETE
@_conversion
def labelme_to_layers_(o: Options, *, incomplete: bool) -> Report:
    """Convert Labelme files SRC to layers in DST.

    A layer is the mask of one class, black and white: DST/CLASS/NAME.png. Layers may overlap.
    """
    from .from_labelme import labelme_to_files

    return labelme_to_files(o, form="layers", incomplete=incomplete)


@convert.command(name="layers-to-labelme")
@_conversion
def layers_to_labelme_(o: Options) -> Report:
    """Convert layers in SRC to Labelme files in DST.

    A layer is the mask of one class, black and white: SRC/CLASS/NAME.png. Layers are traced exactly.
    """
    from .to_labelme import files_to_labelme

    return files_to_labelme(o, form="layers")


@convert.command(name="labelme-to-yolo")
@_INCOMPLETE
@_conversion
def labelme_to_yolo_(o: Options, *, incomplete: bool) -> Report:
    """Convert Labelme files SRC to YOLO's outlines in DST.

    DST/labels/NAME.txt has one line for each outline, and data.yaml has the names. A seam joins a hole to its outline.
    """
    from .from_labelme import labelme_to_files

    return labelme_to_files(o, form="yolo", incomplete=incomplete)


@convert.command(name="yolo-to-labelme")
@_conversion
def yolo_to_labelme_(o: Options) -> Report:
    """Convert YOLO outlines SRC to Labelme files in DST.

    The images give the size: below SRC, or in --images.
    """
    from .to_labelme import files_to_labelme

    return files_to_labelme(o, form="yolo")


@convert.command(name="labelme-to-nifti")
@_conversion
def labelme_to_nifti_(o: Options) -> Report:
    """Convert Labelme files SRC to a NIfTI volume DST.

    DST is its name, or a folder for labels.nii.gz. Each frame is a slice of class indices; the list of frames lies
    beside it. Frames of other sizes have volumes of their own. Needs nibabel: pip install 'dmrnet[nifti]'.
    """
    from .from_labelme import labelme_to_files

    return labelme_to_files(o, form="nifti")


@convert.command(name="nifti-to-labelme")
@_conversion
def nifti_to_labelme_(o: Options) -> Report:
    """Convert NIfTI volumes SRC to Labelme files in DST.

    Each slice is a frame.
    """
    from .to_labelme import files_to_labelme

    return files_to_labelme(o, form="nifti")


@convert.command(name="labelme-to-instances")
@_conversion
def labelme_to_instances_(o: Options) -> Report:
    """Convert Labelme files SRC to instance masks DST.

    DST/NAME.png has 16 bits and a number for each instance, DST/NAME.instances.json their classes.
    """
    from .from_labelme import labelme_to_files

    return labelme_to_files(o, form="instances")


@convert.command(name="instances-to-labelme")
@_conversion
def instances_to_labelme_(o: Options) -> Report:
    """Convert instance masks SRC to Labelme files DST.

    Each SRC/NAME.png has its table SRC/NAME.instances.json.
    """
    from .to_labelme import files_to_labelme

    return files_to_labelme(o, form="instances")
