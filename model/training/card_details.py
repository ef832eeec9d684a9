"""What a model's card says about its data and its limits."""

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
    """The numbers of frames and patients, and of frames that show each class."""
    drawn = Counter(i for item in items for i in {s.class_id for s in item.annotation.shapes})
    return {
        "frames": len(items),
        "patients": patient_count(items),
        "frames_with": {name: drawn[i] for i, name in names.items()},
    }


def limits(frames: TrainingFrames, names: dict[int, str], settings: TrainSettings) -> list[str]:
    """The limits of the model, for its card."""
    train, patients, judged = frames.train, patient_count(frames.train), patient_count(frames.validation)
    scarce = [n for i, n in names.items() if sum(any(s.class_id == i for s in t.annotation.shapes) for t in train) < 20]
    limits = [
        f"It has learnt from {counted(len(train), 'frames')} of {counted(patients, 'patients')} of this workspace only;"
        " it does not know other scanners, probes, depths and bodies.",
        f"It sees frames reduced to {settings.input} x {settings.input} pixels: finer detail is lost.",
        f"Its figures on validation patients ({counted(judged, 'patients')}) are not independent: they decided which"
        " weights were kept, and its probabilities were calibrated on these patients."
        if judged
        else "Without validation patients nobody knows how good it is, and its probabilities are not calibrated.",
        "If a class is drawn in only some frames of a patient, the others may lack the structure, or just its outline.",
    ]
    if scarce:
        limits.append(f"Learnt from fewer than 20 frames each: {', '.join(scarce)}.")
    return limits
