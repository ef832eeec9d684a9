"""Export a model as ONNX for other programs, and check that it computes the same."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ...annotate.errors import ModelError, UsageError
from ...annotate.progress.tell import Tell, silent
from ..computing.telemetry import import_onnxruntime
from ..inference.engine import inference_part
from ..network.dmrnet import DMRNet

OPSET: Final = 18
PARITY: Final = 1e-3  # largest difference of a logit that rounding can explain


def export_onnx(network: DMRNet, path: Path, *, size: int) -> None:
    """Write a network as ONNX: `frames` `(B, 1, size, size)` -> `logits`, `embedding`; any B.

    Raises:
        UsageError: The packages for it are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        import_onnxruntime()
    except ImportError as error:
        remedy = 'Run pip install ".[onnx]" -c constraints.txt in your clone of dmr'
        raise UsageError("models export", f"needs {error.name}, which is not installed", remedy) from error
    # Two frames, because the exporter takes a batch of one as a fixed size.
    example = torch.zeros(2, 1, size, size)
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            inference_part(network),
            (example,),
            path,
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=["frames"],
            output_names=["logits", "embedding"],
            dynamic_shapes=({0: batch},),
            verbose=False,
        )


def parity(
    network: DMRNet,
    path: Path,
    *,
    size: int,
    frames: torch.Tensor | None = None,
    tell: Tell = silent,
) -> float:
    """The largest difference of a logit between an ONNX file, computed by ONNX Runtime, and its network.

    The first frame is computed alone and the others together, because the file must take any number of frames.

    Args:
        network: The network that was exported.
        path: The file.
        size: Side of the grid.
        frames: Standardised frames, `(B, 1, size, size)`; None for noise.
        tell: Gets the progress.

    Raises:
        ModelError: The difference is more than rounding can explain.
    """
    onnxruntime = import_onnxruntime()
    x = torch.randn(3, 1, size, size, generator=torch.Generator().manual_seed(0)) if frames is None else frames
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    part, difference = inference_part(network), 0.0
    for some in (x[:1], x[1:]):
        if not len(some):
            continue
        answer = session.run(None, {"frames": some.numpy()})[0]
        with torch.inference_mode():
            expected = part(some)[0].numpy()
        difference = float(np.maximum(difference, np.abs(answer - expected).max()))
        tell("Checking frames", len(some), len(x))
    if not difference <= PARITY:
        raise ModelError(
            path.name, f"its logits differ by {difference:.2g} from the network's", "Report this with the model's card"
        )
    return difference
