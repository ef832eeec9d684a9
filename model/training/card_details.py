"""What a model's card says of its data, and of what nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from ...annotate.catalogue.records import LabelledFrame
from ...annotate.wording import counted
from .frames import TrainingFrames, patient_count
from .settings import TrainSettings

HOW_MEASURED: Final = (
    "`validation` is measured at the frames' own size over several views of each frame, as `dmr prelabel` draws them."
    " `validation_dice_while_training`, which the progress bar showed, is measured on the network's grid over one view:"
    " it is quick, and it chose the weights that were kept."
)


def described(items: Sequence[LabelledFrame], names: dict[int, str]) -> dict[str, Any]:
    """Frames, patients, and frames a class."""
    drawn = Counter(i for item in items for i in {s.class_id for s in item.annotation.shapes})
    return {
        "frames": len(items),
        "patients": patient_count(items),
        "frames_with": {name: drawn[i] for i, name in names.items()},
    }


def limits(frames: TrainingFrames, names: dict[int, str], settings: TrainSettings) -> list[str]:
    """What nobody knows of the model, for its card."""
    train, patients, judged = frames.train, patient_count(frames.train), patient_count(frames.validation)
    scarce = [n for i, n in names.items() if sum(any(s.class_id == i for s in t.annotation.shapes) for t in train) < 20]
    limits = [
        f"It has seen {counted(len(train), 'frames')} of {counted(patients, 'patients')}, of this workspace alone;"
        " other scanners, probes, depths and bodies are unknown to it.",
        f"It sees frames reduced to {settings.input} x {settings.input} pixels: what is finer than these is lost.",
        "Its figures on validation patients are not independent: by them its training was stopped and its probabilities"
        f" calibrated ({counted(judged, 'patients')})."
        if judged
        else "Without validation patients nobody knows how good it is, and its probabilities are not calibrated.",
        "Where a class was drawn in few frames of a patient, frames without it may lack the outline or the structure.",
    ]
    if scarce:
        limits.append(f"Learnt from fewer than 20 frames each: {', '.join(scarce)}.")
    return limits
