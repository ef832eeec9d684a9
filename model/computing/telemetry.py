"""Import libraries so that they do not report to their makers over the internet."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any


def import_openvino() -> Any:
    """Import `openvino` so that it sends nothing.

    Its import alone would report to Google Analytics and leave an id in the user's home folder. If its telemetry
    package cannot be imported, it uses an empty one of its own. So that package is hidden from this process.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to refuse an import
    return importlib.import_module("openvino")


def import_onnxruntime() -> Any:
    """Import `onnxruntime` so that it sends nothing.

    Since 1.29 its builds for Linux report their start and each model to Microsoft, and leave an id in the user's cache
    folder. On Windows they pass events to the system's telemetry.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when the library is loaded
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()
    return onnxruntime
