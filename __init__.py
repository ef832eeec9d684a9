"""dmr: annotation and active learning for ultrasound anatomy.

The public names are those of `__all__`. Each is imported when it is first used, so `import dmr` takes no time. What a
name is for, and an example, stands in its docstring: `help(dmr.Classes)`. In the examples `tmp` is a new folder,
`workspace` a workspace with outlines and a model, and `np` is numpy.
"""

TYPE_CHECKING = False  # type checkers take it for true; typing itself is slow to import
if TYPE_CHECKING:
    from .active.gate import judge as judge
    from .active.prelabel import prelabel_scans as prelabel_scans
    from .active.selection.select import Candidate as Candidate
    from .active.selection.select import select as select
    from .annotate.classes import ClassDef as ClassDef
    from .annotate.classes import Classes as Classes
    from .annotate.errors import DmrError as DmrError
    from .annotate.formats.annotations import read_annotation as read_annotation
    from .annotate.formats.annotations import write_annotation as write_annotation
    from .annotate.geometry.raster import polygons_to_mask as polygons_to_mask
    from .annotate.geometry.raster import shapes_to_layers as shapes_to_layers
    from .annotate.geometry.trace import index_to_shapes as index_to_shapes
    from .annotate.geometry.trace import mask_to_shapes as mask_to_shapes
    from .annotate.intake.choice import Choice as Choice
    from .annotate.intake.job import import_outlines as import_outlines
    from .annotate.phantom.writing import draw_phantom as draw_phantom
    from .annotate.render.overlay import draw_overlay as draw_overlay
    from .annotate.report import Report as Report
    from .annotate.scans.decoding.child import Decoder as Decoder
    from .annotate.scans.images import read_frames as read_frames
    from .annotate.shapes import Annotation as Annotation
    from .annotate.shapes import Frame as Frame
    from .annotate.shapes import Shape as Shape
    from .annotate.workspace import Session as Session
    from .annotate.workspace import Workspace as Workspace
    from .model.data.dataset import Sample as Sample
    from .model.evaluation.evaluate import evaluate as evaluate
    from .model.inference.predict import Predictor as Predictor
    from .model.refine.prompt import Box as Box
    from .model.refine.prompt import Click as Click
    from .model.refine.refiner import Refiner as Refiner
    from .model.refine.saved import load_refiner as load_refiner
    from .model.training.train import train as train
    from .model.versions.load import load_model as load_model

__version__ = "0.1.0"

_PLACES = {
    # values
    "Annotation": "annotate.shapes",
    "Choice": "annotate.intake.choice",
    "ClassDef": "annotate.classes",
    "Classes": "annotate.classes",
    "DmrError": "annotate.errors",
    "Frame": "annotate.shapes",
    "Report": "annotate.report",
    "Shape": "annotate.shapes",
    # files and pictures
    "Decoder": "annotate.scans.decoding.child",
    "draw_overlay": "annotate.render.overlay",
    "draw_phantom": "annotate.phantom.writing",
    "read_annotation": "annotate.formats.annotations",
    "read_frames": "annotate.scans.images",
    "write_annotation": "annotate.formats.annotations",
    # the workspace and its work
    "Session": "annotate.workspace",
    "Workspace": "annotate.workspace",
    "import_outlines": "annotate.intake.job",
    "prelabel_scans": "active.prelabel",
    "train": "model.training.train",
    # models and their choices
    "Candidate": "active.selection.select",
    "Predictor": "model.inference.predict",
    "Sample": "model.data.dataset",
    "evaluate": "model.evaluation.evaluate",
    "judge": "active.gate",
    "load_model": "model.versions.load",
    "select": "active.selection.select",
    # a box and clicks -> an outline
    "Box": "model.refine.prompt",
    "Click": "model.refine.prompt",
    "Refiner": "model.refine.refiner",
    "load_refiner": "model.refine.saved",
    # outlines <-> masks
    "index_to_shapes": "annotate.geometry.trace",
    "mask_to_shapes": "annotate.geometry.trace",
    "polygons_to_mask": "annotate.geometry.raster",
    "shapes_to_layers": "annotate.geometry.raster",
}
"""The module of each public name."""

__all__ = [
    "Annotation",
    "Box",
    "Candidate",
    "Choice",
    "ClassDef",
    "Classes",
    "Click",
    "Decoder",
    "DmrError",
    "Frame",
    "Predictor",
    "Refiner",
    "Report",
    "Sample",
    "Session",
    "Shape",
    "Workspace",
    "draw_overlay",
    "draw_phantom",
    "evaluate",
    "import_outlines",
    "index_to_shapes",
    "judge",
    "load_model",
    "load_refiner",
    "mask_to_shapes",
    "polygons_to_mask",
    "prelabel_scans",
    "read_annotation",
    "read_frames",
    "select",
    "shapes_to_layers",
    "train",
    "write_annotation",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
